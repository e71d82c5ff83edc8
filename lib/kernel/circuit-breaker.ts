import type { Clock } from './clock.ts';

const restMs = 2000;

/** Keeps from asking a part that has just failed: for two seconds not at all, then by one call until one succeeds. */
export type CircuitBreaker = {
  isOpen(): boolean;
  /** Whether the part has just failed, or is being asked whether it is back: for those whom somebody else asks. */
  isResting(): boolean;
  /** Whether to ask now. Whoever is told yes says afterwards how it went. */
  mayAsk(): boolean;
  succeeded(): void;
  failed(): void;
};

export function createCircuitBreaker(clock: Clock): CircuitBreaker {
  let failedAt: number | undefined;
  let probing = false;
  return {
    isOpen: () => failedAt !== undefined,
    isResting: () => failedAt !== undefined && (probing || Math.abs(clock.now() - failedAt) < restMs),
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
