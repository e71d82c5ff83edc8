import { type LimitedKind, limitOf, type RateClass, rateClasses } from '../../lib/contract/deploy/limits.ts';
import { code, markdownTable } from './table.ts';

/** Requests in 60 seconds for each rate class, at the default of RATE_LIMIT_PER_MINUTE. */
const perMinute = 100;
const kinds: readonly LimitedKind[] = ['address', 'customer', 'application'];

/** The table of rate classes. */
export function rateLimits(): string {
  return markdownTable(
    ['class', ...kinds],
    (Object.keys(rateClasses) as RateClass[]).map((name) => [
      code(name),
      ...kinds.map((kind) => limitOf(name, kind, perMinute).toLocaleString('en')),
    ]),
  );
}
