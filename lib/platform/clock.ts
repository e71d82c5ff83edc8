import { type Clock, systemClock } from '../kernel/clock.ts';

let present = systemClock;

/** The process's one clock, which everything here asks for the time: the machine's, unless the host has put in its own. */
export const clock: Clock = { now: () => present.now() };

/** Puts another clock in, for whoever has taken `clock` already too. The local stack's host does; a function on AWS never. */
export function useClock(other: Clock): void {
  present = other;
}
