/** What a limit can be set on. */
export type LimitedKind = 'address' | 'customer' | 'application';

/** How often the callers of an application may come: for each kind of subject, in multiples of RATE_LIMIT_PER_MINUTE. */
export const rateClasses = {
  trial: { address: 1, customer: 0.3, application: 3 },
  standard: { address: 1, customer: 1, application: 60 },
  high: { address: 10, customer: 3, application: 600 },
} as const satisfies Record<string, Record<LimitedKind, number>>;

export type RateClass = keyof typeof rateClasses;
export const rateClassNames = Object.keys(rateClasses) as [RateClass, ...RateClass[]];

/** Requests that a subject of this kind may make in any 60 seconds: a whole number, at least 1. */
export const limitOf = (rateClass: RateClass, kind: LimitedKind, perMinute: number): number =>
  Math.max(1, Math.round(perMinute * rateClasses[rateClass][kind]));

/** Where a subject stands after one more request. */
export type LimitState = {
  allowed: boolean;
  /** Requests a window. */
  limit: number;
  windowSeconds: number;
  /** Exact up to a limit of 12,000; above that an estimate (ADR 21). */
  remaining: number;
  /** Seconds until there is room again (when refused) or until the window turns. */
  resetSeconds: number;
  /** Counted by this process alone, because DynamoDB did not answer. */
  fallback: boolean;
};
