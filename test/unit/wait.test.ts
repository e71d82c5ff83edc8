import type { Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OrderStatus } from '../../lib/contract/api/orders.ts';

let wait: typeof import('../../lib/shop/orders/wait.ts');
/** What the stopwatch shows when somebody begins to wait: it has run for longer than that. */
const start = 7_000_000;
let passed: number;
let pauses: number[];
beforeEach(async () => {
  // It learns for as long as the process lives.
  vi.resetModules();
  wait = await import('../../lib/shop/orders/wait.ts');
  passed = start;
  pauses = [];
});
afterEach(() => vi.useRealTimers());

const stopwatch = { elapsed: () => passed };
const sleep = async (milliseconds: number) => {
  if (milliseconds <= 0) throw new Error('there is nothing to sleep for');
  pauses.push(milliseconds);
  passed += milliseconds;
};
const rounded = () => pauses.map(Math.round);

test('sleeping lasts as long as it was asked for', async () => {
  vi.useFakeTimers();
  let awake = false;
  const asleep = wait.sleep(1000).then(() => {
    awake = true;
  });
  await vi.advanceTimersByTimeAsync(999);
  expect(awake).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(awake).toBe(true);
  await asleep;
});

describe('waiting for something', () => {
  const waitFor = <T>(look: () => Promise<T | undefined>, isDone: (seen: T) => boolean, within: number) =>
    wait.waitFor({ stopwatch, sleep }, look, isDone, start + within);

  test('looks when it usually happens, then less and less often, and a last time when the time is over', async () => {
    let looks = 0;
    const seen = await waitFor(
      async () => ++looks,
      () => false,
      6000,
    );
    expect(rounded()).toEqual([150, 75, 113, 169, 253, 380, 570, 854, 1000, 1000, 1000, 437]);
    expect(seen).toBe(looks);
    expect(looks).toBe(pauses.length);
    expect(passed).toBe(start + 6000);
  });

  test('ends as soon as it is done, or gone', async () => {
    const done = await waitFor(
      async () => pauses.length,
      (looks) => looks === 2,
      6000,
    );
    expect(done).toBe(2);
    expect(
      await waitFor(
        async () => undefined,
        () => false,
        6000,
      ),
    ).toBeUndefined();
    expect(pauses).toHaveLength(3);
  });

  test('without time for it does not look', async () => {
    const seen = await waitFor(
      async () => 'there',
      () => true,
      0,
    );
    expect(seen).toBeUndefined();
  });
});

describe('waiting for an order', () => {
  const begun = Date.parse('2026-03-14T09:00:00Z');
  const at = (milliseconds: number) => new Date(begun + milliseconds);

  /** Waits for an order that is in each of the statuses in turn, the last time since a moment of the clock. */
  const waitForEnd = (statuses: readonly (OrderStatus | 'gone')[], { since = 0, within = 60_000 } = {}) => {
    const left = [...statuses];
    const read = async (text: readonly string[]) => {
      // Parts of the statement are made by the same function.
      if (!text.some((part) => part.includes('from orders.order_details'))) return [];
      const status = left.length > 1 ? left.shift()! : left[0]!;
      return status === 'gone' ? [] : [{ id: 'ord_1', status, lines: [], createdAt: at(0), updatedAt: at(since) }];
    };
    passed = start;
    pauses = [];
    const deps = { sql: read as unknown as Sql, clock: { now: () => begun }, stopwatch, sleep };
    return wait.waitForEnd(deps, { orderId: 'ord_1', customerId: 'cus_1' }, start + within);
  };
  /** How long the next one is left alone before the first look. */
  const nextPause = async () => {
    await waitForEnd(['gone']);
    return Math.round(pauses[0]!);
  };

  test.each(['confirmed', 'failed', 'cancelled', 'needs_attention', 'pending_payment'] as const)(
    'gives it when it is %s',
    async (status) => {
      expect(await waitForEnd(['pending', 'reserved', status])).toMatchObject({ id: 'ord_1', status });
      expect(pauses).toHaveLength(3);
    },
  );

  test('gives it as it is when the time is over, and nothing when it is gone', async () => {
    expect(await waitForEnd(['pending'], { within: 200 })).toMatchObject({ status: 'pending' });
    expect(await nextPause(), 'nothing is learnt of one that has not ended').toBe(150);
    expect(await waitForEnd(['pending', 'gone'])).toBeUndefined();
    expect(await nextPause()).toBe(150);
  });

  test.each([
    ['took 20 ms', ['confirmed'], 20, 125],
    ['had ended before', ['confirmed'], -500, 120],
    ['could be seen to end only after 150 ms, whatever it says of itself', ['reserved', 'confirmed'], 20, 158],
    [
      'ended at a time that the clock was moved to, so that only the stopwatch tells',
      ['reserved', 'confirmed'],
      3_600_000,
      176,
    ],
  ] as [string, OrderStatus[], number, number][])('learns from one that %s', async (_, statuses, since, pause) => {
    await waitForEnd(statuses, { since });
    expect(await nextPause()).toBe(pause);
  });

  test('learns of one that took long as if it had taken a second', async () => {
    await waitForEnd([...Array<OrderStatus>(11).fill('pending'), 'confirmed'], { since: 5000 });
    expect(passed).toBeGreaterThan(start + 5000);
    expect(await nextPause()).toBe(1.25 * (0.8 * 120 + 0.2 * 1000));
  });

  test('never looks sooner than after 10 ms', async () => {
    for (let times = 0; times < 40; times++) await waitForEnd(['confirmed']);
    expect(await nextPause()).toBe(10);
  });
});
