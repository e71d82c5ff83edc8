import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { toEpochSeconds } from '../../kernel/clock.ts';

/** Where events that were dealt with are remembered: one item an event. */
export type WebhookEvents = { client: DynamoDBDocumentClient; table: string };

/** A provider repeats an event for days, never for so long: 30 days, in milliseconds. */
const keptMs = 30 * 24 * 3600 * 1000;

export async function isRemembered({ client, table }: WebhookEvents, eventId: string): Promise<boolean> {
  const { Item } = await client.send(new GetCommand({ TableName: table, Key: { eventId }, ConsistentRead: true }));
  return Item !== undefined;
}

/** Remembers an event that was dealt with at `at`, in milliseconds since the epoch. */
export async function remember({ client, table }: WebhookEvents, eventId: string, at: number): Promise<void> {
  await client.send(new PutCommand({ TableName: table, Item: { eventId, expiresAt: toEpochSeconds(at + keptMs) } }));
}
