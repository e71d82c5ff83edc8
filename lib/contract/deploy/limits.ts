/** What a rate limit counts by. */
export type LimitedKind = 'address' | 'customer' | 'application';

/**
 * The rate limits of an application's callers, for each kind of subject, as multiples of RATE_LIMIT_PER_MINUTE, unless a stage has
 * others.
 */
export const rateClasses = {
  trial: { address: 1, customer: 0.3, application: 3 },
  standard: { address: 1, customer: 1, application: 60 },
  high: { address: 10, customer: 3, application: 600 },
} as const satisfies Record<string, Record<LimitedKind, number>>;

export type RateClass = keyof typeof rateClasses;
export const rateClassNames = Object.keys(rateClasses) as [RateClass, ...RateClass[]];

export type RateClasses = Readonly<Record<RateClass, Readonly<Record<LimitedKind, number>>>>;

/**
 * The classes of a stage: `high:20/5/1000` are the multiples of address, customer and application of a class, several separated by
 * commas. A class that is not named has its own.
 * @throws RangeError when a class does not exist, a multiple is not positive, or a higher class gets less than a lower one
 */
export function rateClassesOf(text: string): RateClasses {
  const classes: Record<string, Record<LimitedKind, number>> = { ...rateClasses };
  for (const part of text.split(',')) {
    const [, name = '', ...multiples] = /^(\w+):([\d.]+)\/([\d.]+)\/([\d.]+)$/.exec(part.trim()) ?? [];
    const [address = 0, customer = 0, application = 0] = multiples.map(Number);
    if (!(name in rateClasses) || !(Math.min(address, customer, application) > 0))
      throw new RangeError(`"${part.trim()}" is not a class and its multiples, such as high:10/3/600`);
    classes[name] = { address, customer, application };
  }
  for (const [index, name] of rateClassNames.entries()) {
    const lower = rateClassNames[index - 1];
    const less = Object.entries(classes[name]!).find(
      ([kind, each]) => each < (classes[lower ?? name]![kind as LimitedKind] ?? 0),
    );
    if (less !== undefined) throw new RangeError(`${name} gives less than ${lower} by ${less[0]}`);
  }
  return classes as RateClasses;
}

/** How many requests a subject of this kind may make in any 60 seconds; at least 1. */
export const limitOf = (
  rateClass: RateClass,
  kind: LimitedKind,
  perMinute: number,
  classes: RateClasses = rateClasses,
): number => Math.max(1, Math.round(perMinute * classes[rateClass][kind]));

/** The state of a subject's limit after one more request. */
export type LimitState = {
  allowed: boolean;
  /** Requests in a window. */
  limit: number;
  windowSeconds: number;
  /** As this process last saw it (ADR 43); above a limit of 12,000 an estimate (ADR 21). */
  remaining: number;
  /** Seconds until the next request is allowed (when refused), or until the window ends. */
  resetSeconds: number;
  /** Counted by this process alone, because DynamoDB did not answer. */
  fallback: boolean;
};
