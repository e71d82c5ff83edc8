import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { id } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';

/** How far the time of a signed event may be from ours, in milliseconds. */
const toleranceMs = 300_000;

/**
 * Checks the header `Stripe-Signature`: `t=<seconds>,v1=<hex>[,v1=…]`, each `v1` the HMAC-SHA256 of `<t>.<body>` under
 * one of the endpoint's secrets. While a secret is rotated there may be several of both.
 * https://docs.stripe.com/webhooks#verify-manually
 * @param now milliseconds since the epoch
 * @throws Problem webhook-signature-invalid
 */
export function checkSignature(
  { text, signature }: { text: string; signature: string | undefined },
  secrets: readonly string[],
  now: number,
): void {
  const fields = (signature ?? '').split(',').map((field) => field.trim().split('=', 2));
  const times = fields.flatMap(([name, value = '']) => (name === 't' && /^\d{1,12}$/.test(value) ? [value] : []));
  const offered = fields.flatMap(([name, value = '']) =>
    name === 'v1' && /^[0-9a-f]{64}$/.test(value) ? [Buffer.from(value, 'hex')] : [],
  );
  const [time] = times;
  if (time === undefined || times.length > 1 || offered.length === 0) {
    throw new Problem('webhook-signature-invalid', 'Stripe-Signature must have one t and at least one v1.');
  }
  const expected = secrets.map((secret) => createHmac('sha256', secret).update(`${time}.${text}`).digest());
  if (!expected.some((one) => offered.some((other) => timingSafeEqual(one, other)))) {
    throw new Problem('webhook-signature-invalid', 'No signature fits the body.');
  }
  if (Math.abs(now - Number(time) * 1000) > toleranceMs) {
    throw new Problem('webhook-signature-invalid', 'The signature is older than five minutes, or from the future.');
  }
}

export type StripeEvent = {
  id: string;
  type: string;
  /** The order whose payment the event is about; absent when it is not our order, or the event resumes no saga. */
  orderId?: string;
};

/** Events after which a charge that waited may be captured, declined or ended. */
export const awaitedEvents = [
  'payment_intent.amount_capturable_updated',
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
] as const;

/**
 * Reads an event. Only its id, its type and the order's id are used.
 * @throws Problem invalid-json, or invalid-input when it is not an event
 */
export function readEvent(text: string): StripeEvent {
  const result = z.safeParse(event, parse(text));
  if (!result.success) throw new Problem('invalid-input', 'The body is not an event of Stripe.');
  const { id: eventId, type, data } = result.data;
  const orderId = z.safeParse(id('order'), data?.object?.metadata?.orderId);
  const awaited = (awaitedEvents as readonly string[]).includes(type) && orderId.success;
  return { id: eventId, type, ...(awaited ? { orderId: orderId.data } : {}) };
}

const event = z.looseObject({
  id: z.string().check(z.regex(/^[\x21-\x7e]{1,255}$/)),
  type: z.string().check(z.regex(/^[\x21-\x7e]{1,255}$/)),
  data: z.optional(
    z.looseObject({
      object: z.optional(z.looseObject({ metadata: z.nullish(z.record(z.string(), z.unknown())) })),
    }),
  ),
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem('invalid-json', 'The body cannot be parsed as JSON.', { cause });
  }
}
