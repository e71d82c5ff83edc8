import { describe, expect, test } from 'vitest';
import type { OrderStatus } from '../../lib/contract/api/orders.ts';
import { untilQuiet } from '../soak/quiet.ts';
import {
  brokenCompensationsRetried,
  type CompensatedAgain,
  type Entry,
  longestOf,
  stretchesOf,
} from '../soak/stretches.ts';

const start = Date.UTC(2026, 10, 21, 12);
const second = 1000;
const minute = 60 * second;

/** An order's timeline: its statuses after `pending`, each with when it came, from when the order was placed. */
function timeline(orderId: string, ...changes: [number, OrderStatus][]): Entry[] {
  const path: OrderStatus[] = ['pending', ...changes.map(([, to]) => to)];
  return [
    { orderId, at: new Date(start), type: 'order-placed', from: null, to: null },
    ...changes.map(([after, to], i) => ({
      orderId,
      at: new Date(start + after),
      type: 'status-changed',
      from: path[i]!,
      to,
    })),
  ];
}

const compensatedTwice = timeline(
  'one',
  [second, 'reserved'],
  [20 * second, 'needs_attention'],
  [16 * minute, 'reserved'],
  [16 * minute + 21 * second, 'needs_attention'],
  [47 * minute, 'reserved'],
  [47 * minute + 5 * second, 'failed'],
);

describe('how long orders were under way', () => {
  test('an order whose compensation is run again is under way anew each time, and not while it is in manual review', () => {
    const stretches = stretchesOf(compensatedTwice);
    expect(stretches).toEqual([
      { orderId: 'one', begunAt: start, end: { status: 'needs_attention', at: start + 20 * second }, again: false },
      {
        orderId: 'one',
        begunAt: start + 16 * minute,
        end: { status: 'needs_attention', at: start + 16 * minute + 21 * second },
        again: true,
      },
      {
        orderId: 'one',
        begunAt: start + 47 * minute,
        end: { status: 'failed', at: start + 47 * minute + 5 * second },
        again: true,
      },
    ]);
    expect(longestOf(stretches, [])).toEqual({ longestAfterKillMs: 0, longestMs: 21 * second });
  });

  test('a kill while an order is in manual review is none in its way', () => {
    const stretches = stretchesOf(compensatedTwice);
    expect(longestOf(stretches, [{ at: start + 5 * minute }]).longestAfterKillMs).toBe(0);
    const kills = [{ at: start + 5 * minute }, { at: start + 16 * minute + 4 * second }];
    expect(longestOf(stretches, kills).longestAfterKillMs).toBe(17 * second);
  });

  test('a cancellation begins a stretch of its own after a confirmation, and none before the end', () => {
    const late = timeline('late', [second, 'reserved'], [3 * second, 'confirmed']);
    const cancelled = timeline('late', [3 * second, 'confirmed'], [9 * minute, 'cancelling']).slice(2);
    const closed = timeline('late', [0, 'cancelling'], [9 * minute + 4 * second, 'cancelled']).slice(2);
    const early = timeline('early', [second, 'reserved'], [2 * second, 'cancelling'], [7 * second, 'cancelled']);
    const stretches = stretchesOf([...late, ...cancelled, ...closed, ...early]);
    expect(stretches.map(({ orderId, begunAt, end }) => [orderId, end!.status, end!.at - begunAt])).toEqual([
      ['late', 'confirmed', 3 * second],
      ['late', 'cancelled', 4 * second],
      ['early', 'cancelled', 7 * second],
    ]);
  });

  test('one that has not ended has no end, and leaves nothing to the next order', () => {
    const stretches = stretchesOf([...timeline('open', [second, 'reserved']), ...timeline('next', [second, 'failed'])]);
    expect(stretches.map(({ orderId, end }) => [orderId, end?.status])).toEqual([
      ['open', undefined],
      ['next', 'failed'],
    ]);
    expect(longestOf(stretches, []).longestMs).toBe(second);
  });
});

describe('an order whose compensation was run again', () => {
  const stretches = stretchesOf(compensatedTwice);
  const order: CompensatedAgain = { id: 'one', status: 'failed', compensationAttempts: 2, before: [] };
  const broken = (changes: Partial<CompensatedAgain>) =>
    brokenCompensationsRetried([{ ...order, ...changes }], stretches);

  test('may be compensated or in manual review once more', () => {
    expect(broken({})).toEqual([]);
    expect(broken({ status: 'cancelled' })).toEqual([]);
    expect(broken({ status: 'needs_attention', before: [2] })).toEqual([]);
    expect(
      brokenCompensationsRetried([{ id: 'other', status: 'confirmed', compensationAttempts: 0, before: [] }], []),
    ).toEqual([]);
  });

  test('may not go forward, be left under way, or be counted otherwise than its timeline tells', () => {
    expect(broken({ status: 'confirmed' })).toEqual(['order one (confirmed): its compensation was run again']);
    expect(broken({ status: 'reserved' })).toEqual(['order one (reserved): its compensation was run again']);
    expect(broken({ compensationAttempts: 1 })).toEqual([
      'order one (failed): its compensation was run again 1 times, its timeline tells of 2',
    ]);
  });

  test('waits in manual review by the row of its last compensation, and only then', () => {
    const none = 'order one (needs_attention): after compensation 2 it is in manual review by compensation none';
    expect(broken({ status: 'needs_attention' })).toEqual([none]);
    expect(broken({ status: 'needs_attention', before: [1] })).toHaveLength(1);
    expect(broken({ before: [2] })).toEqual([
      'order one (failed): after compensation 2 it is in manual review by compensation 2',
    ]);
  });
});

describe('before everything is checked', () => {
  test('an order that the last sweep takes back is waited for', async () => {
    const events: string[] = [];
    let left = 0;
    const wrong = await untilQuiet({
      sweep: async () => {
        events.push('sweep');
        await Promise.resolve();
        // What was in manual review long enough ago at this very moment; its compensation takes until the sweep after the next.
        left = events.length === 1 ? 2 : Math.max(0, left - 1);
      },
      readOpen: async () => {
        events.push(`${left} open`);
        return { count: left, first: left === 0 ? null : 'one' };
      },
      withinMs: minute,
      pauseMs: 0,
    });
    expect(wrong).toBeUndefined();
    expect(events).toEqual(['sweep', '2 open', 'sweep', '1 open', 'sweep', '0 open']);
  });

  test('a sweep that failed says nothing of what may begin', async () => {
    let runs = 0;
    const sweep = async () => {
      if (++runs === 1) throw new Error('the connection was cut');
    };
    const readOpen = async () => ({ count: 0, first: null });
    expect(await untilQuiet({ sweep, readOpen, withinMs: minute, pauseMs: 0 })).toBeUndefined();
    expect(runs).toBe(2);
  });

  test('what does not end in time is reported', async () => {
    const open = { sweep: async () => {}, readOpen: async () => ({ count: 3, first: 'one' }) };
    const late = { withinMs: -minute, pauseMs: 0 };
    expect(await untilQuiet({ ...open, ...late })).toBe('3 orders and refunds have not ended after -1 minutes: one');
    const failing = { sweep: () => Promise.reject(new Error('no')), readOpen: async () => ({ count: 0, first: null }) };
    expect(await untilQuiet({ ...failing, ...late })).toBe('the sweeper fails still after -1 minutes: Error: no');
  });
});
