import { type DynamoDBDocumentClient, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { toEpochSeconds } from '../kernel/clock.ts';

/** Where sagas that wait for a payment leave their task tokens: one item an order. */
export type AwaitedPayments = { client: DynamoDBDocumentClient; table: string };

/** Items outlive what they are for by so much, so that whoever is late finds them: a day, in milliseconds. */
const keptAfterMs = 24 * 3600 * 1000;

/**
 * Keeps the task token of a saga that waits for an order's payment until `expiresAt`, in milliseconds since the epoch.
 * Tokens are a set: a step that is delivered again has a new one, and the late write of the old one replaces nothing.
 * @returns the number of the last signal when nobody has answered it, undefined when there is nothing to answer
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
 * Counts, at `at` in milliseconds since the epoch, that something happened to an order's payment, for whoever waits for
 * it or comes to. Of `keepToken` and this, the second always sees the first.
 * @returns the task tokens of the sagas that wait for it, or did
 */
export async function signal(store: AwaitedPayments, of: { orderId: string; at: number }): Promise<string[]> {
  const { tokens } = await update(store, of.orderId, {
    UpdateExpression: 'add signals :one set expiresAt = if_not_exists(expiresAt, :expiresAt)',
    ExpressionAttributeValues: { ':one': 1, ':expiresAt': toEpochSeconds(of.at + keptAfterMs) },
  });
  return [...(tokens ?? [])];
}

/** Notes that a saga has gone on for this signal and all before it. Until then, whoever comes to wait hears of it again. */
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
  const command = new UpdateCommand({ TableName: table, Key: { orderId }, ReturnValues: 'ALL_NEW', ...change });
  return ((await client.send(command)).Attributes ?? {}) as Item;
}
