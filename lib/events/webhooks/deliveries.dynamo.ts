import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { StoredEvent } from '../../contract/events/define-event.ts';
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

/**
 * Adds a delivery, once. It is written before it is queued, so a repeat queues what a call that died left.
 * @returns whether it is new
 */
export async function addDelivery(store: WebhookStore, item: DeliveryItem): Promise<boolean> {
  const { client, deliveries } = store;
  try {
    await client.send(
      new PutCommand({ TableName: deliveries, Item: item, ConditionExpression: 'attribute_not_exists(deliveryId)' }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const known = await readDelivery(store, item.endpointId, item.deliveryId);
    if (known?.status === 'pending') await enqueue(store, known);
    return false;
  }
  await enqueue(store, item);
  return true;
}

/** Writes what came of an attempt, and queues the next one if there is to be one. */
export async function saveDelivery(store: WebhookStore, item: DeliveryItem, queuedAs?: string): Promise<void> {
  const { client, deliveries, queue } = store;
  await client.send(new PutCommand({ TableName: deliveries, Item: item }));
  if (item.status === 'pending') await enqueue(store, item);
  const key = dueKey(item);
  if (queuedAs !== undefined && (item.status !== 'pending' || queuedAs !== key)) {
    await client.send(new DeleteCommand({ TableName: queue, Key: { endpointId: item.endpointId, due: queuedAs } }));
  }
}

export async function readDelivery({ client, deliveries }: WebhookStore, endpointId: string, deliveryId: string) {
  const { Item } = await client.send(
    new GetCommand({ TableName: deliveries, Key: { endpointId, deliveryId }, ConsistentRead: true }),
  );
  return Item as DeliveryItem | undefined;
}

/** The deliveries of an endpoint, newest first, before a delivery. */
export async function listDeliveries(
  { client, deliveries }: WebhookStore,
  endpointId: string,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<DeliveryItem[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: deliveries,
      KeyConditionExpression: `endpointId = :endpointId${before === undefined ? '' : ' AND deliveryId < :before'}`,
      ExpressionAttributeValues: { ':endpointId': endpointId, ...(before === undefined ? {} : { ':before': before }) },
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: limit,
    }),
  );
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
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: queue,
      KeyConditionExpression: 'endpointId = :endpointId',
      ExpressionAttributeValues: { ':endpointId': endpointId },
      ConsistentRead: true,
      Limit: limit,
    }),
  );
  return (Items as QueueItem[]).map(({ due, deliveryId, aggregateId, sequence }) => ({
    deliveryId,
    aggregateId,
    sequence,
    key: due,
    dueAt: Number(due.split(' ')[0]),
  }));
}

/** Takes what does not wait any more off the queue. */
export async function unqueue({ client, queue }: WebhookStore, endpointId: string, due: string): Promise<void> {
  await client.send(new DeleteCommand({ TableName: queue, Key: { endpointId, due } }));
}

/** The key that a pending delivery is queued under. */
export const dueKey = ({ nextAttemptAt, deliveryId }: Pick<DeliveryItem, 'nextAttemptAt' | 'deliveryId'>): string =>
  `${String(nextAttemptAt).padStart(15, '0')} ${deliveryId}`;

async function enqueue({ client, queue }: WebhookStore, item: DeliveryItem): Promise<void> {
  const { endpointId, deliveryId, aggregateId, sequence, expiresAt } = item;
  const queued: QueueItem = { endpointId, due: dueKey(item), deliveryId, aggregateId, sequence, expiresAt };
  await client.send(new PutCommand({ TableName: queue, Item: queued }));
}
