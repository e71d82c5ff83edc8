import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Budgets, readBudgets, shown, whyWait } from '../release/budget.ts';
import { checkOut } from '../release/check-out.ts';
import { smoke } from '../release/smoke.ts';
import {
  backSteps,
  nameOf,
  outputsOf,
  type ReleaseStage,
  type Step,
  type StepName,
  stepNames,
  stepsOf,
} from '../release/steps.ts';

const usage = `npm run release -- --stage staging|prod [--to TAG] [--step NAME]… [-c name=value]…
                       [--url ADDRESS] [--despite-budget REASON]

  --stage  staging: proven by the end-to-end tests; prod: proven by a look at it. It is the profile too
  --step   only this step, or these: ${stepNames.join(', ')}
  --to     go back: the release of a tag or a commit, with its own code and packages, by ${backSteps.join(', ')}
  -c       a setting of the stage (docs/deploy.md), besides those in COUNTERFOIL_SETTINGS, a JSON object
  --url    the address of the API, instead of the one that the deployment gave
  --despite-budget
           why this release goes out although an error budget is used up, or burns (docs/objectives.md);
           also COUNTERFOIL_DESPITE_BUDGET

It stops at the first step that fails, and ends with 1. See docs/releases.md.`;

type Given = {
  stage: ReleaseStage;
  steps: StepName[];
  settings: Record<string, string>;
  url?: string;
  despiteBudget?: string;
  to?: string;
};

/** What a release does with the world. */
export type World = {
  /** Runs a command, in another folder if one is given, with its output also in a file. @returns its exit code */
  run(command: string[], options?: { output?: string | undefined; folder?: string }): Promise<number>;
  /** Makes a folder of a tag or a commit, with its packages. @throws Error when there is none, or they cannot be installed */
  checkOut(ref: string): Promise<{ folder: string; remove(): Promise<void> }>;
  smoke(url: string, release: string): Promise<string[]>;
  budgets(stage: string): Promise<Budgets>;
  /** What the last deployment wrote; undefined before it. */
  outputs(stage: ReleaseStage): Record<string, Record<string, string>> | undefined;
  environment: Readonly<Record<string, string | undefined>>;
};

/** Runs one command line. @returns the exit code: 0 done, 1 a step failed, 2 invalid command line */
export async function runRelease(args: string[], world: World, print: (line: string) => void): Promise<number> {
  let given: Given;
  try {
    given = read(args, world.environment);
  } catch (error) {
    print(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const { stage, steps, settings } = given;
  if (given.to !== undefined) return goBack(given.to, given, world, print);
  for (const name of steps) {
    print(`=== ${stage}: ${name}`);
    // The address is known only after the deployment.
    const url = given.url ?? world.outputs(stage)?.[`counterfoil-${nameOf(stage, settings)}-platform`]?.BaseUrl;
    const wrong = await runStep(
      stepsOf(stage, settings, url).find((step) => step.name === name)!,
      { ...given, ...(url === undefined ? {} : { url }) },
      world,
      print,
    );
    if (wrong.length === 0) continue;
    for (const line of wrong) print(line);
    print(`${stage} stopped at ${name}. ${advice[name]} Then: npm run release -- --stage ${stage} --step ${name}`);
    return 1;
  }
  return 0;
}

/** Runs the release of a tag by its own tool: it knows how it was made. @returns the exit code */
async function goBack(
  to: string,
  { stage, steps, settings, url }: Given,
  world: World,
  print: (line: string) => void,
): Promise<number> {
  let checkout: Awaited<ReturnType<World['checkOut']>>;
  try {
    checkout = await world.checkOut(to);
  } catch (error) {
    print(`${(error as Error).message}\n${stage} is as it was.`);
    return 1;
  }
  try {
    print(`=== ${stage}: back to ${to}`);
    const options = [
      ...steps.flatMap((name) => ['--step', name]),
      ...Object.entries({ ...settings, newerSettings: 'ignored' }).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]),
      ...(url === undefined ? [] : ['--url', url]),
    ];
    const command = ['npm', 'run', '--silent', 'release', '--', '--stage', stage, ...options];
    return await world.run(command, { folder: checkout.folder });
  } finally {
    await checkout.remove();
  }
}

const advice: Readonly<Record<StepName, string>> = {
  check: 'Nothing is deployed. Correct it.',
  synth: 'Nothing is deployed. Correct the settings or the code.',
  diff: 'Nothing is deployed. It needs AWS credentials and a region.',
  preflight: 'Nothing is deployed. Put right what it names.',
  budget:
    'Nothing is deployed. Release what mends it with --despite-budget REASON, and nothing else: docs/objectives.md.',
  deploy: 'The stacks before the one that failed have this release: docs/deploy.md#migrations.',
  prove: 'The stage has this release. Correct it, or go back: docs/deploy.md#rolling-back.',
};

async function runStep(
  step: Step,
  { url, settings, despiteBudget }: Given,
  world: World,
  print: (line: string) => void,
): Promise<string[]> {
  if ('budget' in step) return look(step.budget, despiteBudget, world, print);
  if (step.name === 'prove' && url === undefined)
    return ['Nothing says where the API is: deploy first, or give --url.'];
  if ('smoke' in step) return world.smoke(step.smoke, settings.release ?? version);
  if (step.name === 'prove' && (world.environment.COUNTERFOIL_APP_KEY ?? '') === '')
    return ['The end-to-end tests need a key with every scope in COUNTERFOIL_APP_KEY: npm run apps makes one.'];
  const code = await world.run(step.command, { output: step.output });
  return code === 0 ? [] : [`${step.command.join(' ')} ended with ${code}`];
}

/** Looks at the error budgets of a stage. @returns why the release must wait, unless somebody says why it must not */
async function look(
  stage: string | undefined,
  despite: string | undefined,
  world: World,
  print: (line: string) => void,
): Promise<string[]> {
  if (stage === undefined) {
    print('No objective is watched here.');
    return [];
  }
  const budgets = await world.budgets(stage);
  for (const line of shown(budgets)) print(line);
  const reasons = whyWait(budgets);
  if (reasons.length === 0 || despite === undefined) return reasons;
  for (const line of [...reasons, `It goes out nevertheless: ${despite}`]) print(line);
  return [];
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** @throws Error saying what is wrong */
function read(
  args: string[],
  { COUNTERFOIL_SETTINGS = '{}', COUNTERFOIL_DESPITE_BUDGET }: World['environment'],
): Given {
  const { values } = parseArgs({
    args,
    options: {
      stage: { type: 'string' },
      step: { type: 'string', multiple: true, default: [] },
      context: { type: 'string', short: 'c', multiple: true, default: [] },
      url: { type: 'string' },
      to: { type: 'string' },
      'despite-budget': { type: 'string' },
    },
  });
  const { stage, url, to } = values;
  if (stage !== 'staging' && stage !== 'prod') throw new Error('--stage is staging or prod.');
  const unknown = values.step.find((name) => !(stepNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Error(`--step ${unknown} does not exist.`);
  const settings: Record<string, string> = { ...settingsIn(COUNTERFOIL_SETTINGS) };
  for (const pair of values.context) {
    const at = pair.indexOf('=');
    if (at < 1) throw new Error(`-c ${pair} is not name=value.`);
    settings[pair.slice(0, at)] = pair.slice(at + 1);
  }
  if (settings.profile !== undefined) throw new Error('The stage decides the profile: leave out -c profile.');
  if (to?.startsWith('-')) throw new Error(`--to ${to} is neither a tag nor a commit.`);
  const wanted: readonly string[] = values.step.length > 0 ? values.step : to === undefined ? stepNames : backSteps;
  const steps = stepNames.filter((name) => wanted.includes(name));
  const despiteBudget = (values['despite-budget'] ?? COUNTERFOIL_DESPITE_BUDGET ?? '').trim();
  if (values['despite-budget'] !== undefined && despiteBudget === '')
    throw new Error('--despite-budget needs a reason.');
  return {
    stage,
    steps,
    settings,
    ...(to === undefined ? {} : { to }),
    ...(url === undefined ? {} : { url: url.replace(/\/+$/, '') }),
    ...(despiteBudget === '' ? {} : { despiteBudget }),
  };
}

function settingsIn(text: string): Record<string, string> {
  const wrong = new Error('COUNTERFOIL_SETTINGS is not a JSON object of strings.');
  if (text.trim() === '') return {};
  try {
    const settings = JSON.parse(text) as unknown;
    const fits = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
    if (fits && Object.values(settings).every((value) => typeof value === 'string'))
      return settings as Record<string, string>;
  } catch {
    throw wrong;
  }
  throw wrong;
}

const machine: World = {
  environment: process.env,
  smoke,
  budgets: (stage) => readBudgets(stage),
  outputs: (stage) => (existsSync(outputsOf(stage)) ? JSON.parse(readFileSync(outputsOf(stage), 'utf8')) : undefined),
  async run([command, ...args], { output, folder = '.' } = {}) {
    if (output === undefined) return endOf(spawn(command!, args, { cwd: folder, stdio: 'inherit' }));
    await mkdir('cdk.out', { recursive: true });
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const file = createWriteStream(output);
    for (const [stream, shown] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      stream.pipe(file, { end: false });
      stream.pipe(shown, { end: false });
    }
    const code = await endOf(child);
    file.end();
    await once(file, 'finish');
    return code;
  },
  checkOut,
};

/** The exit code of a process: 1 when a signal ended it. */
async function endOf(child: ReturnType<typeof spawn>): Promise<number> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

if (import.meta.main) process.exitCode = await runRelease(process.argv.slice(2), machine, console.log);
