import type { StoredEvent } from '../../contract/events/define-event.ts';
import { addAll, readAll } from '../../database/batches.dynamo.ts';
import { toEpochSeconds } from '../../kernel/clock.ts';
import type { WebhookStore } from './endpoints.dynamo.ts';
import type { Attempt } from './send.gateway.ts';

/** An event on its way to an endpoint, or there. Times are milliseconds since the epoch. */
export type DeliveryItem = {
  endpointId: string;
  deliveryId: string;
  eventId: string;
  type: string;
  aggregateId: string;
  sequence: number;
  /** What is sent: the event as it was. */
  body: string;
  status: 'pending' | 'succeeded' | 'failed';
  /** An event of the past that the owner asked for again. */
  replay: boolean;
  attempts: number;
  /** When the next attempt is due; null when there is none. */
  nextAttemptAt: number | null;
  last: (Attempt & { at: number }) | null;
  createdAt: number;
  expiresAt: number;
};

/** A delivery that waits. The sort key `due` is the time of the next attempt and the delivery's id. */
type QueueItem = {
  endpointId: string;
  due: string;
  deliveryId: string;
  aggregateId: string;
  sequence: number;
  expiresAt: number;
};

const keepSeconds = 30 * 24 * 3600;

/** The delivery of an event to an endpoint has one id, so that the event is delivered once. */
export const deliveryOf = (eventId: string): string => eventId.replace(/^evt_/, 'dlv_');

/** A delivery that is due now. */
export function newDelivery(
  { clock }: Pick<WebhookStore, 'clock'>,
  endpointId: string,
  event: StoredEvent,
  { deliveryId = deliveryOf(event.id), replay = false }: { deliveryId?: string; replay?: boolean } = {},
): DeliveryItem {
  const now = clock.now();
  return {
    endpointId,
    deliveryId,
    eventId: event.id,
    type: event.type,
    aggregateId: event.aggregateId,
    sequence: event.sequence,
    body: JSON.stringify(event),
    status: 'pending',
    replay,
    attempts: 0,
    nextAttemptAt: now,
    last: null,
    createdAt: now,
    expiresAt: toEpochSeconds(now) + keepSeconds,
  };
}

/** Adds deliveries with what queues them, each once: one that is there already stays as it is. */
export async function addDeliveries(store: WebhookStore, added: readonly DeliveryItem[]): Promise<void> {
  const { client, deliveries, queue } = store;
  const groups = added.map((item) => ({
    items: [
      { table: deliveries, item },
      { table: queue, item: queueItemOf(item) },
    ],
    unlessThere: 'deliveryId',
    bytes: Buffer.byteLength(item.body) + 2048,
  }));
  await addAll(client, groups);
}

/** Writes a delivery that waits from now on, and queues it, at once and whatever else is done with it. */
export async function requeueDelivery(store: WebhookStore, item: DeliveryItem, queuedAs?: string): Promise<void> {
  const { client, deliveries, queue } = store;
  const isElsewhere = queuedAs !== undefined && queuedAs !== dueKey(item);
  await client.transactWrite({
    TransactItems: [
      { Put: { TableName: deliveries, Item: item } },
      { Put: { TableName: queue, Item: queueItemOf(item) } },
      ...(isElsewhere ? [{ Delete: { TableName: queue, Key: queueKey(item.endpointId, queuedAs) } }] : []),
    ],
  });
}

export async function readDelivery({ client, deliveries }: WebhookStore, endpointId: string, deliveryId: string) {
  const { Item } = await client.get({ TableName: deliveries, Key: { endpointId, deliveryId }, ConsistentRead: true });
  return Item as DeliveryItem | undefined;
}

/** Deliveries of an endpoint by their ids, as far as they exist. */
export async function readDeliveries(
  { client, deliveries }: WebhookStore,
  endpointId: string,
  ids: readonly string[],
): Promise<Map<string, DeliveryItem>> {
  const keys = [...new Set(ids)].map((deliveryId) => ({ endpointId, deliveryId }));
  const items = await readAll<DeliveryItem>(client, deliveries, keys);
  return new Map(items.map((item) => [item.deliveryId, item]));
}

/** The deliveries of an endpoint, newest first, before a delivery. */
export async function listDeliveries(
  { client, deliveries }: WebhookStore,
  endpointId: string,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<DeliveryItem[]> {
  const { Items = [] } = await client.query({
    TableName: deliveries,
    KeyConditionExpression: `endpointId = :endpointId${before === undefined ? '' : ' AND deliveryId < :before'}`,
    ExpressionAttributeValues: { ':endpointId': endpointId, ...(before === undefined ? {} : { ':before': before }) },
    ScanIndexForward: false,
    ConsistentRead: true,
    Limit: limit,
  });
  return Items as DeliveryItem[];
}

/** A delivery of the queue, and when it is due. */
export type Queued = Pick<QueueItem, 'deliveryId' | 'aggregateId' | 'sequence'> & { key: string; dueAt: number };

/** What waits for an endpoint, in the order in which it is due. */
export async function readQueue(
  { client, queue }: WebhookStore,
  endpointId: string,
  { limit }: { limit: number },
): Promise<Queued[]> {
  const { Items = [] } = await client.query({
    TableName: queue,
    KeyConditionExpression: 'endpointId = :endpointId',
    ExpressionAttributeValues: { ':endpointId': endpointId },
    ConsistentRead: true,
    Limit: limit,
  });
  return (Items as QueueItem[]).map(({ due, deliveryId, aggregateId, sequence }) => ({
    deliveryId,
    aggregateId,
    sequence,
    key: due,
    dueAt: Number(due.split(' ')[0]),
  }));
}

/** How many deliveries wait for an endpoint, counted up to a limit. */
export async function countQueue(
  { client, queue }: WebhookStore,
  endpointId: string,
  { limit }: { limit: number },
): Promise<number> {
  const { Count = 0 } = await client.query({
    TableName: queue,
    KeyConditionExpression: 'endpointId = :endpointId',
    ExpressionAttributeValues: { ':endpointId': endpointId },
    Select: 'COUNT',
    Limit: limit,
  });
  return Count;
}

/** The key that a pending delivery is queued under. */
export const dueKey = ({ nextAttemptAt, deliveryId }: Pick<DeliveryItem, 'nextAttemptAt' | 'deliveryId'>): string =>
  `${String(nextAttemptAt).padStart(15, '0')} ${deliveryId}`;

export const queueKey = (endpointId: string, due: string) => ({ endpointId, due });

/** What queues a pending delivery. */
export function queueItemOf(item: DeliveryItem): QueueItem {
  const { endpointId, deliveryId, aggregateId, sequence, expiresAt } = item;
  return { ...queueKey(endpointId, dueKey(item)), deliveryId, aggregateId, sequence, expiresAt };
}
