import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createConcurrencyLimit } from '../../lib/auth/limits/concurrency.dynamo.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const start = Date.UTC(2026, 0, 1);
let dynamo: TestDynamo;
let now = start;
let subject = '';
let subjects = 0;
let ids = 0;
const clock = { now: () => now };

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = start;
  subject = `application:test-${++subjects}`;
});

// A long time-out: this tests counting, not the speed of the machine.
const limit = (timeoutMs = 60_000) =>
  createConcurrencyLimit({ client: dynamo.documents, table: 'limits', clock, timeoutMs });
const processes = () => Array.from({ length: 4 }, () => limit());
const newId = () => `req-${++ids}`;
const updates = () => dynamo.calls().UpdateItem ?? 0;
const stored = async (): Promise<Record<string, unknown>> => {
  const { Item } = await dynamo.documents.send(
    new GetCommand({ TableName: 'limits', Key: { subject: `concurrent:${subject}` }, ConsistentRead: true }),
  );
  return Item ?? {};
};

/** Sends 64 concurrent requests through these processes. @returns those that acquired a permit */
async function enterAll(limits: ReturnType<typeof limit>[], most: number) {
  const all = await Promise.all(
    Array.from({ length: 64 }, async (_, i) => {
      const permit = { limit: limits[i % limits.length]!, id: newId() };
      return { ...permit, ...(await permit.limit.acquire(subject, most, permit.id, 30)) };
    }),
  );
  expect(all.filter(({ fallback }) => fallback)).toEqual([]);
  return all.filter(({ acquired }) => acquired);
}

describe('requests at the same time', () => {
  test('acquire no more than the permits, of 64 at once in four processes, and again after a release', async () => {
    const limits = processes();
    const first = await enterAll(limits, 5);
    expect(first).toHaveLength(5);
    expect(await enterAll(limits, 5)).toEqual([]);
    await Promise.all(first.slice(0, 3).map((permit) => permit.limit.release(subject, permit.id)));
    expect(await enterAll(limits, 5)).toHaveLength(3);
  });

  test('never hold more than the permits while 64 callers come and go, and leave nothing behind', async () => {
    const limits = processes();
    let inside = 0;
    let acquired = 0;
    let highest = 0;
    const caller = async (i: number) => {
      const process = limits[i % 4]!;
      for (let turn = 0; turn < 6; turn++) {
        const id = newId();
        if (!(await process.acquire(subject, 6, id, 30)).acquired) continue;
        acquired++;
        highest = Math.max(highest, ++inside);
        await new Promise(setImmediate);
        inside--;
        await process.release(subject, id);
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, i) => caller(i)));
    expect(highest).toBeLessThanOrEqual(6);
    expect(acquired).toBeGreaterThan(6);
    const { holders, expiresAt, ...rest } = await stored();
    expect(holders).toBe(0);
    expect(rest).toEqual({ subject: `concurrent:${subject}` });
    expect(expiresAt).toBe(start / 1000 + 7200);
  });

  test('of another subject have permits of their own', async () => {
    const process = limit();
    expect(await process.acquire(subject, 1, newId(), 30)).toEqual({ acquired: true, fallback: false });
    expect(await process.acquire(`${subject}-other`, 1, newId(), 30)).toEqual({ acquired: true, fallback: false });
    expect(await limit().acquire(subject, 1, newId(), 30)).toEqual({ acquired: false, fallback: false });
  });

  test('from a process that holds all permits are refused without calling DynamoDB', async () => {
    const process = limit();
    for (let i = 0; i < 2; i++) await process.acquire(subject, 2, newId(), 30);
    const before = updates();
    expect(await process.acquire(subject, 2, newId(), 30)).toEqual({ acquired: false, fallback: false });
    expect(updates()).toBe(before);
  });
});

describe('a permit', () => {
  test.each([1, 2])('is taken once of %i when the answer was lost and the same is sent again', async (most) => {
    const twice = documentsThat(async (command, options) => {
      await dynamo.documents.send(command as never, options);
      return dynamo.documents.send(command as never, options);
    });
    const repeating = createConcurrencyLimit({ client: twice, table: 'limits', clock, timeoutMs: 60_000 });
    const id = newId();
    expect(await repeating.acquire(subject, most, id, 30)).toEqual({ acquired: true, fallback: false });
    expect(await stored()).toMatchObject({ holders: 1 });
    await repeating.release(subject, id);
    expect(await stored()).toMatchObject({ holders: 0 });
  });

  test('is released once, and only by its holder', async () => {
    const [one, two] = [limit(), limit()];
    const id = newId();
    await one.acquire(subject, 2, id, 30);
    await two.acquire(subject, 2, newId(), 30);
    await two.release(subject, id);
    expect(await stored()).toMatchObject({ holders: 2 });
    await one.release(subject, id);
    await one.release(subject, id);
    expect(await stored()).toMatchObject({ holders: 1 });
  });

  test('is not shared by requests with the same id', async () => {
    const [one, two] = [limit(), limit()];
    expect(await one.acquire(subject, 3, 'chosen', 30)).toMatchObject({ acquired: true });
    expect(await one.acquire(subject, 3, 'chosen', 30)).toMatchObject({ acquired: false });
    expect(await two.acquire(subject, 3, 'chosen', 30)).toMatchObject({ acquired: true });
    expect(await stored()).toMatchObject({ holders: 2 });
    await one.release(subject, 'chosen');
    expect(await stored()).toMatchObject({ holders: 1 });
  });

  test('of a crashed process is available again when it expires, not before', async () => {
    expect(await enterAll(processes(), 5)).toHaveLength(5);
    now = start + 29_999;
    expect(await enterAll(processes(), 5)).toEqual([]);
    now = start + 30_000;
    expect(await enterAll(processes(), 5)).toHaveLength(5);
    const { holders, ...rest } = await stored();
    expect(holders).toBe(5);
    expect(Object.keys(rest).filter((name) => name.startsWith('permit:'))).toHaveLength(5);
  });

  test('that has expired makes room beside those that have not', async () => {
    const late = newId();
    const crashed = limit();
    await crashed.acquire(subject, 3, newId(), 10);
    await crashed.acquire(subject, 3, newId(), 10);
    const process = limit();
    await process.acquire(subject, 3, late, 60);
    now = start + 10_000;
    expect(await enterAll(processes(), 3)).toHaveLength(2);
    await process.release(subject, late);
    expect(await stored()).toMatchObject({ holders: 2 });
  });

  test('that has expired and was removed is not released a second time', async () => {
    const slow = limit();
    const id = newId();
    await slow.acquire(subject, 1, id, 10);
    now = start + 10_000;
    expect(await limit().acquire(subject, 1, newId(), 10)).toMatchObject({ acquired: true });
    await slow.release(subject, id);
    expect(await stored()).toMatchObject({ holders: 1 });
    expect(await limit().acquire(subject, 1, newId(), 10)).toMatchObject({ acquired: false });
  });
});

describe('while DynamoDB does not answer', () => {
  test('the process counts its own permits, releasing never fails, and it calls again after two seconds', async () => {
    const process = limit();
    const [first, second] = [newId(), newId()];
    dynamo.refuse();
    try {
      expect(await process.acquire(subject, 2, first, 30)).toEqual({ acquired: true, fallback: true });
      expect(await process.acquire(subject, 2, second, 30)).toEqual({ acquired: true, fallback: true });
      expect(await process.acquire(subject, 2, newId(), 30)).toEqual({ acquired: false, fallback: true });
      await process.release(subject, first);
      expect(await process.acquire(subject, 2, newId(), 30)).toEqual({ acquired: true, fallback: true });
      now += 2_000;
      await process.release(subject, second);
    } finally {
      await dynamo.resume();
    }
    now += 2_000;
    expect(await process.acquire(subject, 2, newId(), 30)).toEqual({ acquired: true, fallback: false });
    expect(await stored()).toMatchObject({ holders: 1 });
  });

  test('one that accepts connections and never answers is given up on', async () => {
    dynamo.pause();
    try {
      expect(await limit(300).acquire(subject, 1, newId(), 30)).toEqual({ acquired: true, fallback: true });
    } finally {
      await dynamo.resume();
    }
  });

  test('permits that were held before count in the process, and expire', async () => {
    const process = limit();
    await process.acquire(subject, 1, newId(), 30);
    dynamo.refuse();
    try {
      expect(await process.acquire(subject, 1, newId(), 30)).toMatchObject({ acquired: false });
      now += 30_000;
      expect(await process.acquire(subject, 1, newId(), 30)).toEqual({ acquired: true, fallback: true });
    } finally {
      await dynamo.resume();
    }
  });
});
