import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import type { DocumentClient } from '../database/document-client.dynamo.ts';
import { toEpochSeconds } from '../kernel/clock.ts';

/** The table of task tokens of sagas that wait for a payment: one item an order. */
export type AwaitedPayments = { client: DocumentClient; table: string };

/** Items are kept for a day longer than they are needed, so that a late signal finds them. In milliseconds. */
const keptAfterMs = 24 * 3600 * 1000;

/**
 * Keeps the task token of a saga that waits for an order's payment until `expiresAt`, in milliseconds since the epoch.
 * Tokens are a set: a repeated delivery of the step has a new token, and the late write of the old one replaces nothing.
 * @returns the number of the last signal if nobody has answered it, undefined if there is nothing to answer
 */
export async function keepToken(
  store: AwaitedPayments,
  of: { orderId: string; token: string; expiresAt: number },
): Promise<number | undefined> {
  const { signals = 0, answered = 0 } = await update(store, of.orderId, {
    UpdateExpression: 'add tokens :token set expiresAt = :expiresAt',
    ExpressionAttributeValues: {
      ':token': new Set([of.token]),
      ':expiresAt': toEpochSeconds(of.expiresAt + keptAfterMs),
    },
  });
  return signals > answered ? signals : undefined;
}

/**
 * Counts that something happened to an order's payment at `at`, in milliseconds since the epoch. Of `keepToken` and this,
 * the second always sees the first.
 * @returns the task tokens of the sagas that wait for the payment, or did
 */
export async function signal(store: AwaitedPayments, of: { orderId: string; at: number }): Promise<string[]> {
  const { tokens } = await update(store, of.orderId, {
    UpdateExpression: 'add signals :one set expiresAt = if_not_exists(expiresAt, :expiresAt)',
    ExpressionAttributeValues: { ':one': 1, ':expiresAt': toEpochSeconds(of.at + keptAfterMs) },
  });
  return [...(tokens ?? [])];
}

/** Stores that a saga went on after this signal and all before it. Until then every saga that comes to wait goes on. */
export async function answerSignal(store: AwaitedPayments, of: { orderId: string; signal: number }): Promise<void> {
  await update(store, of.orderId, {
    UpdateExpression: 'set answered = :signal',
    ExpressionAttributeValues: { ':signal': of.signal },
  });
}

type Item = { tokens?: Set<string>; signals?: number; answered?: number };

async function update(
  { client, table }: AwaitedPayments,
  orderId: string,
  change: Pick<UpdateCommandInput, 'UpdateExpression' | 'ExpressionAttributeValues'>,
): Promise<Item> {
  const { Attributes } = await client.update({
    TableName: table,
    Key: { orderId },
    ReturnValues: 'ALL_NEW',
    ...change,
  });
  return (Attributes ?? {}) as Item;
}
