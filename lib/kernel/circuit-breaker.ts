import type { Clock } from './clock.ts';

/** Milliseconds that a breaker stays open before it lets a probe through. */
const openMs = 2000;

/**
 * Keeps requests from a dependency that has just failed. Closed, it lets every request through. After a failure it is
 * open and refuses all of them for two seconds. Then it is half-open: it lets one probe through at a time, until one
 * succeeds and closes it.
 */
export type CircuitBreaker = {
  /** Whether the last request failed, so that the breaker is open or half-open. */
  isOpen(): boolean;
  /** Whether the breaker would refuse a request now. Unlike `allowRequest`, asking never starts a probe. */
  isRefusing(): boolean;
  /** Whether to send a request now. If so, report its outcome by `recordSuccess` or `recordFailure`. */
  allowRequest(): boolean;
  recordSuccess(): void;
  recordFailure(): void;
};

export function createCircuitBreaker(clock: Clock): CircuitBreaker {
  let failedAt: number | undefined;
  let probing = false;
  // The distance in either direction: a clock that was set back must not keep the breaker open.
  const isRefusing = () => failedAt !== undefined && (probing || Math.abs(clock.now() - failedAt) < openMs);
  return {
    isOpen: () => failedAt !== undefined,
    isRefusing,
    allowRequest() {
      if (isRefusing()) return false;
      probing = failedAt !== undefined;
      return true;
    },
    recordSuccess() {
      failedAt = undefined;
      probing = false;
    },
    recordFailure() {
      failedAt = clock.now();
      probing = false;
    },
  };
}
