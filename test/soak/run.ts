import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import postgres, { type Sql } from 'postgres';
import { resetStack } from '../../infra/local/stack.ts';
import { bigintAsNumber } from '../../lib/platform/sql.ts';
import { freePort } from '../e2e/checkout.ts';
import { createAsker, outages, watchStrain } from './ask.ts';
import { busyCompensation, checkAll, compensationsRetried, readEnds } from './check.ts';
import { createCustomer } from './customer.ts';
import { follow } from './events.ts';
import { openJournal } from './journal.ts';
import { type Kill, killAtRandom, untilWell } from './kills.ts';
import { type Open, untilQuiet } from './quiet.ts';
import { randomOf } from './random.ts';
import { checkReadModel } from './read-model.ts';
import { openShop, runStaff, type World } from './shop.ts';
import { launchStack, type StackProcess } from './stack.ts';

const usage = `npm run soak -- [--minutes N] [--seed S] [--directory D] [--rate R] [--kill-every S]

  --minutes N     how long customers order and things are killed (5)
  --seed S        the number that the random decisions come from; by default another one each time
  --directory D   empty or not there yet, and kept: the data, stack.log, and journal.jsonl with every decision
  --rate R        orders a second, about (6)
  --kill-every S  seconds between two kills, on average (20)

Ends with 1 when a promise was broken, and keeps the data then. Ctrl-C ends the load early and checks what there is.
`;

const customerCount = 24;
/** The share of a customer's turns that place an order. */
const placingShare = 0.7;
/** The saga's own retries of a compensation take up to four minutes. */
const endWithinMs = 600_000;

async function main(): Promise<boolean> {
  const { minutes, seed, rate, killEvery, directory: given, help } = readArguments();
  if (help) {
    console.log(usage);
    return true;
  }
  const directory = await makeDirectory(given);
  console.log(`soak: ${minutes} minutes, seed ${seed}, in ${directory}`);
  const journal = openJournal(join(directory, 'journal.jsonl'));
  journal.note('soak', 'begins', { minutes, seed, rate, killEvery });

  const stack = await launchStack({
    directory,
    port: await freePort(),
    settings: {
      RATE_LIMIT_PER_MINUTE: '1000000',
      MAX_UNPAID_ORDERS: '1000000',
      MAX_UNPAID_UNITS: '1000000',
      PAYMENT_TIMEOUT_MS: '500',
      RESERVATION_SECONDS: '60',
    },
    onLine(line) {
      journal.note('stack', line);
      // A worker that is killed has nothing to say; one that ends by an error has.
      if (line.startsWith('the functions have stopped (')) journal.violation('stack', line);
    },
    onDeath: (how) => journal.violation('stack', `the stack ended by itself with ${how}; see stack.log`),
  });
  const down = outages();
  const load = startClock(minutes);
  process.once('SIGINT', load.stop);
  const { baseUrl, appKey, clientId } = stack.address();
  const strain = watchStrain();
  const ask = createAsker({ baseUrl, clientId, journal, down, strained: strain.strained });
  const world: World = { ask, journal, seed, appKey, products: [], orders: [], answered: [], ...load };
  const { admin, close } = databaseOf(() => stack.address().socketPath);

  await openShop(world);
  const follower = await follow(
    { baseUrl: () => stack.address().baseUrl, appKey, journal },
    randomOf(seed, 'follower').next,
  );
  const pauseMs = (1000 * customerCount * placingShare) / rate;
  const customers = [];
  for (let i = 1; i <= customerCount; i++) customers.push(await createCustomer(world, i, pauseMs));

  load.start();
  const actors = [runStaff(world), ...customers.map(({ run }) => run())];
  const killing = killAtRandom({ world, stack, down, meanPauseMs: killEvery * 1000, admin });
  const progress = setInterval(() => tellProgress(world), 60_000);
  const outcomes = await Promise.allSettled([...actors, killing]);
  clearInterval(progress);
  for (const one of outcomes) if (one.status === 'rejected') journal.violation('soak', String(one.reason));
  const kills = await killing.catch((): Kill[] => []);

  console.log('the load has ended; waiting for every order to end');
  await untilWell(stack);
  // A compensation that runs again by itself would change orders while they are checked.
  await stack.stopSchedule();
  await untilEnded(admin, stack, journal);
  // Whatever became of a customer's session, signing in and asking again works.
  for (const { signIn } of customers) await signIn();
  const asked = customers.map(({ id, name, token }) => ({ id, name, token: token() }));
  await checkAll({
    world,
    strained: strain.strained,
    sql: admin(),
    dynamoEndpoint: stack.address().dynamoEndpoint,
    customers: asked,
  });
  console.log('waiting for every event to arrive');
  await follower.check({ sql: admin(), publish: stack.publish, withinMs: endWithinMs });
  await follower.stop();
  await checkReadModel({ sql: admin(), publish: stack.publish, withinMs: endWithinMs }, journal);
  const ends = await readEnds(admin(), kills);
  strain.stop();
  await close();
  await stack.stop();

  const passed = journal.violations.length === 0;
  console.log(summary(world, kills, ends));
  console.log(
    passed ? 'Every promise was kept.' : `${journal.violations.length} violations. Seed ${seed}, ${directory}`,
  );
  await journal.close();
  if (passed && given === undefined) {
    await resetStack(join(directory, 'stack'));
    await rm(directory, { recursive: true, force: true });
  }
  return passed;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      directory: { type: 'string' },
      rate: { type: 'string', default: '6' },
      'kill-every': { type: 'string', default: '20' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const number = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least) return value;
    throw new Error(`--${name} must be a number from ${least}, not "${text}".\n\n${usage}`);
  };
  return {
    minutes: number('minutes', values.minutes, 0.1),
    seed: number('seed', values.seed, 0),
    rate: number('rate', values.rate, 0.1),
    killEvery: number('kill-every', values['kill-every'], 3),
    directory: values.directory,
    help: values.help,
  };
}

async function makeDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return mkdtemp(join(tmpdir(), 'counterfoil-soak-'));
  const directory = resolve(given);
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) throw new Error(`${directory} is not empty: choose another directory.`);
  return directory;
}

/** The time in which the load goes on, from `start`. */
function startClock(minutes: number) {
  const over = new AbortController();
  return {
    start: () => void setTimeout(() => over.abort(), minutes * 60_000).unref(),
    stop: () => over.abort(),
    goesOn: () => !over.signal.aborted,
    rest: (milliseconds: number) => sleep(milliseconds, undefined, { signal: over.signal }).catch(() => {}),
  };
}

/** PostgreSQL's own socket, past every part of the product. It is where the data is, so a restart does not move it. */
function databaseOf(socketPath: () => string) {
  let sql: Sql | undefined;
  const admin = (): Sql => {
    sql ??= postgres({
      host: dirname(socketPath()),
      user: 'rdsadmin',
      database: 'counterfoil',
      max: 2,
      idle_timeout: 1,
      transform: { column: { from: postgres.toCamel } },
      types: { bigint: bigintAsNumber },
      onnotice: () => {},
    }) as unknown as Sql;
    return sql;
  };
  return { admin, close: async () => void (await sql?.end({ timeout: 5 })) };
}

/** The sweeper is run more often than by its schedule, so that the end does not take a minute a round. */
async function untilEnded(admin: () => Sql, stack: StackProcess, journal: World['journal']): Promise<void> {
  const wrong = await untilQuiet({
    sweep: stack.sweep,
    async readOpen() {
      const [row] = await admin()<Open[]>`
        select count(*)::integer as count, min(id) as first from (
          select id from orders.orders where status not in ('confirmed', 'failed', 'cancelled', 'needs_attention')
          union all
          select id from payments.refunds where status = 'requested'
        ) under_way`;
      return row!;
    },
    withinMs: endWithinMs,
  });
  if (wrong !== undefined) journal.violation('soak', wrong);
}

function tellProgress({ orders, journal }: World): void {
  const sum = (start: string) => journal.counted(start).reduce((total, [, count]) => total + count, 0);
  const kills = `${sum('kill of ')} kills`;
  console.log(
    `· ${orders.length} orders, ${kills}, ${sum('refusal ')} refusals, ${journal.violations.length} violations`,
  );
}

function summary(
  { journal, orders }: World,
  kills: readonly Kill[],
  ends: Awaited<ReturnType<typeof readEnds>>,
): string {
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const list = (title: string, counts: [string, number][]) => [
    title,
    ...counts.map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`),
  ];
  const recovery = Math.max(0, ...kills.map(({ at, wellAgainAt }) => wellAgainAt - at));
  return [
    '',
    ...list(`${orders.length} orders`, ends.byStatus),
    ...list('placed', journal.counted('order placed ')),
    ...list(`${kills.length} kills`, journal.counted('kill of ')),
    ...list('refusals that a client saw, each followed by another try', journal.counted('refusal ')),
    ...list(
      'besides',
      [
        'cancellation accepted',
        'cancellation refused',
        'payments completed',
        'payments failed',
        'refunds in part',
        'webhooks received',
        'restocks',
        'price changes',
        'sessions ended',
        'answers replayed',
        compensationsRetried,
        busyCompensation,
      ].flatMap((name) => journal.counted(name).map(([, count]): [string, number] => [name, count])),
    ),
    `longest until all parts were well again after a kill: ${seconds(recovery)}`,
    `longest for an order that was under way at a kill to end after it: ${seconds(ends.longestAfterKillMs)}`,
    `longest for any order to end: ${seconds(ends.longestMs)}`,
  ].join('\n');
}

main().then(
  (passed) => process.exit(passed ? 0 : 1),
  (error: unknown) => {
    console.error(process.env.DEBUG === undefined && error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
