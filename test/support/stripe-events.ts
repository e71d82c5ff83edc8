import { createHmac } from 'node:crypto';

/** A header `Stripe-Signature` as Stripe makes it, with one `v1` for each secret; `at` in milliseconds. */
export function signatureOf(text: string, at: number, ...secrets: string[]): string {
  const time = Math.floor(at / 1000);
  const signatures = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${time}.${text}`).digest('hex')}`,
  );
  return [`t=${time}`, ...signatures].join(',');
}

/** An event of Stripe's about an order's PaymentIntent. */
export const stripeEvent = (
  type: string,
  orderId: string | undefined,
  id = `evt_${Math.random().toString(36).slice(2)}`,
) => ({
  id,
  object: 'event',
  api_version: '2026-10-28.endive',
  created: 1_800_000_000,
  data: {
    object: {
      id: 'pi_1',
      object: 'payment_intent',
      amount: 1999,
      metadata: orderId === undefined ? {} : { orderId },
    },
  },
  livemode: false,
  type,
});
