import { hrtime } from 'node:process';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run as supersede } from '../../functions/consumers/supersede-products.ts';
import { productUpdated } from '../../lib/contract/events/domain-events.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { type CatalogReader, type Outcome, startCatalogReaders } from '../support/catalog-readers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

/* Four processes read the catalogue by the handlers, while this one changes it. */
const processes = 4;
/** On a busy machine nobody gives DynamoDB up, or loads for longer than a lease. */
const long = String(2 * 60_000);
const readersEach = 16;

let handlers: LiveHandlers;
let readers: CatalogReader[];
let key: string;
let productId: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000000' });
  key = await handlers.appKey('catalog:write', 'catalog:read');
  readers = await startCatalogReaders(processes, { READER_PATIENCE: long, READER_LEASE: long });
});
afterAll(async () => {
  await Promise.all((readers ?? []).map((reader) => reader.end()));
  await handlers?.close();
});
beforeEach(async () => {
  const body = { sku: newId('product', systemClock), name: 'Teapot', price: { amount: 1, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: key, body })).body.id;
});

const monotonic = (): number => Number(hrtime.bigint()) / 1e6;
const setPrice = (amount: number) =>
  handlers.call('update-product', {
    token: key,
    parameters: { productId },
    body: { price: { amount, currency: 'EUR' } },
  });
const read = async () => (await handlers.call('get-product', { parameters: { productId } })).body;
const listed = async () =>
  (await handlers.call('list-products')).body.data.find(({ id }: { id: string }) => id === productId);
const all = (
  of: readonly CatalogReader[],
  what: { readers: number; once: boolean; what: 'product' | 'list' | 'both' },
) => Promise.all(of.map((reader) => reader.read({ ...what, productId, clientId: handlers.clientId })));
const sum = (outcomes: readonly Outcome[], ...from: string[]) =>
  outcomes.reduce((total, { answers }) => total + from.reduce((each, name) => each + (answers[name] ?? 0), 0), 0);
/** Changes what the table holds of the product, behind everybody's back. */
const changeEntry = (expression: string, values: Record<string, unknown>) =>
  handlers.dynamo.documents.send(
    new UpdateCommand({
      TableName: 'cache',
      Key: { key: `entry#product.4/${productId}` },
      UpdateExpression: expression,
      ConditionExpression: 'attribute_exists(body)',
      ExpressionAttributeValues: values,
    }),
  );
/** Reads of the database, by reason. */
const loadsOf = (outcomes: readonly Outcome[]) =>
  Object.fromEntries(
    ['loaded', 'changing', 'unreachable', 'large']
      .map((from): [string, number] => [from, sum(outcomes, from)])
      .filter(([, count]) => count > 0),
  );

test('after a price change is answered, none of 64 readers in four processes sees the price before it', async () => {
  const reading = all(readers, { readers: readersEach, once: false, what: 'both' });
  /** When each version was answered. */
  const answered: number[] = [0, monotonic()];
  for (let version = 2; version <= 40; version++) {
    const { status, body } = await setPrice(version);
    expect([status, body.version]).toEqual([200, version]);
    answered[version] = monotonic();
    // Readers have the time to fill the cache again.
    if (version % 4 === 0) for (let i = 0; i < 5; i++) await Promise.all([read(), listed()]);
  }
  for (const reader of readers) reader.stop();
  const outcomes = await reading;
  const readings = outcomes.flatMap((outcome) => outcome.readings);
  const late = readings.filter(({ startedAt, status, version = 0, amount }) => {
    const due = answered.findLastIndex((at) => at < startedAt);
    return status !== 200 || version < due || amount !== version;
  });
  expect(late).toEqual([]);
  expect(readings.length).toBeGreaterThan(1000);
  // It was the cache that answered most of them.
  expect(sum(outcomes, 'memory', 'table', 'waited')).toBeGreaterThan(readings.length / 2);
  expect((await read()).version).toBe(40);
});

test('a thousand readers of a missing entry in four processes cause one load', async () => {
  const outcomes = await all(readers, { readers: 250, once: true, what: 'product' });
  expect(outcomes.flatMap(({ readings }) => readings.map(({ status }) => status))).toEqual(Array(1000).fill(200));
  expect(loadsOf(outcomes)).toEqual({ loaded: 1 });
});

test('when the process that loads is killed, another one loads', async () => {
  const [doomed, ...others] = await startCatalogReaders(3, { READER_PATIENCE: long });
  try {
    const blocked = async () => {
      const waiting = await handlers.owner`
        select from pg_stat_activity
        where datname = current_database() and usename = 'catalog_reader' and wait_event_type = 'Lock'`;
      return waiting.length;
    };
    let outcomes: Promise<Outcome[]> | undefined;
    await handlers.owner.begin(async (tx) => {
      await tx`lock table catalog.products in access exclusive mode`;
      const cut = all([doomed!], { readers: 10, once: true, what: 'product' });
      cut.catch(() => {});
      await expect.poll(blocked).toBe(1);
      outcomes = all(others, { readers: 50, once: true, what: 'product' });
      doomed!.kill();
      await expect(cut).rejects.toThrow('ended');
    });
    const ended = await outcomes!;
    expect(ended.flatMap(({ readings }) => readings.map(({ status }) => status))).toEqual(Array(100).fill(200));
    expect(Object.keys(loadsOf(ended))).toEqual(['loaded']);
  } finally {
    await Promise.all(others.map((reader) => reader.end()));
  }
});

test('while PostgreSQL does not answer, an expired entry is served, and a changed one is not', async () => {
  await read();
  await changeEntry('SET loadedAt = loadedAt - :by', { ':by': 10 * 60_000 });
  const [reader] = await startCatalogReaders(1, { READER_PATIENCE: long });
  try {
    await handlers.owner.begin(async (tx) => {
      await tx`lock table catalog.products in access exclusive mode`;
      for (const readers of [1, 50]) {
        const [outcome] = await all([reader!], { readers, once: true, what: 'product' });
        expect(outcome!.readings.map(({ status, amount }) => [status, amount])).toEqual(Array(readers).fill([200, 1]));
        expect(outcome!.answers).toEqual({ stale: readers });
      }
      await cachePointers().supersede(`product/${productId}`);
      const [outcome] = await all([reader!], { readers: 1, once: true, what: 'product' });
      expect(outcome!.readings[0]!.status).toBe(503);
    });
    const back = await all([reader!], { readers: 1, once: true, what: 'product' });
    expect(back[0]!.readings[0]).toMatchObject({ status: 200, amount: 1 });
  } finally {
    await reader!.end();
  }
});

test('switched off, a process reads the database each time', async () => {
  const [off] = await startCatalogReaders(1, { CACHE: 'off' });
  try {
    for (const amount of [1, 2, 3]) {
      await handlers.owner`update catalog.products set price_amount = ${amount} where id = ${productId}`;
      const [outcome] = await all([off!], { readers: 5, once: true, what: 'both' });
      expect(outcome!.readings.map((reading) => reading.amount)).toEqual(Array(5).fill(amount));
      expect(outcome!.answers).toEqual({});
    }
  } finally {
    await off!.end();
  }
});

describe('prices for orders', () => {
  test('come from the database, whatever the cache says', async () => {
    await read();
    const body = JSON.stringify({ ...(await read()), price: { amount: 0, currency: 'EUR' } });
    await changeEntry('SET body = :body', { ':body': body });
    const [reader] = readers;
    const [outcome] = await all([reader!], { readers: 1, once: true, what: 'product' });
    expect(outcome!.readings[0]!.amount).toBe(0);

    const lines = [{ productId, quantity: 1 }];
    const quoted = await handlers.call('create-quote', { body: { lines } });
    expect(quoted.body.total).toEqual({ amount: 1, currency: 'EUR' });
    const password = 'correct horse';
    await handlers.call('sign-up', { body: { email: 'ada@example.com', password, name: 'Ada' } });
    const signedIn = await handlers.call('sign-in', { body: { email: 'ada@example.com', password } });
    const placed = await handlers.call('place-order', {
      token: signedIn.body.token,
      headers: { 'idempotency-key': newId('event', systemClock) },
      body: { lines, paymentMethod: 'pm_card_visa' },
    });
    expect(placed).toMatchObject({ status: 202, body: { total: { amount: 1 } } });
  });
});

describe('the cache follows', () => {
  const follow = (version: number) =>
    supersede(
      {
        id: newId('event', systemClock),
        type: 'product.updated',
        version: 1,
        subject: productId,
        aggregateId: productId,
        sequence: version,
        occurredAt: new Date().toISOString(),
        correlationId: null,
        causationId: null,
        data: { ...productUpdated.example, productId },
      },
      { pointers: cachePointers() },
    );

  test('the event of a change that was made past the handlers', async () => {
    expect([(await read()).name, (await listed()).name]).toEqual(['Teapot', 'Teapot']);
    await handlers.owner`update catalog.products set name = 'Pot', version = 2 where id = ${productId}`;
    expect((await read()).name).toBe('Teapot');
    expect(await follow(2)).toEqual({ outcome: 'superseded' });
    expect([(await read()).name, (await listed()).name]).toEqual(['Pot', 'Pot']);
    expect(await follow(2)).toEqual({ outcome: 'known' });
    expect(await follow(1)).toEqual({ outcome: 'known' });
  });

  test('what a handler did, whose event is no news then', async () => {
    await setPrice(2);
    expect(await follow(1)).toEqual({ outcome: 'known' });
    expect(await follow(2)).toEqual({ outcome: 'known' });
  });

  test('a product that is taken off sale, and one that comes', async () => {
    await read();
    await listed();
    await handlers.call('update-product', { token: key, parameters: { productId }, body: { active: false } });
    expect((await handlers.call('get-product', { parameters: { productId } })).status).toBe(404);
    expect(await listed()).toBeUndefined();
    await handlers.call('update-product', { token: key, parameters: { productId }, body: { active: true } });
    expect([(await read()).id, (await listed()).id]).toEqual([productId, productId]);
  });

  test('each page and each SKU, to which a cursor of another list does not belong', async () => {
    const first = await handlers.call('list-products', { query: { limit: '1' } });
    const second = await handlers.call('list-products', { query: { limit: '1', cursor: first.body.nextCursor } });
    expect(second.body.data[0].id).not.toBe(first.body.data[0].id);
    const { sku } = await read();
    const bySku = () => handlers.call('list-products', { query: { sku } });
    expect((await bySku()).body.data.map(({ id }: { id: string }) => id)).toEqual([productId]);
    await handlers.call('update-product', { token: key, parameters: { productId }, body: { sku: `${sku}-2` } });
    expect((await bySku()).body.data).toEqual([]);
    const foreign = await handlers.call('list-products', { query: { cursor: 'bm8uY3Vyc29y' } });
    expect(foreign).toMatchObject({ status: 400, body: { code: 'invalid-cursor' } });
  });
});
