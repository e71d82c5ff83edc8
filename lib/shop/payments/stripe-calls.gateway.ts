import Stripe from 'stripe';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { OutcomeUnknown } from '../../kernel/errors.ts';
import { fromStripe, isKeptFailure, saysReplayed } from './stripe-errors.ts';

/** The version of Stripe's API that this code was written against. */
const apiVersion = '2026-10-28.endive';

export type StripeOptions = {
  /** Returns the secret key. It runs before every call, so that a rotated key is used at once. */
  secretKey: () => Promise<string>;
  /** How long one charge or one compensation may take in total, in milliseconds. */
  timeoutMs: number;
  clock: Clock;
  stopwatch: Stopwatch;
  /** The address of a stand-in for Stripe. */
  api?: { protocol: 'http' | 'https'; host: string; port: number };
};

/** One call to Stripe, under an idempotency key where it changes something. */
export type Call = <T>(
  send: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>,
  idempotencyKey?: string,
) => Promise<T>;

/**
 * Begins a piece of work of one or more calls that share one time limit. A call that fails throws what `fromStripe` makes
 * of it.
 *
 * Stripe would replay a failure that it keeps under a key for a day, so the call is repeated under the next key: `<key>:2`,
 * `<key>:3`. Every repetition comes to the same key, because only a kept failure leads from one to the next.
 */
export function stripeCalls({ secretKey, timeoutMs, stopwatch, api }: StripeOptions): () => Call {
  return () => {
    const end = stopwatch.elapsed() + timeoutMs;
    return async (send, idempotencyKey) => {
      for (let time = 1; ; time++) {
        // A client costs next to nothing: the package owns the connections.
        const stripe = connect(await secretKey(), api);
        const left = end - stopwatch.elapsed();
        if (left <= 0) throw late(timeoutMs);
        const options = { timeout: left, ...keyed(idempotencyKey, time) };
        try {
          return await within(left, send(stripe, options), timeoutMs);
        } catch (error) {
          if (!isKeptFailure(error)) throw fromStripe(error);
        }
      }
    };
  };
}

const keyed = (key: string | undefined, time: number): Stripe.RequestOptions =>
  key === undefined ? {} : { idempotencyKey: time === 1 ? key : `${key}:${time}` };

/** Whether Stripe replayed the first answer to this key, which may be out of date. */
export const isReplayed = ({ lastResponse }: Stripe.Response<unknown>): boolean => saysReplayed(lastResponse.headers);

function connect(key: string, api: StripeOptions['api']): Stripe {
  return new Stripe(key, {
    apiVersion,
    // The state machine retries the step; retries here would multiply the time that it takes.
    maxNetworkRetries: 0,
    telemetry: false,
    ...api,
  });
}

/** The package's own time-out measures silence, so an answer that arrives slowly would outlast it. */
async function within<T>(milliseconds: number, work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late(timeoutMs)), milliseconds);
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}

const late = (timeoutMs: number): OutcomeUnknown => new OutcomeUnknown(`Stripe did not answer within ${timeoutMs} ms`);
