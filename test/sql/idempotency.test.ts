import type { Sql, TransactionSql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Problem } from '../../lib/contract/api/problems.ts';
import {
  type Answer,
  type Claim,
  idempotent,
  type KeyOptions,
  type KeyTable,
  purgeExpiredKeys,
} from '../../lib/database/idempotency.sql.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let owner: Sql;
let time = Date.parse('2026-01-01T00:00:00Z');
let runs = 0;

const clock = { now: () => time };
const day = 24 * 3600;
const keys: KeyOptions = { table: 'catalog.idempotency_keys', clock, keepSeconds: 2 * day };
const claim: Claim = { caller: 'app:key_1', key: 'k-1', operation: 'create-product', fingerprint: 'one' };

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('catalog_api', { ...poolOptions, max: 10 });
  owner = database.connect('migrator', poolOptions);
});
afterAll(async () => {
  await Promise.all([sql?.end(), owner?.end()]);
  await database?.drop();
});
beforeEach(async () => {
  runs = 0;
  await owner`truncate catalog.idempotency_keys`;
});

const answer = (n: number): Answer => ({ status: 201, headers: { location: `/things/${n}` }, body: `{"n":${n}}` });
const count = async (_tx: TransactionSql) => answer(++runs);
const records = () => owner`select * from catalog.idempotency_keys`;

/** Work that runs until it is released. */
function held() {
  const started = Promise.withResolvers<TransactionSql>();
  const letGo = Promise.withResolvers<void>();
  const work = async (tx: TransactionSql) => {
    started.resolve(tx);
    await letGo.promise;
    return count(tx);
  };
  return { work, started: started.promise, letGo: letGo.resolve };
}

test('a repeat gets the first answer, and nothing runs again', async () => {
  expect(await idempotent(sql, claim, keys, count)).toEqual({ answer: answer(1), replayed: false });
  expect(await idempotent(sql, claim, keys, count)).toEqual({ answer: answer(1), replayed: true });
  expect(runs).toBe(1);
});

test.each([
  ['spaces and line breaks', '{ "b" : 1,\r\n\t"a":2 }\n'],
  ['letters beyond ASCII', '{"name":"Täßchen ☕ 𝒳 \\u0000 \\ud800"}'],
  ['numbers as they were written', '{"n":1.10,"big":12345678901234567890}'],
  ['nothing', ''],
])('the body comes back byte for byte: %s', async (_, body) => {
  const headers = { location: '/x', etag: '"1"', 'x-quote': `a "b" 'c' ☕` };
  await idempotent(sql, claim, keys, async () => ({ status: 200, headers, body }));
  expect(await idempotent(sql, claim, keys, count)).toEqual({ answer: { status: 200, headers, body }, replayed: true });
});

test('an answer without a body comes back without one', async () => {
  await idempotent(sql, claim, keys, async () => ({ status: 204, headers: {}, body: undefined }));
  const { answer: again } = await idempotent(sql, claim, keys, count);
  expect(again).toEqual({ status: 204, headers: {}, body: undefined });
});

test('a different request with the same key is refused, and the first answer stays', async () => {
  await idempotent(sql, claim, keys, count);
  const other = idempotent(sql, { ...claim, fingerprint: 'two' }, keys, count);
  await expect(other).rejects.toMatchObject({ code: 'idempotency-key-reused', status: 422 });
  expect(runs).toBe(1);
  expect((await idempotent(sql, claim, keys, count)).answer).toEqual(answer(1));
});

test('a key belongs to its caller', async () => {
  await idempotent(sql, claim, keys, count);
  const other = await idempotent(sql, { ...claim, caller: 'app:key_2', fingerprint: 'two' }, keys, count);
  expect(other).toEqual({ answer: answer(2), replayed: false });
});

test('a repeat writes nothing', async () => {
  await idempotent(sql, claim, keys, count);
  const [before] = await records();
  await idempotent(sql, claim, keys, count);
  expect(await records()).toEqual([before]);
});

test('keys differ by the case of a letter', async () => {
  await idempotent(sql, claim, keys, count);
  expect(await idempotent(sql, { ...claim, key: 'K-1' }, keys, count)).toEqual({ answer: answer(2), replayed: false });
});

test('without a key every request runs, and nothing is stored', async () => {
  await idempotent(sql, { ...claim, key: undefined }, keys, count);
  await idempotent(sql, { ...claim, key: undefined }, keys, count);
  expect(runs).toBe(2);
  expect(await records()).toEqual([]);
});

describe('time', () => {
  test('an answer is kept until the last millisecond, then the key is free for anything', async () => {
    await idempotent(sql, claim, keys, count);
    time += keys.keepSeconds * 1000 - 1;
    expect((await idempotent(sql, claim, keys, count)).replayed).toBe(true);
    time += 1;
    const fresh = { ...claim, fingerprint: 'two' };
    expect(await idempotent(sql, fresh, keys, count)).toEqual({ answer: answer(2), replayed: false });
    expect(await idempotent(sql, fresh, keys, count)).toEqual({ answer: answer(2), replayed: true });
    expect(await records()).toHaveLength(1);
  });

  test('the record of a reused key belongs wholly to the new request', async () => {
    await idempotent(sql, claim, keys, count);
    time += keys.keepSeconds * 1000;
    const fresh = { ...claim, operation: 'update-product', fingerprint: 'two' };
    await idempotent(sql, fresh, keys, async () => ({ status: 200, headers: { etag: '"2"' }, body: undefined }));
    expect((await records()).map((row) => ({ ...row }))).toEqual([
      {
        caller: claim.caller,
        key: claim.key,
        operation: 'update-product',
        requestHash: 'two',
        status: 200,
        headers: { etag: '"2"' },
        body: null,
        createdAt: new Date(time),
        expiresAt: new Date(time + keys.keepSeconds * 1000),
      },
    ]);
  });

  test('records are deleted from the moment they expire, and no others', async () => {
    const jobs = database.connect('jobs', poolOptions);
    const purge = (at: number) => purgeExpiredKeys(jobs, keys.table, { now: new Date(at), limit: 10 });
    const start = time;
    await idempotent(sql, claim, keys, count);
    time += 1;
    await idempotent(sql, { ...claim, key: 'k-2' }, keys, count);
    expect(await purge(start + keys.keepSeconds * 1000 - 1)).toBe(0);
    expect(await purge(start + keys.keepSeconds * 1000)).toBe(1);
    expect((await records()).map(({ key }) => key)).toEqual(['k-2']);
    await jobs.end();
  });

  test('the database refuses a record that is kept for less than a day', async () => {
    const short = idempotent(sql, claim, { ...keys, keepSeconds: day - 1 }, count);
    await expect(short).rejects.toMatchObject({ code: '23514' });
  });
});

describe('work that fails', () => {
  test('leaves neither its effect nor a record, and the next request runs', async () => {
    const failing = idempotent(sql, claim, keys, async (tx) => {
      await tx`
        insert into catalog.products (id, sku, name, price_amount, price_currency, created_at, updated_at)
        values (${`prd_${'0'.repeat(32)}`}, 'S', 'n', 1, 'EUR', now(), now())`;
      throw new Problem('sku-taken', 'as an example');
    });
    await expect(failing).rejects.toMatchObject({ code: 'sku-taken' });
    expect(await owner`select from catalog.products`).toHaveLength(0);
    expect(await records()).toEqual([]);
    expect(await idempotent(sql, claim, keys, count)).toEqual({ answer: answer(1), replayed: false });
  });

  test('because its connection broke, leaves the key free', async () => {
    const pool = database.connect('catalog_api', { ...poolOptions, max: 1 });
    const { work, started, letGo } = held();
    const broken = idempotent(pool, claim, keys, work).catch((error) => error);
    const [self] = await (await started)`select pg_backend_pid() as pid`;
    await sql`select pg_terminate_backend(${self!.pid})`;
    letGo();
    expect(await broken).toBeInstanceOf(Error);
    await pool.end({ timeout: 1 });
    expect(await idempotent(sql, claim, keys, count)).toMatchObject({ replayed: false });
    expect(await records()).toHaveLength(1);
  });
});

describe('two concurrent requests', () => {
  test('while the first runs, the second is asked to try again without waiting; later it gets the answer', async () => {
    const { work, started, letGo } = held();
    const first = idempotent(sql, claim, keys, work);
    await started;
    await expect(idempotent(sql, claim, keys, count)).rejects.toMatchObject({
      code: 'request-in-flight',
      status: 409,
      headers: { 'retry-after': '1' },
    });
    letGo();
    expect((await first).replayed).toBe(false);
    expect(await idempotent(sql, claim, keys, count)).toEqual({ answer: answer(1), replayed: true });
  });

  test('a different request with the key of one in flight is also asked to try again, and learns nothing about the key', async () => {
    const { work, started, letGo } = held();
    const first = idempotent(sql, claim, keys, work);
    await started;
    const other = idempotent(sql, { ...claim, fingerprint: 'two' }, keys, count);
    await expect(other).rejects.toMatchObject({ code: 'request-in-flight' });
    letGo();
    await first;
  });

  test('requests with other keys or by other callers do not wait', async () => {
    const { work, started, letGo } = held();
    const first = idempotent(sql, claim, keys, work);
    await started;
    for (const other of [
      { ...claim, key: 'k-2' },
      { ...claim, caller: 'app:key_2' },
      { ...claim, key: undefined },
    ]) {
      expect((await idempotent(sql, other, keys, count)).replayed).toBe(false);
    }
    letGo();
    await first;
  });

  test('of thirty concurrent requests one runs; the others get its answer or are asked to try again', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => idempotent(sql, claim, keys, count)));
    expect(runs).toBe(1);
    const answered = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
    expect(answered.filter(({ replayed }) => !replayed)).toHaveLength(1);
    for (const { answer: given } of answered) expect(given).toEqual(answer(1));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'request-in-flight' });
    }
  });

  test('of thirty concurrent requests with an expired key, one runs', async () => {
    await idempotent(sql, claim, keys, count);
    time += keys.keepSeconds * 1000;
    await Promise.allSettled(Array.from({ length: 30 }, () => idempotent(sql, claim, keys, count)));
    expect(runs).toBe(2);
    expect((await idempotent(sql, claim, keys, count)).answer).toEqual(answer(2));
  });
});

test.each([
  ['customers_api', 'customers.idempotency_keys'],
  ['orders_api', 'orders.idempotency_keys'],
] as [string, KeyTable][])('%s keeps its records in %s', async (role, table) => {
  const other = database.connect(role, poolOptions);
  expect(await idempotent(other, claim, { ...keys, table }, count)).toEqual({ answer: answer(1), replayed: false });
  expect(await idempotent(other, claim, { ...keys, table }, count)).toEqual({ answer: answer(1), replayed: true });
  await other.end();
});
