import * as z from 'zod/mini';
import { id, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

/** A JWT in the compact form (RFC 7515 §7.1). */
export const idToken = z
  .string()
  .check(z.maxLength(8192), z.regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/, 'is not a JWT'));

export const identity = z.object({
  id: id('identity'),
  issuer: z.string(),
  email: z.nullable(z.string()),
  linkedAt: timestamp,
  lastUsedAt: timestamp,
});
export type Identity = z.output<typeof identity>;

export const linkIdentity = {
  summary: 'Link an identity to the signed-in customer',
  description:
    'Takes an id token that the identity provider issued for the calling application. Needs a sign-in within the last ten minutes, and mails the customer a notice. Answers 201 with the new link, or 200 with the existing one. Repeating it is safe, so it takes no Idempotency-Key.',
  body: z.strictObject({ idToken }),
  responses: { 200: identity, 201: identity },
  problems: ['id-token-invalid', 'identity-taken', 'sign-in-again'],
} as const satisfies OperationContract;

export const listIdentities = {
  summary: 'List the identities linked to the signed-in customer',
  responses: { 200: z.object({ data: z.array(identity) }) },
} as const satisfies OperationContract;

export const listCustomerIdentities = {
  summary: 'List the identities linked to a customer',
  description: 'For the back office, when a customer reports that somebody else can sign in.',
  path: z.strictObject({ customerId: id('customer') }),
  responses: { 200: z.object({ data: z.array(identity) }) },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const unlinkCustomerIdentity = {
  summary: 'Unlink an identity of a customer',
  description:
    'For the back office. Its tokens stop working with the next request, every session of the customer ends, and the customer gets a mail.',
  path: z.strictObject({ customerId: id('customer'), identityId: id('identity') }),
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const unlinkIdentity = {
  summary: 'Unlink an identity',
  description:
    'Its tokens stop working with the next request, and every other session ends. Needs a sign-in within the last ten minutes, and mails the customer a notice. A customer without a password can set one by a password reset.',
  path: z.strictObject({ identityId: id('identity') }),
  responses: { 204: null },
  problems: ['not-found', 'sign-in-again'],
} as const satisfies OperationContract;
