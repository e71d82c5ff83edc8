import type { CircuitBreaker } from './circuit-breaker.ts';
import { DependencyUnavailable } from './errors.ts';

/**
 * Loads a value, and serves a stale one while the dependency it comes from is unavailable. With a stale value at hand,
 * the breaker decides whether to try at all; without one, every call tries, and so notices when the dependency is back.
 * The outcome of each try is recorded in the breaker.
 * @param stale a value that was loaded before and is fresh enough to serve, if there is one
 * @throws DependencyUnavailable without a stale value, and whatever else `load` throws
 */
export async function staleIfError<T>(
  breaker: CircuitBreaker,
  stale: { value: T } | undefined,
  load: () => Promise<T>,
): Promise<T> {
  if (stale !== undefined && !breaker.allowRequest()) return stale.value;
  try {
    const value = await load();
    breaker.recordSuccess();
    return value;
  } catch (error) {
    // Sessions, keys and applications do not depend on the identity provider's keys.
    if (!(error instanceof DependencyUnavailable) || error.dependency === 'identity') {
      breaker.recordSuccess();
      throw error;
    }
    breaker.recordFailure();
    if (stale !== undefined) return stale.value;
    throw error;
  }
}
