import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { lockSeconds } from '../../lib/auth/limits/login-attempts.dynamo.ts';
import { type Counts, giveBack, standingOf, takeOne, toLimitState } from '../../lib/auth/limits/sliding-window.ts';
import type { Caller } from '../../lib/contract/api/caller.ts';
import { checkRateLimits } from '../../lib/http/limits.ts';
import { createCircuitBreaker } from '../../lib/kernel/circuit-breaker.ts';
import { lruCache } from '../../lib/kernel/lru-cache.ts';
import { networkOf, truncatedAddress } from '../../lib/kernel/network.ts';
import { anyApplication } from '../support/applications.ts';

const minute = 60_000;

describe('the sliding window', () => {
  test('however requests are spread, no 60 s let through more than the limit, and no request with room in 65 s is refused', () => {
    const gaps = fc.array(fc.oneof(fc.nat(50), fc.nat(7_000), fc.nat(80_000)), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.nat(minute), fc.integer({ min: 1, max: 12 }), gaps, (start, limit, pauses) => {
        const counts: Counts = new Map();
        const passed: number[] = [];
        let now = start;
        for (const pause of pauses) {
          now += pause;
          const inLast = (ms: number) => passed.filter((at) => at > now - ms).length;
          if (takeOne(counts, limit, now) === undefined) {
            expect(inLast(65_000)).toBeGreaterThanOrEqual(limit);
          } else {
            expect(inLast(minute)).toBeLessThan(limit);
            passed.push(now);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a burst at the end of a minute leaves no room in the next 60 s, unlike with weighted windows', () => {
    const counts: Counts = new Map();
    for (let i = 0; i < 100; i++) expect(takeOne(counts, 100, minute - 1)).toBeDefined();
    for (let now = minute; now < 2 * minute; now += 500) expect(takeOne(counts, 100, now)).toBeUndefined();
    expect(takeOne(counts, 100, 2 * minute)).toBeDefined();
  });

  test('a client that keeps sending while it is refused still gets its share', () => {
    const counts: Counts = new Map();
    let passed = 0;
    for (let now = 0; now < 650_000; now += 100) if (takeOne(counts, 100, now) !== undefined) passed++;
    expect(passed).toBe(1000);
  });

  test('what the client learns: what is left, and when there is more', () => {
    const counts: Counts = new Map();
    const told = (now: number, allowed: boolean) =>
      toLimitState(standingOf(counts, 3), now, { allowed, limit: 3, fallback: false });
    takeOne(counts, 3, 1_000);
    expect(told(1_000, true)).toEqual({
      allowed: true,
      limit: 3,
      windowSeconds: 60,
      remaining: 2,
      resetSeconds: 64,
      fallback: false,
    });
    takeOne(counts, 3, 20_000);
    takeOne(counts, 3, 20_000);
    expect(told(20_000, true)).toMatchObject({ remaining: 0, resetSeconds: 45 });
    expect(takeOne(counts, 3, 64_999)).toBeUndefined();
    expect(told(64_999, false)).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 1 });
    expect(takeOne(counts, 3, 65_000)).toBeDefined();
  });

  test('an uncounted request makes room again', () => {
    const counts: Counts = new Map();
    const first = takeOne(counts, 2, 0)!;
    takeOne(counts, 2, 0);
    giveBack(counts, first);
    expect(standingOf(counts, 2)).toEqual({ room: 1, oldest: 0 });
    giveBack(counts, first);
    expect(standingOf(counts, 2)).toEqual({ room: 2, oldest: undefined });
  });
});

test('an open circuit breaker refuses for two seconds, then lets one probe through at a time until one succeeds', () => {
  let now = 0;
  const breaker = createCircuitBreaker({ now: () => now });
  expect([breaker.allowRequest(), breaker.allowRequest()]).toEqual([true, true]);
  breaker.recordFailure();
  now = 1_999;
  expect(breaker.allowRequest()).toBe(false);
  now = 2_000;
  expect([breaker.allowRequest(), breaker.allowRequest()]).toEqual([true, false]);
  breaker.recordFailure();
  now = 3_999;
  expect(breaker.allowRequest()).toBe(false);
  now = 4_000;
  expect(breaker.allowRequest()).toBe(true);
  breaker.recordSuccess();
  expect([breaker.isOpen(), breaker.allowRequest(), breaker.allowRequest()]).toEqual([false, true, true]);
});

test('an LRU cache replaces the least recently used entry', () => {
  const cache = lruCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.get('a');
  cache.set('c', 3);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
});

test('a sign-in lock begins at the fifth failure and doubles up to a quarter of an hour', () => {
  expect(
    [1, 4, 5, 6, 7, 8, 9, 10, 500].map((failures) =>
      lockSeconds(failures, { allowed: 5, firstLockSeconds: 30, longestLockSeconds: 900 }),
    ),
  ).toEqual([0, 0, 30, 60, 120, 240, 480, 900, 900]);
});

test('an IPv6 client counts by its /64, an IPv4 client by its address', () => {
  expect(networkOf('203.0.113.7')).toBe('203.0.113.7');
  expect(networkOf('::ffff:203.0.113.7')).toBe('203.0.113.7');
  expect(networkOf('2001:DB8:0:1:aaaa:bbbb:cccc:dddd')).toBe('2001:db8:0:1::/64');
  expect(networkOf('2001:db8:0:1::5')).toBe('2001:db8:0:1::/64');
  expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64');
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  expect(networkOf('::1')).toBe('0:0:0:0::/64');
});

test('an address is stored without the part that identifies one client', () => {
  expect(truncatedAddress('203.0.113.7')).toBe('203.0.113.0/24');
  expect(truncatedAddress('::ffff:203.0.113.7')).toBe('203.0.113.0/24');
  expect(truncatedAddress('2001:DB8:0:1:aaaa:bbbb:cccc:dddd')).toBe('2001:db8:0::/48');
  expect(truncatedAddress('::1')).toBe('0:0:0::/48');
});

test('requests with nothing but a Client-Id do not count against the application’s customers', async () => {
  const subjectsOf = async (caller: Caller) => {
    const subjects: string[] = [];
    await checkRateLimits(routes['list-products'], caller, {
      rateLimiter: async (subject) => {
        subjects.push(subject);
        return { allowed: true, limit: 1, windowSeconds: 60, remaining: 1, resetSeconds: 1, fallback: false };
      },
      perMinute: 1,
      meter: { count: () => {}, flush: () => {} },
      responseHeaders: {},
    });
    return subjects.filter((subject) => subject.startsWith('application:'));
  };
  const by = { address: '192.0.2.1', application: anyApplication };
  const customers = await subjectsOf({ kind: 'customer', customerId: 'cus_1', ...by });
  expect(customers).toEqual([`application:${anyApplication.id}`]);
  expect(await subjectsOf({ kind: 'client', ...by })).not.toEqual(customers);
  expect(await subjectsOf({ kind: 'app', keyId: 'key_1', ...by })).toEqual(customers);
});
