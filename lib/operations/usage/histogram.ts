/**
 * Counts latencies in buckets. Bucket 0 holds up to 1 ms; each following bucket's upper bound is 2^¼ times that of the
 * one before. The last, 63, begins at 46 seconds, longer than any handler may take.
 */
export const bucketCount = 64;
const perDoubling = 4;

/** The largest relative error of a percentile above 1 ms. */
export const percentileError = 2 ** (1 / (2 * perDoubling)) - 1;

/** The bucket of a latency in milliseconds. */
export const bucketOf = (milliseconds: number): number =>
  milliseconds <= 1 ? 0 : Math.min(bucketCount - 1, Math.ceil(Math.log2(milliseconds) * perDoubling));

/** The latency in milliseconds that a share (0 to 1) of the requests did not exceed; null when there were none. */
export function percentile(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  const bucket = buckets.findIndex((count) => {
    seen += count;
    return seen >= rank;
  });
  const milliseconds = bucket === 0 ? 1 : 2 ** ((bucket - 0.5) / perDoubling);
  return Math.round(milliseconds * 10) / 10;
}

/** The sum of two histograms. */
export const added = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, bucket) => (a[bucket] ?? 0) + (b[bucket] ?? 0));
