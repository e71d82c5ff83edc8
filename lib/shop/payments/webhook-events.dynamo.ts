import type { DocumentClient } from '../../database/document-client.dynamo.ts';
import { toEpochSeconds } from '../../kernel/clock.ts';

/** The table of events that were processed: one item an event. */
export type WebhookEvents = { client: DocumentClient; table: string };

/** How long events are kept, in milliseconds: 30 days. A provider repeats an event for a few days at most. */
const keptMs = 30 * 24 * 3600 * 1000;

export async function isRemembered({ client, table }: WebhookEvents, eventId: string): Promise<boolean> {
  const { Item } = await client.get({ TableName: table, Key: { eventId }, ConsistentRead: true });
  return Item !== undefined;
}

/** Stores that an event was processed at `at`, in milliseconds since the epoch. */
export async function remember({ client, table }: WebhookEvents, eventId: string, at: number): Promise<void> {
  await client.put({ TableName: table, Item: { eventId, expiresAt: toEpochSeconds(at + keptMs) } });
}
