import type { LimitState } from '../../contract/deploy/limits.ts';

/** Length of the window that a limit counts, in seconds. */
export const windowSeconds = 60;

const slotMs = 5000;
/** Number of slots that count: the current one and the twelve before it. */
export const slotsInSight = (windowSeconds * 1000) / slotMs + 1;

/** The number of the five-second slot that a time falls in. */
export const slotAt = (ms: number): number => Math.floor(ms / slotMs);

/** When the requests of a slot stop counting, in milliseconds: 60 to 65 seconds after each of them. */
export const forgottenAt = (slot: number): number => (slot + slotsInSight) * slotMs;

/** How many requests passed in each slot. */
export type Counts = Map<number, number>;

/**
 * Counts one more request if there is room for it.
 *
 * Every slot that overlaps the last 60 seconds counts in full. So no more than `limit` requests pass in any 60 seconds,
 * and a client that makes no more than `limit` in any 65 seconds is never refused. The usual method, two windows
 * weighted by time, would let through up to twice the limit in 60 seconds: a burst at the end of one window, and as
 * much again while its weight fades.
 * @returns the slot that the request was counted in; undefined when there was no room
 */
export function takeOne(counts: Counts, limit: number, now: number): number | undefined {
  forgetOld(counts, now);
  if (sumOf(counts) >= limit) return undefined;
  const slot = slotAt(now);
  counts.set(slot, (counts.get(slot) ?? 0) + 1);
  return slot;
}

/** Uncounts a request that `takeOne` counted in a slot. */
export function giveBack(counts: Counts, slot: number): void {
  const count = counts.get(slot) ?? 0;
  if (count > 1) counts.set(slot, count - 1);
  else counts.delete(slot);
}

/** The share of a process's requests that it may take in permits and not use. */
const unusedShare = 0.05;

/**
 * How many permits a process takes beyond those that it needs at once: what it used in the last second, if the slot lasts
 * that long. Whatever the number of processes, permits that nobody uses are at most 5 % of the requests that passed,
 * because each process keeps to 5 % of its own. With little room left, none.
 * @param known.unused the permits that this process took and did not use
 * @param known.room what the shared count has room for
 */
export function spare(known: { counts: Counts; unused: Counts; room: number; now: number }): number {
  const { counts, unused, room, now } = known;
  forgetOld(unused, now);
  const slot = slotAt(now);
  const elapsed = now - slot * slotMs;
  const perMs = Math.max((counts.get(slot) ?? 0) / Math.max(1000, elapsed), (counts.get(slot - 1) ?? 0) / slotMs);
  const soon = Math.floor(perMs * Math.min(1000, slotMs - elapsed));
  const bearable = Math.floor(unusedShare * sumOf(counts)) - sumOf(unused);
  return Math.max(0, Math.min(soon, bearable, Math.floor(unusedShare * room)));
}

function forgetOld(counts: Counts, now: number): void {
  for (const slot of counts.keys()) if (forgottenAt(slot) <= now) counts.delete(slot);
}

/** How many more requests may pass, and the oldest slot that counts. */
export type Standing = { room: number; oldest: number | undefined };

/** The standing by the counts of one process. */
export const standingOf = (counts: Counts, limit: number): Standing => ({
  room: limit - sumOf(counts),
  oldest: counts.size === 0 ? undefined : Math.min(...counts.keys()),
});

/** A standing as clients see it. There is more room as soon as the oldest slot is out of sight. */
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

/** A refusal as clients see it. `roomAt` is when there can be room again, in milliseconds. */
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
