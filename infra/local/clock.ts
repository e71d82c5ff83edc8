import { type Clock, systemClock } from '../../lib/kernel/clock.ts';

/** A clock with timers of its own. A timer also rings when the clock is moved to its time. */
export type TimerClock = Clock & {
  /**
   * Calls back once when the clock has reached a time in milliseconds since the epoch. For a time that has passed it
   * calls back soon, but never before it returns. @returns a function that cancels the timer
   */
  at(time: number, callback: () => void): () => void;
};

export type MovableClock = TimerClock & {
  /** Milliseconds that the clock is ahead of the machine's. */
  readonly ahead: number;
  /** Moves the clock forward. Timers that are due then ring soon after. @throws RangeError for a negative number */
  advance(milliseconds: number): void;
};

const longestTimer = 2 ** 31 - 1;

/** The local stack's one clock: the machine's time plus what it was moved forward by. */
export function createClock({
  ahead = 0,
  source = systemClock,
}: {
  ahead?: number;
  source?: Clock;
} = {}): MovableClock {
  type Timer = { time: number; callback: () => void; handle: NodeJS.Timeout };
  const timers = new Set<Timer>();
  const now = () => source.now() + ahead;

  function arm(timer: Timer): void {
    clearTimeout(timer.handle);
    timer.handle = setTimeout(() => ring(timer), Math.min(Math.max(0, timer.time - now()), longestTimer));
  }

  function ring(timer: Timer): void {
    if (now() < timer.time) {
      arm(timer);
      return;
    }
    timers.delete(timer);
    timer.callback();
  }

  return {
    now,
    get ahead() {
      return ahead;
    },
    at(time, callback) {
      const timer: Timer = { time, callback, handle: undefined as unknown as NodeJS.Timeout };
      timers.add(timer);
      arm(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer.handle);
      };
    },
    advance(milliseconds) {
      if (!(milliseconds >= 0)) throw new RangeError('the clock moves forward only');
      ahead += milliseconds;
      for (const timer of timers) arm(timer);
    },
  };
}
