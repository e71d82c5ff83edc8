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
  linkedAt: timestamp,
  lastUsedAt: timestamp,
});
export type Identity = z.output<typeof identity>;

export const linkIdentity = {
  summary: 'Let the signed-in customer also sign in at the identity provider',
  description:
    'Takes an id token that the provider made for an application of this shop, and answers 201 with the link, or 200 with the one that is there. It can be repeated without harm, so it takes no Idempotency-Key.',
  body: z.strictObject({ idToken }),
  responses: { 200: identity, 201: identity },
  problems: ['id-token-invalid', 'identity-taken'],
} as const satisfies OperationContract;

export const listIdentities = {
  summary: 'List how the signed-in customer can sign in at the identity provider',
  responses: { 200: z.object({ data: z.array(identity) }) },
} as const satisfies OperationContract;

export const unlinkIdentity = {
  summary: 'Take a link to the identity provider away',
  description:
    'Tokens of it let nobody in any more, from the next request on; sessions stay. A customer without a password gets one by resetting it.',
  path: z.strictObject({ identityId: id('identity') }),
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;
