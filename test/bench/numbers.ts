/** The value that this share of the others is not above, by the nearest rank. `share` from 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('there is nothing to rank');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/** Rounded to so many digits behind the point, so that nobody reads more into a figure than was measured. */
export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
