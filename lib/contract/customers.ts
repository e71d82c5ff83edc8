import * as z from 'zod/mini';
import { id, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

export const email = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email());

/** 8 to 128 characters, as NIST SP 800-63B allows: length counts, composition does not. */
export const password = z.string().check(z.minLength(8), z.maxLength(128));

export const address = z.strictObject({
  line1: text(200),
  line2: z.optional(text(200)),
  city: text(100),
  region: z.optional(text(100)),
  postalCode: text(20),
  country: z.string().check(z.regex(/^[A-Z]{2}$/, 'is not an ISO 3166-1 alpha-2 code')),
});

export const customer = z.object({
  id: id('customer'),
  email: z.string(),
  name: z.string(),
  address: z.nullable(address),
  premium: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Customer = z.output<typeof customer>;

export const signUp = {
  summary: 'Sign up',
  body: z.strictObject({ email, password, name: text(200) }),
  responses: { 201: customer },
  problems: ['email-taken'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const getMe = {
  summary: 'Read the signed-in customer',
  responses: { 200: customer },
  etag: true,
} as const satisfies OperationContract;

export const updateMe = {
  summary: 'Change name or address of the signed-in customer',
  body: z
    .strictObject({ name: z.optional(text(200)), address: z.optional(z.nullable(address)) })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: customer },
  problems: ['version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const updateCustomer = {
  summary: 'Make a customer premium, or not',
  path: z.strictObject({ customerId: id('customer') }),
  body: z.strictObject({ premium: z.boolean() }),
  responses: { 200: customer },
  problems: ['not-found', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;
