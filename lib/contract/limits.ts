/** Where a subject stands after one more request. */
export type LimitState = {
  allowed: boolean;
  /** Requests a window. */
  limit: number;
  windowSeconds: number;
  remaining: number;
  /** Seconds until there is room again (when refused) or until the window turns. */
  resetSeconds: number;
  /** Counted by this process alone, because DynamoDB did not answer. */
  fallback: boolean;
};
