import * as z from 'zod/mini';

/**
 * What the customer has still to do before money is taken. `stripe`: the shop's page hands the secret to Stripe.js
 * (`handleNextAction`). `simulated`: `POST` to the path `{ "outcome": "complete" }` or `"fail"`.
 */
export const paymentAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stripe'), clientSecret: z.string() }),
  z.object({ type: z.literal('simulated'), path: z.string() }),
]);
export type PaymentAction = z.output<typeof paymentAction>;

/**
 * The same value with every client secret in it blotted out, however deep. With such a secret anybody can see the
 * payment and pay, so only the order's own customer is shown one: no log, history or operator's page.
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
