import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';

const day = 24 * 3600_000;
/** The longest period of one request, in milliseconds. */
export const longestPeriod = 400 * day;

/**
 * The period that a request is about. Without `to` it ends now; without `from` it begins `fallback` milliseconds
 * earlier.
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
  const detail = start < end ? 'must be at most 400 days before ?to' : 'must be before ?to';
  throw new Problem('invalid-input', `?from ${detail}.`, { errors: [{ pointer: '?from', detail }] });
}

/** The default period of `GET /audit`, and that of `GET /usage`, in milliseconds. */
export const lastMonth = 31 * day;
export const lastDay = day;
