import { networkCodes, throttlingNames } from '../../kernel/outage.ts';

/** Those of credentials are of use where the next attempt has new ones. */
const transient = new Set([
  'ExpiredTokenException',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  'UnrecognizedClientException',
]);
const transientStatuses = new Set([500, 502, 503, 504]);

/** Milliseconds; a pause is a random part of them, and doubles each time. */
const [pauseMs, throttledPauseMs, longestPauseMs] = [100, 500, 20_000];

type Failure = {
  name: string;
  code?: string;
  reusedConnection?: boolean;
  $metadata?: { httpStatusCode?: number; clockCorrected?: boolean };
};

/**
 * How long to wait before a call is sent again that failed `times` times, in milliseconds; undefined when that is of no use. As
 * the SDK has it, but for connections that were closed while idle: there, the next attempt waits for nothing.
 */
export function pauseBefore(error: Failure, times: number): number | undefined {
  const { httpStatusCode: status = 0, clockCorrected = false } = error.$metadata ?? {};
  if (clockCorrected) return 0;
  const isThrottled = status === 429 || throttlingNames.has(error.name);
  const isTransient = transient.has(error.name) || networkCodes.has(error.code ?? '') || transientStatuses.has(status);
  if (!isThrottled && !isTransient) return undefined;
  if (error.reusedConnection && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) return 0;
  const base = isThrottled ? throttledPauseMs : pauseMs;
  return Math.random() * Math.min(longestPauseMs, base * 2 ** (times - 1));
}

const [fullBudget, retryCost] = [500, 5];

/** Attempts that a process may repeat: while nearly nothing succeeds, each call is sent once, so that an outage gets no worse. */
export function retryBudget() {
  let left = fullBudget;
  return {
    /** @returns whether there is enough left */
    spend(): boolean {
      if (left < retryCost) return false;
      left -= retryCost;
      return true;
    },
    /** A call succeeded that was repeated so many times. */
    earn(repeats: number): void {
      left = Math.min(fullBudget, left + Math.max(1, repeats * retryCost));
    },
  };
}
