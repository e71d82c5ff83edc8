import { type Clock, systemClock } from '../kernel/clock.ts';

let current = systemClock;

/** The process's only clock: the machine's, unless the host has replaced it. */
export const clock: Clock = { now: () => current.now() };

/**
 * Replaces the clock, also for code that holds `clock` already. For the local stack's host; a function on AWS never
 * calls it.
 */
export function useClock(other: Clock): void {
  current = other;
}
