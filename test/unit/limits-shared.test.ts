import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRateLimiter } from '../../lib/auth/limits/rate-limiter.dynamo.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let now = 0;
let subject = '';
let subjects = 0;
const clock = { now: () => now };

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  subject = `address:test-${++subjects}`;
});

// A long time-out: this tests counting, not the speed of the machine.
const limiter = (perMinute: number) => {
  const take = createRateLimiter({ client: dynamo.documents, table: 'limits', clock, timeoutMs: 60_000 });
  return (subject: string) => take(subject, perMinute);
};
const updates = () => dynamo.calls().UpdateItem ?? 0;

describe('a limit that processes share', () => {
  test('64 concurrent callers through two processes get exactly the limit', async () => {
    const [one, two] = [limiter(20), limiter(20)];
    const before = updates();
    const states = await Promise.all(Array.from({ length: 64 }, (_, i) => (i % 2 ? one : two)(subject)));
    expect(states.filter(({ allowed }) => allowed)).toHaveLength(20);
    expect(states.filter(({ fallback }) => fallback)).toEqual([]);
    expect(updates() - before).toBeLessThanOrEqual(64);
    const left = states.filter(({ allowed }) => allowed).map(({ remaining }) => remaining);
    expect(left.sort((a, b) => b - a)).toEqual(Array.from({ length: 20 }, (_, i) => 19 - i));
  });

  test('however requests are spread over time and processes, no 60 s let through more than the limit', async () => {
    const requests = fc.array(fc.record({ pause: fc.oneof(fc.nat(100), fc.nat(9_000)), other: fc.boolean() }), {
      minLength: 20,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(60_000), requests, async (start, list) => {
        const limit = 4;
        const [one, two] = [limiter(limit), limiter(limit)];
        const name = `address:property-${++subjects}`;
        const passed: number[] = [];
        now = Date.UTC(2026, 0, 1) + start;
        for (const { pause, other } of list) {
          now += pause;
          const inLast = (ms: number) => passed.filter((at) => at > now - ms).length;
          const { allowed, remaining } = await (other ? one : two)(name);
          if (allowed) {
            expect(inLast(60_000)).toBeLessThan(limit);
            passed.push(now);
            expect(remaining).toBeLessThanOrEqual(limit - inLast(60_000));
          } else {
            expect(inLast(65_000)).toBeGreaterThanOrEqual(limit);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test('a process that has never seen the subject refuses at once, and its refusals are not counted', async () => {
    const first = limiter(5);
    for (let i = 0; i < 5; i++) await first(subject);
    for (let i = 0; i < 20; i++) {
      now += 100;
      expect(await limiter(5)(subject)).toMatchObject({ allowed: false, remaining: 0 });
    }
    now = Date.UTC(2026, 0, 1) + 65_000;
    expect(await limiter(5)(subject)).toMatchObject({ allowed: true, remaining: 4 });
  });

  test('a refused client learns when the oldest request stops counting', async () => {
    const take = limiter(2);
    await take(subject);
    now += 12_000;
    expect(await take(subject)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 53 });
    expect(await limiter(2)(subject)).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 53 });
    now += 53_000;
    expect(await limiter(2)(subject)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 10 });
  });

  test('a process whose own count reaches the limit refuses without calling DynamoDB', async () => {
    const take = limiter(3);
    for (let i = 0; i < 3; i++) await take(subject);
    const before = updates();
    for (let i = 0; i < 10; i++) expect(await take(subject)).toMatchObject({ allowed: false, fallback: false });
    expect(updates()).toBe(before);
  });

  test('subjects and limits do not mix', async () => {
    const take = limiter(1);
    await take(subject);
    expect(await take(`${subject}-other`)).toMatchObject({ allowed: true });
    expect(await limiter(2)(subject)).toMatchObject({ allowed: true, remaining: 1 });
  });

  test('an item keeps only the slots in sight, however long its subject is active', async () => {
    const take = limiter(100);
    for (let i = 0; i < 60; i++) {
      now += 5_000;
      await take(subject);
    }
    const { Attributes } = await dynamo.documents.send(
      new UpdateCommand({
        TableName: 'limits',
        Key: { subject: `${subject}@100` },
        UpdateExpression: 'SET looked = :yes',
        ExpressionAttributeValues: { ':yes': true },
        ReturnValues: 'ALL_OLD',
      }),
    );
    expect(Object.keys(Attributes ?? {}).filter((name) => /^s\d+$/.test(name)).length).toBeLessThanOrEqual(14);
    expect(Attributes?.expiresAt).toBeGreaterThan(now / 1000 + 60);
    expect(Attributes?.expiresAt).toBeLessThan(now / 1000 + 70);
  });

  test('a clock that is ahead in another process does not lift the limit', async () => {
    const take = limiter(3);
    now += 4_999;
    for (let i = 0; i < 3; i++) await take(subject);
    now -= 4_999;
    expect(await limiter(3)(subject)).toMatchObject({ allowed: false });
  });
});

describe('while DynamoDB does not answer', () => {
  test('the process goes by its own counts, calls again after two seconds, and recovers', async () => {
    const take = limiter(5);
    await take(subject);
    await take(subject);
    dynamo.refuse();
    try {
      expect(await take(subject)).toMatchObject({ allowed: true, fallback: true, remaining: 2 });
      expect(await take(subject)).toMatchObject({ allowed: true, fallback: true, remaining: 1 });
      expect(await take(subject)).toMatchObject({ allowed: true, fallback: true, remaining: 0 });
      expect(await take(subject)).toMatchObject({ allowed: false, fallback: true, remaining: 0 });
    } finally {
      await dynamo.resume();
    }
    const before = updates();
    expect(await take(`${subject}-other`)).toMatchObject({ fallback: true });
    expect(updates()).toBe(before);
    now += 2_000;
    expect(await take(`${subject}-other`)).toMatchObject({ allowed: true, fallback: false });
    expect(await take(subject)).toMatchObject({ allowed: false, fallback: false });
  });

  test('a DynamoDB that accepts connections and never answers is given up on', async () => {
    const take = createRateLimiter({ client: dynamo.documents, table: 'limits', clock });
    dynamo.pause();
    try {
      expect(await take(subject, 5)).toMatchObject({ allowed: true, fallback: true, remaining: 4 });
    } finally {
      await dynamo.resume();
    }
  });

  test('with a missing table or permission the process goes by its own counts too', async () => {
    const take = createRateLimiter({ client: dynamo.documents, table: 'nowhere', clock });
    expect(await take(subject, 1)).toMatchObject({ allowed: true, fallback: true });
    expect(await take(subject, 1)).toMatchObject({ allowed: false, fallback: true });
  });
});
