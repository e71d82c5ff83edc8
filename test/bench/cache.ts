import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBDocument, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import postgres, { type Sql } from 'postgres';
import { type CatalogReader, type Outcome, startCatalogReaders } from '../support/catalog-readers.ts';
import { startRelay } from '../support/dynamo.ts';
import { median, sum } from './numbers.ts';
import { endOf, loggingStatements, readStatements } from './server-log.ts';
import { openShop, type Shop } from './shop.ts';

export type CacheFigures = {
  /** Reads a second by 64 readers in four processes, half of a product and half of a list. */
  onPerSecond: number;
  offPerSecond: number;
  /** Without DynamoDB. */
  awayPerSecond: number;
  /** The middle of the rounds' own ratios. */
  onOfOff: number;
  awayOfOn: number;
  /** Reads without an answer while DynamoDB was away. */
  awayErrors: number;
  crowds: Crowd[];
  /** From the death of the process that loads until every reader of the others has its answer. */
  killed: { loads: number; seconds: number };
};

/** A thousand readers at once, a quarter in each process, and what PostgreSQL ran for them by its own log. */
export type Crowd = { situation: string; readers: number; statements: number; answers: Record<string, number> };

export type CacheOptions = { rounds: number; seconds: number; say: (line: string) => void };

const processes = 4;
const readersEach = 16;
const crowdEach = 250;
/** How long the source holds a load up, in milliseconds. */
const slowLoad = 100;

/** The stand-in for DynamoDB shares two processors with everybody. No reader gives it up for being slow. */
const settings = { READER_PATIENCE: '60000', POWERTOOLS_LOG_LEVEL: 'SILENT' };

type What = { productId: string; clientId: string };

/** What the cache is worth, and what becomes of crowds, deaths and outages. */
export async function measureCache({ rounds, seconds, say }: CacheOptions): Promise<CacheFigures> {
  // Only what `countStatements` asks for is logged.
  const shop = await openShop({
    products: 20,
    customers: 0,
    postgresSettings: { ...loggingStatements, log_min_duration_statement: '-1' },
  });
  const owner = postgres({ path: shop.stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil' });
  try {
    const what = { productId: shop.productIds[0]!, clientId: shop.clientId };
    const rates = await measureRates(shop, what, { rounds, seconds, say });
    await owner`alter role catalog_reader set log_min_duration_statement = 0`;
    say('a thousand readers at once, and the death of a process that loads');
    return { ...rates, crowds: await meetCrowds(shop, owner), killed: await killLoader(shop, owner) };
  } finally {
    await owner.end();
    await shop.close();
  }
}

/** The cache on, off, and without DynamoDB, turn by turn. */
async function measureRates(shop: Shop, what: What, { rounds, seconds, say }: CacheOptions) {
  const { dynamoEndpoint } = shop.stack.inside;
  const env = { ...shop.stack.inside.env, ...settings };
  const relay = await startRelay(Number(new URL(dynamoEndpoint).port));
  const groups = {
    on: await startCatalogReaders(processes, env),
    off: await startCatalogReaders(processes, { ...env, CACHE: 'off' }),
    away: await startCatalogReaders(processes, { ...env, AWS_ENDPOINT_URL_DYNAMODB: relay.endpoint }),
  };
  try {
    for (const group of Object.values(groups)) await readFor(group, what, 1);
    const turns: { on: number; off: number; away: number }[] = [];
    let awayErrors = 0;
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: with the cache, without it, without DynamoDB`);
      const on = await readFor(groups.on, what, seconds);
      const off = await readFor(groups.off, what, seconds);
      // Credentials that were verified lately go on.
      await readFor(groups.away, what, 0.2);
      relay.refuse();
      const away = await readFor(groups.away, what, seconds);
      await relay.resume();
      awayErrors += away.errors;
      turns.push({ on: on.perSecond, off: off.perSecond, away: away.perSecond });
    }
    return {
      onPerSecond: median(turns.map(({ on }) => on)),
      offPerSecond: median(turns.map(({ off }) => off)),
      awayPerSecond: median(turns.map(({ away }) => away)),
      onOfOff: median(turns.map(({ on, off }) => on / off)),
      awayOfOn: median(turns.map(({ on, away }) => away / on)),
      awayErrors,
    };
  } finally {
    await Promise.all(Object.values(groups).flatMap((group) => group.map((reader) => reader.end())));
    await relay.stop();
  }
}

async function readFor(group: CatalogReader[], what: What, seconds: number) {
  const startedAt = performance.now();
  const reading = readAll(group, { ...what, readers: readersEach, once: false, what: 'both' });
  await sleep(seconds * 1000);
  for (const reader of group) reader.stop();
  const readings = (await reading).flatMap((outcome) => outcome.readings);
  const errors = readings.filter(({ status }) => status !== 200).length;
  return { perSecond: (readings.length - errors) / ((performance.now() - startedAt) / 1000), errors };
}

const readAll = (group: CatalogReader[], what: Parameters<CatalogReader['read']>[0]): Promise<Outcome[]> =>
  Promise.all(group.map((reader) => reader.read(what)));

const atOnce = (productId: string, clientId: string, readers: number) =>
  ({ productId, clientId, readers, once: true, what: 'product' }) as const;

/** Crowds that read one product, while its table is locked for a while. */
async function meetCrowds({ stack, directory, productIds, clientId }: Shop, owner: Sql): Promise<Crowd[]> {
  const env = { ...stack.inside.env, ...settings };
  const log = join(directory, 'postgres/server.log');
  const productId = productIds[1]!;
  const meet = async (situation: string, more: Record<string, string>): Promise<Crowd> => {
    const group = await startCatalogReaders(processes, { ...env, ...more });
    const from = await endOf(log);
    let outcomes: Promise<Outcome[]> | undefined;
    await owner.begin(async (tx) => {
      await tx`lock table catalog.products in access exclusive mode`;
      outcomes = readAll(group, atOnce(productId, clientId, crowdEach));
      await loading(owner);
      await sleep(slowLoad);
    });
    const all = await outcomes!;
    const failed = all.flatMap(({ readings }) => readings).filter(({ status }) => status !== 200).length;
    if (failed > 0) throw new Error(`${failed} readers of a crowd got no product.`);
    await Promise.all(group.map((reader) => reader.end()));
    const statements = (await readStatements(log, from, await endOf(log))).filter(
      ({ role }) => role === 'catalog_reader',
    );
    return { situation, readers: processes * crowdEach, statements: statements.length, answers: answersOf(all) };
  };
  const missing = await meet('of a missing entry', {});
  await expire(stack, productId);
  const expired = await meet('of an expired entry', {});
  return [missing, expired, await meet('without the cache', { CACHE: 'off' })];
}

/** Ages what the table holds of a product beyond the time in which it is used while somebody loads it. */
async function expire({ inside }: Shop['stack'], productId: string): Promise<void> {
  await DynamoDBDocument.from(inside.dynamo).send(
    new UpdateCommand({
      TableName: 'cache',
      Key: { key: `entry#product.4/${productId}` },
      UpdateExpression: 'SET loadedAt = loadedAt - :ten',
      ConditionExpression: 'attribute_exists(body)',
      ExpressionAttributeValues: { ':ten': 10 * 60_000 },
    }),
  );
}

/** A process begins to load and is killed. Readers of three others wait for it. */
async function killLoader({ stack, productIds, clientId }: Shop, owner: Sql): Promise<CacheFigures['killed']> {
  const [doomed, ...others] = await startCatalogReaders(processes, { ...stack.inside.env, ...settings });
  const what = atOnce(productIds[2]!, clientId, crowdEach);
  let outcomes: Promise<Outcome[]> | undefined;
  let diedAt = 0;
  await owner.begin(async (tx) => {
    await tx`lock table catalog.products in access exclusive mode`;
    doomed!.read(what).catch(() => {});
    await loading(owner);
    outcomes = readAll(others, what);
    doomed!.kill();
    diedAt = performance.now();
  });
  const answers = answersOf(await outcomes!);
  const seconds = (performance.now() - diedAt) / 1000;
  await Promise.all(others.map((reader) => reader.end()));
  const loads = sum(['loaded', 'changing', 'unreachable', 'large'].map((from) => answers[from] ?? 0));
  return { loads, seconds };
}

/** Resolves when a load waits for the table. */
async function loading(owner: Sql): Promise<void> {
  for (;;) {
    const waiting = await owner`
      select from pg_catalog.pg_stat_activity where usename = 'catalog_reader' and wait_event_type = 'Lock'`;
    if (waiting.length > 0) return;
    await sleep(5);
  }
}

function answersOf(outcomes: Outcome[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const { answers } of outcomes) {
    for (const [from, count] of Object.entries(answers)) all[from] = (all[from] ?? 0) + count;
  }
  return all;
}
