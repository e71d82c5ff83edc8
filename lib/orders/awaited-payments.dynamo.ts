import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { toEpochSeconds } from '../kernel/clock.ts';

/** Where sagas that wait for a payment leave their task tokens: one item an order. */
export type AwaitedPayments = { client: DynamoDBDocumentClient; table: string };

/** Items outlive what they are for by so much, so that whoever is late finds them: a day, in milliseconds. */
const keptAfterMs = 24 * 3600 * 1000;

/**
 * Keeps the task token of a saga that waits for an order's payment until `expiresAt`, in milliseconds since the epoch.
 * Tokens are a set: a step that is delivered again has a new one, and the late write of the old one replaces nothing.
 * @returns whether the payment was signalled before anybody waited; that signal is used up by this
 */
export async function keepToken(
  { client, table }: AwaitedPayments,
  of: { orderId: string; token: string; expiresAt: number },
): Promise<{ signalled: boolean }> {
  const { Attributes } = await client.send(
    new UpdateCommand({
      TableName: table,
      Key: { orderId: of.orderId },
      UpdateExpression: 'add tokens :token remove signalled set expiresAt = :expiresAt',
      ExpressionAttributeValues: {
        ':token': new Set([of.token]),
        ':expiresAt': toEpochSeconds(of.expiresAt + keptAfterMs),
      },
      ReturnValues: 'ALL_OLD',
    }),
  );
  return { signalled: Attributes?.signalled === true };
}

/**
 * Notes at `at`, in milliseconds since the epoch, that something happened to an order's payment, for whoever comes to
 * wait for it. Of `keepToken` and this, the second always sees the first.
 * @returns the task tokens of the sagas that wait for it, or did
 */
export async function signal(
  { client, table }: AwaitedPayments,
  of: { orderId: string; at: number },
): Promise<string[]> {
  const { Attributes } = await client.send(
    new UpdateCommand({
      TableName: table,
      Key: { orderId: of.orderId },
      UpdateExpression: 'set signalled = :yes, expiresAt = if_not_exists(expiresAt, :expiresAt)',
      ExpressionAttributeValues: { ':yes': true, ':expiresAt': toEpochSeconds(of.at + keptAfterMs) },
      ReturnValues: 'ALL_NEW',
    }),
  );
  return [...((Attributes?.tokens as Set<string> | undefined) ?? [])];
}
