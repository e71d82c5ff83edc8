import * as z from 'zod/mini';
import { id, timestamp } from './common.ts';
import { email } from './customers.ts';
import { idToken } from './identities.ts';
import type { OperationContract } from './operation.ts';

export const signIn = {
  summary: 'Sign in',
  description:
    'Every call opens a new session, so the operation takes no Idempotency-Key. The answer shows the token once. `idToken` must be issued by the identity provider for the calling application; an unknown identity becomes a new customer. One id token opens at most ten sessions. Send the `nonce` of your request to the provider to have it compared. A customer has at most fifty sessions; a new one ends the oldest.',
  body: z.union(
    [
      z.strictObject({ email, password: z.string().check(z.minLength(1), z.maxLength(128)) }),
      z.strictObject({ idToken, nonce: z.optional(z.string().check(z.minLength(1), z.maxLength(500))) }),
    ],
    'must have either email and password, or idToken',
  ),
  responses: { 201: z.object({ token: z.string(), expiresAt: timestamp, customerId: id('customer') }) },
  problems: [
    'invalid-credentials',
    'id-token-invalid',
    'identity-not-linked',
    'sign-in-locked',
    'customer-suspended',
    'access-changed',
  ],
} as const satisfies OperationContract;

export const ownSession = z.object({
  id: id('session'),
  createdAt: timestamp,
  expiresAt: timestamp,
  network: z.nullable(z.string()),
  applicationId: z.nullable(z.string()),
  current: z.boolean(),
});

export type OwnSessionView = z.output<typeof ownSession>;

export const listSessions = {
  summary: 'List the sessions of the signed-in customer',
  description:
    'Shows the hundred newest. `network` is the network that opened the session; `current` marks the session of this request.',
  responses: { 200: z.object({ data: z.array(ownSession) }) },
} as const satisfies OperationContract;

export const endSession = {
  summary: 'End one session of the signed-in customer',
  path: z.strictObject({ sessionId: id('session') }),
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const signOut = {
  summary: 'Sign out',
  responses: { 204: null },
} as const satisfies OperationContract;

export const signOutEverywhere = {
  summary: 'End every session of the signed-in customer',
  responses: { 204: null },
} as const satisfies OperationContract;
