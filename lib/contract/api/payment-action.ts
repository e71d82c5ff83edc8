import * as z from 'zod/mini';

/**
 * What the customer must do before the charge goes through. `stripe`: the shop's page passes the secret to Stripe.js
 * (`handleNextAction`). `simulated`: `POST { "outcome": "complete" }` or `"fail"` to the path.
 */
export const paymentAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stripe'), clientSecret: z.string() }),
  z.object({ type: z.literal('simulated'), path: z.string() }),
]);
export type PaymentAction = z.output<typeof paymentAction>;

/**
 * The same value with every client secret redacted, at any depth. Whoever has such a secret can see the payment and pay
 * it, so only the order's customer sees one: no log, history or operator does.
 */
export function withoutClientSecrets<T>(value: T): T {
  if (typeof value === 'string') return value.replace(clientSecrets, '$1_secret_[redacted]') as T;
  if (Array.isArray(value)) return value.map(withoutClientSecrets) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    name === 'clientSecret' || name === 'client_secret' ? '[redacted]' : withoutClientSecrets(inner),
  ]);
  return Object.fromEntries(entries) as T;
}

/** As Stripe writes them, also inside a text such as the JSON of an execution's input. */
const clientSecrets = /\b((?:pi|seti)_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+/g;
