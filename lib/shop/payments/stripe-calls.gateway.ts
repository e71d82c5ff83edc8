import Stripe from 'stripe';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { OutcomeUnknown } from '../../kernel/errors.ts';
import { fromStripe, isKeptFailure, saysReplayed } from './stripe-errors.ts';

/** The version of Stripe's API that this code was written against. */
const apiVersion = '2026-10-28.endive';

export type StripeOptions = {
  /** The secret key; asked before every call, so that a rotated key is taken up. */
  secretKey: () => Promise<string>;
  /** How long one charge or one compensation may take altogether, in milliseconds. */
  timeoutMs: number;
  clock: Clock;
  stopwatch: Stopwatch;
  /** Where Stripe is, when it is not Stripe. */
  api?: { protocol: 'http' | 'https'; host: string; port: number };
};

/** One call to Stripe, under an idempotency key where it changes something. */
export type Call = <T>(
  send: (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>,
  idempotencyKey?: string,
) => Promise<T>;

/**
 * Begins a piece of work of one or more calls that share the time there is. A call that fails throws what
 * `fromStripe` makes of it.
 *
 * A failure that Stripe keeps under a key would be its answer for a day, so the call goes on under the next key: `<key>:2`,
 * `<key>:3`. Whoever makes the call comes to the same one, because nobody gets past a key but by its kept failure.
 */
export function stripeCalls({ secretKey, timeoutMs, stopwatch, api }: StripeOptions): () => Call {
  return () => {
    const end = stopwatch.elapsed() + timeoutMs;
    return async (send, idempotencyKey) => {
      for (let time = 1; ; time++) {
        // Clients cost next to nothing: their connections are the package's, not theirs.
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

/** Whether Stripe repeated the first answer to this key, which may be out of date. */
export const isReplayed = ({ lastResponse }: Stripe.Response<unknown>): boolean => saysReplayed(lastResponse.headers);

function connect(key: string, api: StripeOptions['api']): Stripe {
  return new Stripe(key, {
    apiVersion,
    // The state machine repeats a step; repeating here as well would multiply the time that it takes.
    maxNetworkRetries: 0,
    telemetry: false,
    ...api,
  });
}

/** Stripe's own time-out watches for silence, so an answer that trickles in would outlast it. */
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
