/** What a rate limit counts by. */
export type LimitedKind = 'address' | 'customer' | 'application';

/** The rate limits of an application's callers, for each kind of subject, as multiples of RATE_LIMIT_PER_MINUTE. */
export const rateClasses = {
  trial: { address: 1, customer: 0.3, application: 3 },
  standard: { address: 1, customer: 1, application: 60 },
  high: { address: 10, customer: 3, application: 600 },
} as const satisfies Record<string, Record<LimitedKind, number>>;

export type RateClass = keyof typeof rateClasses;
export const rateClassNames = Object.keys(rateClasses) as [RateClass, ...RateClass[]];

/** How many requests a subject of this kind may make in any 60 seconds; at least 1. */
export const limitOf = (rateClass: RateClass, kind: LimitedKind, perMinute: number): number =>
  Math.max(1, Math.round(perMinute * rateClasses[rateClass][kind]));

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
