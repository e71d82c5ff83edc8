/**
 * How long requests took, counted by place: place 0 up to 1 ms, and each one after it a quarter of a doubling more, so
 * that the last, 63, begins at 46 seconds, beyond what a handler may take.
 */
export const places = 64;
const perDoubling = 4;

/** The largest difference between a percentile and what it is given as, in parts of it; exact below a millisecond or so. */
export const percentileError = 2 ** (1 / (2 * perDoubling)) - 1;

/** The place of a time in milliseconds. */
export const placeOf = (milliseconds: number): number =>
  milliseconds <= 1 ? 0 : Math.min(places - 1, Math.ceil(Math.log2(milliseconds) * perDoubling));

/** The time that so large a part (0 to 1) of the requests did not exceed, in milliseconds; null for none. */
export function percentile(buckets: readonly number[], part: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(total * part));
  let seen = 0;
  const place = buckets.findIndex((count) => {
    seen += count;
    return seen >= rank;
  });
  const milliseconds = place === 0 ? 1 : 2 ** ((place - 0.5) / perDoubling);
  return Math.round(milliseconds * 10) / 10;
}

/** Two histograms as one. */
export const added = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, place) => (a[place] ?? 0) + (b[place] ?? 0));
