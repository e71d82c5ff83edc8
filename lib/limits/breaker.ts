import type { Clock } from '../kernel/clock.ts';

const restMs = 2000;

/** Keeps from asking a part that has just failed: for two seconds not at all, then by one call until one succeeds. */
export type Breaker = {
  isOpen(): boolean;
  /** Whether to ask now. Whoever is told yes says afterwards how it went. */
  mayAsk(): boolean;
  succeeded(): void;
  failed(): void;
};

export function createBreaker(clock: Clock): Breaker {
  let failedAt: number | undefined;
  let probing = false;
  return {
    isOpen: () => failedAt !== undefined,
    mayAsk() {
      if (failedAt === undefined) return true;
      if (probing || Math.abs(clock.now() - failedAt) < restMs) return false;
      probing = true;
      return true;
    },
    succeeded() {
      failedAt = undefined;
      probing = false;
    },
    failed() {
      failedAt = clock.now();
      probing = false;
    },
  };
}
