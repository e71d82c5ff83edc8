import { randomBytes } from 'node:crypto';
import { deriveSecret, mintBearer, parseBearer } from '../auth/bearer.ts';
import type { Caller } from '../contract/api/caller.ts';
import { Problem } from '../contract/api/problems.ts';
import type { Answer } from '../database/idempotency.sql.ts';

/** Whose orders a caller may see: a customer their own, a guest the one of the token, an application with a key all. */
export function ownerOf(
  caller: Exclude<Caller, { kind: 'anonymous' }>,
  orderId: string,
  orderToken: string | undefined,
): { customerId: string } | { tokenHash: string } | { anybody: true } {
  if (caller.kind === 'customer') return { customerId: caller.customerId };
  if (caller.kind === 'app') return { anybody: true };
  if (orderToken === undefined) {
    throw new Problem('unauthenticated', 'Sign in, or send the Order-Token that came when the order was placed.');
  }
  const token = parseBearer('order', orderToken);
  if (token?.id !== orderId) throw new Problem('not-found', 'You have no such order.');
  return { tokenHash: token.hash };
}

/** A header field of stored answers that clients do not get. */
const saltField = 'order-token-salt';

/**
 * The token of a guest's new order. It follows from the idempotency key and a secret salt, so that a repeat of the request
 * gets it again while the answer is stored, and nobody stores the token.
 * @returns the hash to store with the order, and the header fields to store with the answer
 */
export function newOrderToken(orderId: string, key: string): { hash: string; headers: Record<string, string> } {
  const salt = randomBytes(32).toString('base64url');
  return { hash: orderToken(orderId, key, salt).hash, headers: { [saltField]: salt } };
}

/** An answer with the token of the guest's order in the place of what is stored of it. */
export function withOrderToken(answer: Answer, orderId: string, key: string): Answer {
  const { [saltField]: salt, ...headers } = answer.headers;
  return salt === undefined
    ? answer
    : { ...answer, headers: { ...headers, 'order-token': orderToken(orderId, key, salt).bearer } };
}

const orderToken = (orderId: string, key: string, salt: string) =>
  mintBearer('order', orderId, deriveSecret([key], Buffer.from(salt, 'base64url')));

/**
 * Who a caller orders for, and the application that does so for somebody else. Without a customer it is a guest.
 * @param customerId the customer that the request names
 * @throws Problem forbidden unless an application with a key names one
 */
export function buyerOf(
  caller: Exclude<Caller, { kind: 'anonymous' }>,
  customerId: string | undefined,
): { customerId: string | null; placedBy: string | null } {
  if (caller.kind === 'app') return { customerId: customerId ?? null, placedBy: caller.application.id };
  if (customerId !== undefined) throw new Problem('forbidden', 'Only an application with a key orders for a customer.');
  return { customerId: caller.kind === 'customer' ? caller.customerId : null, placedBy: null };
}
