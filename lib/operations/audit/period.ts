import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';

const day = 24 * 3600_000;
/** Longest stretch that may be asked for at once. */
export const longestPeriod = 400 * day;

/**
 * The stretch of time that somebody asks about: until now and from `fallback` milliseconds before that, unless said.
 * @throws Problem invalid-input when it ends before it begins or is longer than 400 days
 */
export function periodOf(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  fallback: number,
  clock: Clock,
): { from: Date; to: Date } {
  const end = to === undefined ? clock.now() : Date.parse(to);
  const start = from === undefined ? end - fallback : Date.parse(from);
  if (start < end && end - start <= longestPeriod) return { from: new Date(start), to: new Date(end) };
  const detail = start < end ? 'must lie at most 400 days before ?to' : 'must lie before ?to';
  throw new Problem('invalid-input', `?from ${detail}.`, { errors: [{ pointer: '?from', detail }] });
}

/** What `GET /audit` shows when no time is said. */
export const lastMonth = 31 * day;
export const lastDay = day;
