import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../e2e/checkout.ts';
import { judgeAdvisories } from './advisories.ts';
import { judgeStates } from './states.ts';
import { dynamoSuites, sqlSuites, stripeCalls, stripeSuites } from './suites.ts';

const usage = `npm run test:judges -- NAME… [--stripe-mock FILE] [--python FILE] [--dynamodb URL] [--pgbouncer FILE]

Lets others judge what the stand-ins of the tests say:

  stripe      stripe-mock looks at every request of the Stripe adapter. --stripe-mock: its program (stripe-mock)
  states      moto interprets the state machines, with steps that fail. --python: a Python with moto (python3)
  dynamodb    another DynamoDB runs the suites of DynamoDB. --python: a Python with ministack (python3),
              or --dynamodb: the address of one that runs
  pgbouncer   PgBouncer in transaction mode stands before PostgreSQL in the suites of SQL. --pgbouncer: its program (pgbouncer)
  advisories  OSV-Scanner finds a made-up advisory of what is deployed, offline. --scanner: its program (osv-scanner),
              --python: any Python (python3)

See docs/proof.md.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'stripe-mock': { type: 'string', default: 'stripe-mock' },
    python: { type: 'string', default: 'python3' },
    dynamodb: { type: 'string' },
    pgbouncer: { type: 'string', default: 'pgbouncer' },
    scanner: { type: 'string', default: 'osv-scanner' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
/** A program is looked up in PATH unless it is a path. */
const program = (name: string): string => (name.includes('/') ? resolve(name) : name);

const judges: Readonly<Record<string, (folder: string) => Promise<boolean>>> = {
  async stripe(folder) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const mock = await start(program(values['stripe-mock']), ['-http-addr', `127.0.0.1:${port}`], url);
    try {
      if ((await fetch(`${url}/v1/refunds?nonsense=1`, { headers: stripeKey })).status !== 400)
        throw new Error('stripe-mock takes a parameter that does not exist');
      const { passed, lines } = await runSuites(stripeSuites, { JUDGE_STRIPE: url }, folder);
      const missing = stripeCalls.filter((call) => !lines.has(call));
      for (const call of missing) console.error(`No request of the kind "${call}" was judged.`);
      console.log(`stripe-mock judged ${total(lines)} requests of ${lines.size} kinds.`);
      return passed && missing.length === 0;
    } finally {
      await stop(mock);
    }
  },
  async states() {
    const { differences, compared } = await judgeStates(program(values.python));
    for (const difference of differences) console.error(difference);
    console.log(`moto ran ${compared} executions as ours did, but for ${differences.length} differences.`);
    return differences.length === 0;
  },
  async dynamodb(folder) {
    const port = await freePort();
    const url = values.dynamodb ?? `http://127.0.0.1:${port}`;
    const environment = { GATEWAY_PORT: String(port), LOG_LEVEL: 'ERROR' };
    const emulator =
      values.dynamodb === undefined
        ? await start(program(values.python), ['-m', 'ministack'], url, environment)
        : undefined;
    try {
      const { passed, lines } = await runSuites(dynamoSuites, { JUDGE_DYNAMODB: url }, folder);
      console.log(`${total(lines)} requests of ${lines.size} operations went to ${url}.`);
      return passed && total(lines) > 1000;
    } finally {
      if (emulator !== undefined) await stop(emulator);
    }
  },
  async pgbouncer(folder) {
    const environment = { JUDGE_PGBOUNCER: program(values.pgbouncer), PREPARED_STATEMENTS: 'off' };
    return (await runSuites(sqlSuites, environment, folder)).passed;
  },
  async advisories(folder) {
    const wrong = await judgeAdvisories(program(values.scanner), program(values.python), folder);
    for (const line of wrong) console.error(line);
    return wrong.length === 0;
  },
};

const stripeKey = { authorization: 'Bearer sk_test_123' };
const total = (lines: ReadonlyMap<string, number>): number =>
  [...lines.values()].reduce((sum, count) => sum + count, 0);

async function main(): Promise<number> {
  if (values.help || positionals.length === 0 || positionals.some((name) => !Object.hasOwn(judges, name))) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-judges-'));
  try {
    for (const name of positionals) if (!(await judges[name]!(folder))) return 1;
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns whether the suites passed, and how often each thing was judged */
async function runSuites(suites: readonly string[], environment: Record<string, string>, folder: string) {
  const file = join(folder, 'judged');
  await rm(file, { force: true });
  const child = spawn('vitest', ['run', ...suites], {
    stdio: 'inherit',
    env: { ...process.env, ...environment, JUDGED: file },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  const lines = new Map<string, number>();
  for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n'))
    if (line !== '') lines.set(line, (lines.get(line) ?? 0) + 1);
  return { passed: code === 0, lines };
}

/** Starts a server and waits until it answers. */
async function start(
  command: string,
  args: string[],
  url: string,
  environment: Record<string, string> = {},
): Promise<ChildProcess> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${command} ended with ${code}`)));
  failed.catch(() => {});
  const answers = async () => {
    while (
      !(await fetch(url).then(
        () => true,
        () => false,
      ))
    )
      await sleep(50);
  };
  await Promise.race([answers(), failed]);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

process.exitCode = await main();
