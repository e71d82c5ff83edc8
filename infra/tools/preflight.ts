import { parseArgs } from 'node:util';
import { type Account, awsAccount } from '../preflight/account.ts';
import { checks } from '../preflight/checks.ts';
import type { Finding } from '../preflight/finding.ts';
import { readSettings, type Settings } from '../settings.ts';
import { withThrowawayApp } from '../throwaway-app.ts';

export const usage = `npm run preflight -- [--profile dev|staging|small|prod] [-c name=value]…

Checks whether the AWS account of your credentials can take a stage, before anything is deployed: bootstrap, database,
zones, quotas, the sender of mails, secrets. It takes the settings of \`cdk deploy\`, reads and changes nothing, and ends
with 1 when something would stop the deployment. Region: AWS_REGION. See docs/deploy.md.`;

type Print = (line: string) => void;
const marks = { ok: '✓', warn: '!', fail: '✗' } as const;

/** Runs one command line. @returns the exit code: 0 ready, 1 not ready, 2 invalid command line */
export async function runPreflight(args: string[], open: () => Account, print: Print): Promise<number> {
  let settings: Settings;
  try {
    const given = settingsIn(args);
    if (given === undefined) {
      print(usage);
      return 0;
    }
    settings = given;
  } catch (error) {
    print(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  let account: Account;
  try {
    account = open();
    const { account: id, region } = await account.identity();
    print(`Account ${id} in ${region}, profile ${settings.profile.name}`);
  } catch (error) {
    print(`✗ credentials: ${reasonOf(error)} Set AWS_REGION, and credentials of the account.`);
    return 1;
  }
  const found: Finding[] = [];
  for (const { name, run } of checks) {
    const findings = [await run(account, settings).catch(unanswered)].flat();
    for (const { level, text } of findings) print(`${marks[level]} ${name}: ${text}`);
    found.push(...findings);
  }
  const failed = found.filter(({ level }) => level === 'fail').length;
  print(failed === 0 ? 'Ready to deploy.' : `Not ready: ${failed} to put right.`);
  return failed === 0 ? 0 : 1;
}

/** A check that may not look says so, and the others still run. */
const unanswered = (error: unknown): Finding => ({
  level: 'warn',
  text: `AWS did not answer this: ${reasonOf(error)}`,
});

const reasonOf = (error: unknown): string => {
  const { name, message } = error as Error;
  return `${name}: ${message.replace(/\.*$/, '')}.`;
};

/** @throws Error saying what is wrong */
function settingsIn(args: string[]): Settings | undefined {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: 'string' },
      context: { type: 'string', short: 'c', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const pairs = values.context.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new Error(`-c ${pair} is not name=value.`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const context = Object.fromEntries([
    ...(values.profile === undefined ? [] : [['profile', values.profile]]),
    ...pairs,
  ]);
  return withThrowawayApp({ context }, (app) => readSettings(app.node));
}

if (import.meta.main) process.exitCode = await runPreflight(process.argv.slice(2), awsAccount, console.log);
