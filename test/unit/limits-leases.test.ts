import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRateLimiter, type RateLimiter } from '../../lib/auth/limits/rate-limiter.dynamo.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';
import { isJudged } from '../support/judges.ts';

const start = Date.UTC(2026, 0, 1);
let dynamo: TestDynamo;
let now = start;
let subject = '';
let subjects = 0;

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = start;
  subject = `application:leases-${++subjects}`;
});

const limiter = (client: DynamoDBDocument = dynamo.documents): RateLimiter =>
  createRateLimiter({ client, table: 'limits', clock: { now: () => now }, timeoutMs: 60_000 });
const updates = () => dynamo.calls().UpdateItem ?? 0;

/** Sends requests at a steady rate for some seconds, to each process in turn. @returns how many passed */
async function steadily(takes: RateLimiter[], limit: number, { perSecond, seconds }: Record<string, number>) {
  let passed = 0;
  for (let i = 0; i < perSecond! * seconds!; i++) {
    if ((await takes[i % takes.length]!(subject, limit)).allowed) passed++;
    now += 1000 / perSecond!;
  }
  return passed;
}

describe('permits that a process takes ahead', () => {
  test('spare steady traffic most writes once they are a small share of it', async () => {
    const takes = [limiter(), limiter()];
    await steadily(takes, 6000, { perSecond: 40, seconds: 60 });
    const before = updates();
    expect(await steadily(takes, 6000, { perSecond: 40, seconds: 30 })).toBe(1200);
    expect((updates() - before) / 1200).toBeLessThan(0.15);
  });

  test('are none for a process that sees few requests, nor when little room is left', async () => {
    const takes = Array.from({ length: 30 }, () => limiter());
    let before = updates();
    await steadily(takes, 6000, { perSecond: 5, seconds: 60 });
    expect(updates() - before).toBe(300);

    const busy = limiter();
    await steadily([busy], 110, { perSecond: 100, seconds: 1 });
    before = updates();
    await steadily([busy], 110, { perSecond: 100, seconds: 0.08 });
    expect(updates() - before).toBe(8);
  });

  test('are used only in the slot that they were counted in', async () => {
    const [one, other] = [limiter(), limiter()];
    const limit = 1000;
    await steadily([one], limit, { perSecond: 100, seconds: 4.5 });
    now = start + 59_000;
    let passed = 0;
    while ((await other(subject, limit)).allowed) passed++;
    expect(passed + 450).toBeLessThanOrEqual(limit);
    for (let i = 0; i < 100; i++) if ((await one(subject, limit)).allowed) passed++;
    expect(passed + 450).toBeLessThanOrEqual(limit);
    expect(passed + 450).toBeGreaterThanOrEqual(0.95 * limit);
  });

  const property =
    'refuse nobody who stays 5 % below the limit, and never let through more than it, over all processes';
  // Tens of thousands of requests: a judge takes minutes.
  test.skipIf(isJudged('dynamodb'))(property, async () => {
    const burst = fc.record({
      pause: fc.oneof(fc.nat(50), fc.nat(8000)),
      requests: fc.integer({ min: 1, max: 80 }),
      process: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20, max: 700 }),
        fc.array(burst, { minLength: 5, maxLength: 25 }),
        async (limit, bursts) => {
          const takes = Array.from({ length: 6 }, () => limiter());
          const name = `application:property-${++subjects}`;
          const passed: number[] = [];
          const inLast = (ms: number) => passed.filter((at) => at > now - ms).length;
          for (const { pause, requests, process } of bursts) {
            now += pause;
            for (let i = 0; i < requests; i++) {
              now += 10;
              const { allowed, fallback } = await takes[process]!(name, limit);
              expect(fallback).toBe(false);
              if (allowed) passed.push(now);
              else expect(inLast(65_000)).toBeGreaterThanOrEqual(Math.floor(limit / 1.05));
            }
            expect(inLast(60_000)).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('requests at the same time in one process', () => {
  test('share one write after the first', async () => {
    const take = limiter();
    await take(subject, 100);
    const before = updates();
    const states = await Promise.all(Array.from({ length: 20 }, () => take(subject, 100)));
    expect(states.every(({ allowed }) => allowed)).toBe(true);
    expect(states.map(({ remaining }) => remaining)).toEqual(Array.from({ length: 20 }, (_, i) => 98 - i));
    // The first one asks alone; those that come meanwhile share the next write.
    expect(updates() - before).toBe(2);
  });

  test('get what room there is when it does not suffice for all', async () => {
    const [take, other] = [limiter(), limiter()];
    await take(subject, 10);
    for (let i = 0; i < 4; i++) await other(subject, 10);
    const states = await Promise.all(Array.from({ length: 20 }, () => take(subject, 10)));
    expect(states.filter(({ allowed }) => allowed)).toHaveLength(5);
    expect(states.some(({ fallback }) => fallback)).toBe(false);
  });

  test('all go by their process’s own counts when the call that they wait for fails', async () => {
    let calls = 0;
    const failing = documentsThat(async () => {
      calls++;
      throw new Error('no answer');
    });
    const take = limiter(failing);
    const states = await Promise.all(Array.from({ length: 8 }, () => take(subject, 5)));
    expect(states.filter(({ allowed }) => allowed)).toHaveLength(5);
    expect(states.every(({ fallback, allowed }) => fallback || !allowed)).toBe(true);
    expect(calls).toBe(1);
  });
});
