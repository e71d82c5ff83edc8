import type { Clock } from '../../kernel/clock.ts';
import type { ApplicationItem } from './applications.dynamo.ts';

const keptMs = 10_000;

/**
 * Whether pages of an origin belong to any application that is not cut off, as it was at most ten seconds ago. A browser
 * asks so before it says which application calls.
 */
export function createOrigins(list: () => Promise<ApplicationItem[]>, clock: Clock) {
  let known: { at: number; origins: Set<string> } | undefined;
  return async (origin: string): Promise<boolean> => {
    if (known === undefined || Math.abs(clock.now() - known.at) >= keptMs) {
      const at = clock.now();
      const active = (await list()).filter(({ status }) => status === 'active');
      known = { at, origins: new Set(active.flatMap(({ origins }) => origins)) };
    }
    return known.origins.has(origin);
  };
}
