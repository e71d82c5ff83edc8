import * as z from 'zod/mini';
import { keepableJson, prose, text } from './common.ts';
import { email, vatNumber } from './customers.ts';

/**
 * Where an order goes, or who pays for it. This is its form; `checkAddresses` knows the countries and the postal codes of
 * the largest of them.
 */
export const address = z.strictObject({
  name: text(200),
  company: z.optional(text(200)),
  line1: text(200),
  line2: z.optional(text(200)),
  postalCode: z.optional(text(20)),
  city: text(100),
  region: z.optional(text(100)),
  country: z.string().check(z.regex(/^[A-Z]{2}$/, 'is not an ISO 3166-1 alpha-2 code')),
  vatNumber: z.optional(vatNumber),
});
export type Address = z.output<typeof address>;

/** How to reach whoever placed an order. */
export const contact = z.strictObject({
  email: z.optional(email),
  phone: z.optional(
    z.string().check(
      z.trim(),
      z.maxLength(30),
      z.regex(/^\+?[0-9 ()./-]*$/, 'is not a telephone number'),
      z.refine((phone) => phone.replaceAll(/\D/g, '').length >= 5, 'is not a telephone number'),
    ),
  ),
});
export type Contact = z.output<typeof contact>;

/** Where an order goes and who pays for it: what prices can depend on. */
export const addresses = { shippingAddress: z.optional(address), billingAddress: z.optional(address) };

/** What else an order may say besides its lines. `metadata` is the client's own. */
export const details = {
  ...addresses,
  contact: z.optional(contact),
  note: z.optional(prose(1000)),
  metadata: z.optional(z.record(z.string(), z.unknown()).check(...keepableJson(4096))),
};
