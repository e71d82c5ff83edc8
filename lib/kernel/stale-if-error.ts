import type { CircuitBreaker } from './circuit-breaker.ts';
import { DependencyUnavailable } from './errors.ts';

/**
 * What `ask` gives; what is `remembered`, if anything is, while what it asks is away. What can be answered from memory
 * does not wait for it; all else asks, and so finds out when it is back. Tells the breaker how it went.
 * @throws DependencyUnavailable when nothing is remembered, and whatever else `ask` throws
 */
export async function staleIfError<T>(
  breaker: CircuitBreaker,
  remembered: { value: T } | undefined,
  ask: () => Promise<T>,
): Promise<T> {
  if (remembered !== undefined && !breaker.mayAsk()) return remembered.value;
  try {
    const value = await ask();
    breaker.succeeded();
    return value;
  } catch (error) {
    // The identity provider's keys are no part of what sessions, keys and applications need.
    if (!(error instanceof DependencyUnavailable) || error.part === 'identity') {
      breaker.succeeded();
      throw error;
    }
    breaker.failed();
    if (remembered !== undefined) return remembered.value;
    throw error;
  }
}
