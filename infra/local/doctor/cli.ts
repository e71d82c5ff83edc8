import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { databaseRoles } from '../../../lib/contract/deploy/roles.ts';
import { systemClock } from '../../../lib/kernel/clock.ts';
import { dropPool } from '../../../lib/platform/pools.ts';
import { sqlAs } from '../../../lib/platform/sql.ts';
import type { Check, Patient } from './check.ts';
import { checks, type Examined, examine } from './examine.ts';
import { patientOf } from './patient.ts';
import { readStageEnvironment } from './stage.ts';

export const usage = `npm run doctor -- [--stage NAME --url ADDRESS] [--directory .local] [--all] [CHECK]…

  --stage      a stage on AWS, by your credentials and AWS_REGION; run it where its proxy can be reached
  --url        the address of the stage's API
  --directory  the folder of a laptop's stack
  --all        show what is well, too
  CHECK        make these checks alone: ${checks.map(({ name }) => name).join(', ')}

Says what is wrong, what that means and what mends it. It reads and changes nothing. Ends with 1 when something is wrong.
See docs/doctor.md.`;

type Print = (line: string) => void;
const marks = { ok: '✓', warn: '!', fail: '✗' } as const;

/** Runs one command line. @returns the exit code: 0 well, 1 something is wrong, 2 invalid command line */
export async function runDoctor(args: string[], print: Print): Promise<number> {
  const given = read(args);
  if (typeof given === 'string') {
    print(given);
    return 2;
  }
  if (given.help) {
    print(usage);
    return 0;
  }
  let patient: Patient;
  try {
    patient =
      given.stage === undefined ? await patientOf(resolve(given.directory)) : await stageOnAws(given.stage, given.url);
  } catch (error) {
    print(`✗ ${(error as Error).message}`);
    return 1;
  }
  try {
    const show = ({ name, findings, leftOutFor }: Examined) => {
      if (leftOutFor !== undefined && given.all) print(`- ${name}: not looked at, because of ${leftOutFor}`);
      for (const { level, text, mend, page } of findings) {
        if (level === 'ok' && !given.all) continue;
        print(`${marks[level]} ${name}: ${text}`);
        if (mend !== undefined) print(`  → ${mend}`);
        if (page !== undefined) print(`    ${page}`);
      }
    };
    const results = await examine(patient, show, given.checks);
    const levels = results.flatMap(({ findings }) => findings.map(({ level }) => level));
    const wrong = levels.filter((level) => level === 'fail').length;
    const odd = levels.filter((level) => level === 'warn').length;
    const left = results.filter(({ leftOutFor }) => leftOutFor !== undefined).length;
    print(
      wrong + odd === 0
        ? `All ${results.length} checks are well.`
        : `${wrong} wrong, ${odd} to look at, of ${results.length} checks${left === 0 ? '' : `; ${left} could not be made`}.`,
    );
    return wrong === 0 ? 0 : 1;
  } finally {
    for (const role of databaseRoles) dropPool(role);
  }
}

/** @throws Error when the stage cannot be read */
async function stageOnAws(stage: string, url: string | undefined): Promise<Patient> {
  const client = new LambdaClient({});
  const variables = await readStageEnvironment(client, stage).catch((error: Error) => {
    throw new Error(
      `The functions of stage ${stage} cannot be read (${error.name}): check AWS_REGION and your credentials.`,
    );
  });
  Object.assign(process.env, variables);
  return { url: url?.replace(/\/+$/, ''), directory: undefined, now: () => systemClock.now(), sql: sqlAs };
}

type Given = { stage?: string; url?: string; directory: string; all: boolean; help: boolean; checks: readonly Check[] };

/** What the command line asks for, or what is wrong with it. */
function read(args: string[]): Given | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        stage: { type: 'string' },
        url: { type: 'string' },
        directory: { type: 'string', default: '.local' },
        all: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const unknown = positionals.find((name) => !checks.some((check) => check.name === name));
    if (unknown !== undefined) return `There is no check "${unknown}".\n\n${usage}`;
    const chosen = positionals.length === 0 ? checks : checks.filter(({ name }) => positionals.includes(name));
    return { ...values, checks: chosen };
  } catch (error) {
    return `${(error as Error).message}\n\n${usage}`;
  }
}

if (import.meta.main) {
  process.exitCode = await runDoctor(process.argv.slice(2), console.log);
  process.exit();
}
