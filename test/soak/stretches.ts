import type { OrderStatus } from '../../lib/contract/api/orders.ts';
import { hasEnded } from '../../lib/shop/orders/transitions.ts';

/** An entry of an order's timeline that places it or changes its status. */
export type Entry = { orderId: string; at: Date; type: string; from: OrderStatus | null; to: OrderStatus | null };

/** A time in which an order was under way, in milliseconds since the epoch. One that is under way still has no end. */
export type Stretch = {
  orderId: string;
  begunAt: number;
  end?: { status: OrderStatus; at: number };
  /** It was in manual review, and its compensation ran again. */
  again: boolean;
};

/**
 * When orders were under way: from being placed, and again from each time that one is cancelled after its end or taken
 * back from in manual review, to its next end.
 * @param entries each order's together, in the order of its timeline
 */
export function stretchesOf(entries: readonly Entry[]): Stretch[] {
  const stretches: Stretch[] = [];
  let current: Stretch | undefined;
  for (const { orderId, at, type, from, to } of entries) {
    if (current?.orderId !== orderId) current = undefined;
    const placed = type === 'order-placed';
    const ended = !placed && to !== null && hasEnded(to);
    if (current === undefined && !ended) {
      current = { orderId, begunAt: at.getTime(), again: from === 'needs_attention' };
      stretches.push(current);
    }
    if (current === undefined || !ended) continue;
    current.end = { status: to, at: at.getTime() };
    current = undefined;
  }
  return stretches;
}

/** The longest stretch that has ended, and the longest from the last kill in a stretch to its end, in milliseconds. */
export function longestOf(stretches: readonly Stretch[], kills: readonly { at: number }[]) {
  let longestAfterKillMs = 0;
  let longestMs = 0;
  for (const { begunAt, end } of stretches) {
    if (end === undefined) continue;
    const kill = kills.findLast(({ at }) => at < end.at && at > begunAt);
    if (kill !== undefined) longestAfterKillMs = Math.max(longestAfterKillMs, end.at - kill.at);
    longestMs = Math.max(longestMs, end.at - begunAt);
  }
  return { longestAfterKillMs, longestMs };
}

/** An order in the end, with how often its compensation was run again and the open rows that put it into manual review. */
export type CompensatedAgain = { id: string; status: OrderStatus; compensationAttempts: number; before: number[] };

/**
 * What breaks the rules of compensations that ran again, in sentences: the order is compensated or in manual review once more and never
 * confirmed, every time is counted and told, and who waits in manual review has the one open row that says so. That an order
 * that was compensated keeps no money is held by the transactions.
 */
export function brokenCompensationsRetried(
  orders: readonly CompensatedAgain[],
  stretches: readonly Stretch[],
): string[] {
  const times = Map.groupBy(
    stretches.filter(({ again }) => again),
    ({ orderId }) => orderId,
  );
  return orders.flatMap(({ id, status, compensationAttempts, before }) => {
    const told = times.get(id)?.length ?? 0;
    const waits = status === 'needs_attention';
    const checks: [boolean, string][] = [
      [
        told === compensationAttempts,
        `its compensation was run again ${compensationAttempts} times, its timeline tells of ${told}`,
      ],
      [told === 0 || waits || status === 'failed' || status === 'cancelled', 'its compensation was run again'],
      [
        before.join() === (waits ? String(compensationAttempts) : ''),
        `after compensation ${compensationAttempts} it is in manual review by compensation ${before.join(' and ') || 'none'}`,
      ],
    ];
    return checks.filter(([holds]) => !holds).map(([, breach]) => `order ${id} (${status}): ${breach}`);
  });
}
