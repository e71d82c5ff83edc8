import type { LimitState } from '../../contract/deploy/limits.ts';

/** A limit counts requests of the last minute. */
export const windowSeconds = 60;

const slotMs = 5000;
/** Slots whose requests count: the one that runs and the twelve before it. */
export const slotsInSight = (windowSeconds * 1000) / slotMs + 1;

/** Number of the slot of five seconds that a time falls in. */
export const slotAt = (ms: number): number => Math.floor(ms / slotMs);

/** When the requests of a slot stop counting, in milliseconds: 60 s after the last of them or up to 5 s later. */
export const forgottenAt = (slot: number): number => (slot + slotsInSight) * slotMs;

/** How many requests passed, by slot. */
export type Counts = Map<number, number>;

/**
 * Counts one more request where there is room for it, and says in which slot; undefined when there is none.
 *
 * Every slot of which the last 60 s hold any part counts in full. So never more than `limit` requests pass in any 60 s,
 * and whoever makes no more than `limit` in any 65 s is never refused. Two windows weighed by time, the usual way, would
 * let through up to twice the limit in 60 s: a burst at the end of one, and as many again while its weight fades.
 */
export function takeOne(counts: Counts, limit: number, now: number): number | undefined {
  for (const slot of counts.keys()) if (forgottenAt(slot) <= now) counts.delete(slot);
  if (sumOf(counts) >= limit) return undefined;
  const slot = slotAt(now);
  counts.set(slot, (counts.get(slot) ?? 0) + 1);
  return slot;
}

/** Takes back what `takeOne` counted in a slot. */
export function giveBack(counts: Counts, slot: number): void {
  const count = counts.get(slot) ?? 0;
  if (count > 1) counts.set(slot, count - 1);
  else counts.delete(slot);
}

/** Where a process's own counts stand. */
export const standingOf = (counts: Counts, limit: number): Standing => ({
  room: limit - sumOf(counts),
  oldest: counts.size === 0 ? undefined : Math.min(...counts.keys()),
});

/** How many more may pass, and the oldest slot that counts. */
export type Standing = { room: number; oldest: number | undefined };

/** A standing in the terms of clients. There is more room when the oldest slot goes out of sight. */
export function toLimitState(
  { room, oldest }: Standing,
  now: number,
  outcome: Pick<LimitState, 'allowed' | 'limit' | 'fallback'>,
): LimitState {
  return {
    ...outcome,
    windowSeconds,
    remaining: outcome.allowed ? Math.max(0, room) : 0,
    resetSeconds: Math.max(1, Math.ceil((forgottenAt(oldest ?? slotAt(now)) - now) / 1000)),
  };
}

/** A refusal in the terms of clients, when there can be room again from `roomAt` on, in milliseconds. */
export const toRefusal = (roomAt: number, now: number, limit: number): LimitState => ({
  allowed: false,
  limit,
  windowSeconds,
  remaining: 0,
  resetSeconds: Math.max(1, Math.ceil((roomAt - now) / 1000)),
  fallback: false,
});

function sumOf(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
