import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRateLimiter, spread } from '../../lib/auth/limits/rate-limiter.dynamo.ts';
import { limitOf, type RateClass, rateClasses, rateClassesOf } from '../../lib/contract/deploy/limits.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const start = Date.UTC(2026, 0, 1);
let dynamo: TestDynamo;
let now = start;
let subject = '';
let subjects = 0;
/** Writes for each key, refused ones included. */
const writes = new Map<string, number>();

const counting = documentsThat((command, options) => {
  const key = (command.input as { Key: { subject: string } }).Key.subject;
  writes.set(key, (writes.get(key) ?? 0) + 1);
  return dynamo.documents.send(command as never, options);
});

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'limits', ...tables.limits }]);
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = start;
  subject = `application:test-${++subjects}`;
  writes.clear();
});

// A long time-out: this tests counting, not the speed of the machine.
const limiter = (perKey?: number) =>
  createRateLimiter({
    client: counting,
    table: 'limits',
    clock: { now: () => now },
    timeoutMs: 60_000,
    ...(perKey === undefined ? {} : { perKey }),
  });
const written = () => [...writes.values()].reduce((sum, count) => sum + count, 0);

/** Sends requests by 64 concurrent callers through these limiters in turn. @returns how many passed */
async function flood(takes: ReturnType<typeof limiter>[], limit: number, requests: number): Promise<number> {
  let left = requests;
  let passed = 0;
  const caller = async (i: number) => {
    while (left-- > 0) if ((await takes[i % takes.length]!(subject, limit)).allowed) passed++;
  };
  await Promise.all(Array.from({ length: 64 }, (_, i) => caller(i)));
  return passed;
}

describe('the numbers of the rate classes', () => {
  test('are multiples of the configured one, whole and at least 1', () => {
    expect(limitOf('trial', 'customer', 100)).toBe(30);
    expect(limitOf('standard', 'application', 100)).toBe(6000);
    expect(limitOf('high', 'application', 100)).toBe(60_000);
    expect(limitOf('trial', 'customer', 1)).toBe(1);
    expect(limitOf('trial', 'customer', 5)).toBe(2);
  });

  test('are those of the stage where it has others', () => {
    const classes = rateClassesOf('trial:0.5/0.1/1, high:20/5/1000');
    expect(limitOf('trial', 'customer', 100, classes)).toBe(10);
    expect(limitOf('standard', 'customer', 100, classes)).toBe(100);
    expect(limitOf('high', 'application', 100, classes)).toBe(100_000);
  });

  test('never give a higher class less', () => {
    const { trial, standard, high } = rateClasses;
    for (const kind of ['address', 'customer', 'application'] as const) {
      expect(standard[kind]).toBeGreaterThanOrEqual(trial[kind]);
      expect(high[kind]).toBeGreaterThanOrEqual(standard[kind]);
    }
  });
});

test('the page on limits has the numbers of the classes', () => {
  const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$/gm)];
  const told = Object.fromEntries(
    rows.map(([, name, ...numbers]) => [name, numbers.map((each) => each.replace(',', ''))]),
  );
  const kinds = ['address', 'customer', 'application'] as const;
  const expected = (Object.keys(rateClasses) as RateClass[]).map((name) => [
    name,
    kinds.map((kind) => String(limitOf(name, kind, 100))),
  ]);
  expect(told).toEqual(Object.fromEntries(expected));
});

describe('the keys that count a subject', () => {
  test('are one up to 12,000 a minute, and then as many as keep each to 200 writes a second', () => {
    expect(spread('s', 12_000)).toEqual([{ key: 's@12000', limit: 12_000 }]);
    expect(spread('s', 12_001).map(({ key }) => key)).toEqual(['s@12001#0', 's@12001#1']);
    expect(spread('s', limitOf('high', 'application', 100)).map(({ limit }) => limit)).toEqual(Array(5).fill(12_000));
  });

  test('are 64 at most, and each has a share', () => {
    expect(spread('s', 600_000_000)).toHaveLength(64);
    expect(spread('s', 1)).toEqual([{ key: 's@1', limit: 1 }]);
  });

  test('have shares that add up to the limit and differ by 1 at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000 }), fc.integer({ min: 1, max: 20_000 }), (limit, perKey) => {
        const limits = spread('s', limit, perKey).map((share) => share.limit);
        expect(limits.reduce((sum, each) => sum + each, 0)).toBe(limit);
        expect(Math.max(...limits) - Math.min(...limits)).toBeLessThanOrEqual(1);
        expect(Math.min(...limits)).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe('a limit spread over keys', () => {
  test('lets 64 callers of four processes through exactly as often as it says, and spreads their writes', async () => {
    const limit = 403;
    const takes = Array.from({ length: 4 }, () => limiter(101));
    expect(await flood(takes, limit, 600)).toBe(limit);
    expect(writes.size).toBe(4);
    // A quarter each, plus the requests in flight at each process when the key was full.
    for (const count of writes.values()) expect(count).toBeLessThanOrEqual(101 + 64);
    // By now all processes know that every key is full.
    const before = written();
    expect(await flood(takes, limit, 100)).toBe(0);
    expect(written()).toBe(before);
  });

  test('is exact over the edges of windows: bursts every few seconds pass as often as the limit in any 60 s', async () => {
    const limit = 80;
    const takes = Array.from({ length: 4 }, () => limiter(20));
    const passed: { at: number; count: number }[] = [];
    for (const pause of [0, 58_000, 1_999, 2, 4_998, 3, 30_000, 29_000, 6_000, 57_777]) {
      now += pause;
      const count = await flood(takes, limit, 96);
      passed.push({ at: now, count });
      const within = (ms: number) =>
        passed.filter(({ at }) => at > now - ms).reduce((sum, each) => sum + each.count, 0);
      expect(within(60_000)).toBeLessThanOrEqual(limit);
      // There were more requests than room: each refusal is explained by the last 65 s.
      expect(within(65_000)).toBeGreaterThanOrEqual(limit);
    }
  });

  test('spreads evenly what stays below it, by one write for each of the processes that see few requests', async () => {
    for (let i = 0; i < 200; i++) await flood([limiter(250), limiter(250)], 1000, 2);
    expect(written()).toBe(400);
    expect(writes.size).toBe(4);
    for (const count of writes.values()) expect(Math.abs(count - 100)).toBeLessThan(60);
  });

  test('returns what is left to within a few per cent', async () => {
    const take = limiter(500);
    for (let used = 1; used <= 250; used++) {
      const { remaining } = await take(subject, 2000);
      // The standard deviation of four times one key's share is 1.7 times the square root; six of them are never exceeded.
      expect(Math.abs(remaining - (2000 - used))).toBeLessThanOrEqual(10 * Math.sqrt(used) + 4);
    }
  });

  test('goes by the process’s own counts while DynamoDB does not answer', async () => {
    const take = limiter(2);
    await take(subject, 6);
    dynamo.refuse();
    try {
      for (let left = 4; left >= 0; left--) {
        expect(await take(subject, 6)).toMatchObject({ allowed: true, fallback: true, remaining: left });
      }
      expect(await take(subject, 6)).toMatchObject({ allowed: false, fallback: true });
    } finally {
      await dynamo.resume();
    }
  });
});

describe('a subject that was refused', () => {
  test('is refused without a write until there is room, and not longer', async () => {
    await limiter()(subject, 2);
    now += 12_000;
    await limiter()(subject, 2);
    const take = limiter();
    expect(await take(subject, 2)).toMatchObject({ allowed: false, resetSeconds: 53 });
    const before = written();
    for (; now < start + 64_999; now += 1000) {
      const left = Math.ceil((start + 65_000 - now) / 1000);
      expect(await take(subject, 2)).toMatchObject({
        allowed: false,
        remaining: 0,
        resetSeconds: left,
        fallback: false,
      });
    }
    now = start + 64_999;
    expect(await take(subject, 2)).toMatchObject({ allowed: false, resetSeconds: 1 });
    expect(written()).toBe(before);
    now = start + 65_000;
    expect(await take(subject, 2)).toMatchObject({ allowed: true });
    expect(written()).toBe(before + 1);
  });

  test('has no room earlier: no other process would have let it pass before', async () => {
    const requests = fc.array(fc.record({ pause: fc.nat(9_000), ahead: fc.constantFrom(0, 0, 3_000) }), {
      minLength: 4,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(requests, fc.nat(10_000), async (list, beginning) => {
        const name = `application:property-${++subjects}`;
        now = start + beginning;
        for (const { pause, ahead } of list) {
          now += pause;
          // Each in a new process that knows nothing yet. Some have clocks that are ahead.
          now += ahead;
          const { allowed, resetSeconds } = await limiter()(name, 3);
          now -= ahead;
          if (allowed || ahead > 0) continue;
          const at = now;
          now = at + resetSeconds * 1000 - 1001;
          if (now > at) expect(await limiter()(name, 3)).toMatchObject({ allowed: false });
          now = at;
        }
      }),
      { numRuns: 15 },
    );
  });

  test('is remembered by the request that reached the limit too', async () => {
    const take = limiter();
    await limiter()(subject, 2);
    expect(await take(subject, 2)).toMatchObject({ allowed: true, remaining: 0 });
    const before = written();
    expect(await take(subject, 2)).toMatchObject({ allowed: false });
    expect(written()).toBe(before);
  });

  test('stays refused while DynamoDB does not answer, and that does not count as a fallback', async () => {
    const take = limiter();
    await limiter()(subject, 1);
    await take(subject, 1);
    dynamo.refuse();
    try {
      expect(await take(subject, 1)).toMatchObject({ allowed: false, fallback: false });
    } finally {
      await dynamo.resume();
    }
  });

  test('costs a flood of refusals one write in each process, not one each', async () => {
    const takes = Array.from({ length: 8 }, () => limiter());
    for (let i = 0; i < 10; i++) await takes[0]!(subject, 10);
    const before = written();
    for (let i = 0; i < 200; i++) await takes[i % 8]!(subject, 10);
    expect(written() - before).toBe(7);
  });
});
