import type { StoredEvent } from '../../contract/events/define-event.ts';
import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
import type { Clock } from '../../kernel/clock.ts';

/** Tables `webhookEndpoints`, `webhookDeliveries` and `webhookQueue`. */
export type WebhookStore = {
  client: DocumentClient;
  endpoints: string;
  deliveries: string;
  queue: string;
  clock: Clock;
};

/**
 * Whether an application may have events sent to it: it is active and may read events; and whether it may read the personal data
 * in them. As of a second ago at most, and asked each time, so that whoever is cut off gets nothing more.
 */
export type MayReceive = (applicationId: string) => Promise<{ personalData: boolean } | undefined>;

/** What its owner says of an endpoint. */
export type EndpointFields = {
  url: string;
  /** Types of events, or the beginning of types with `*` behind it. */
  events: string[];
  description: string;
  headers: Record<string, string>;
  ordered: boolean;
  /** Requests a second at most; null for as many as can be. */
  rateLimit: number | null;
};

export type EndpointItem = EndpointFields & {
  applicationId: string;
  endpointId: string;
  status: 'active' | 'disabled';
  /** Who disabled it: its owner, its answer 410, or three days of failures. */
  disabledBecause: 'owner' | 'gone' | 'failing' | null;
  /** The newest first; the one before works until `until`, in milliseconds since the epoch. */
  secrets: { secret: string; until: number | null }[];
  createdAt: number;
  updatedAt: number;
  version: number;
  fingerprint?: string;
  /** Since when nothing was taken, while something was sent. */
  failingSince?: number;
  /** The circuit breaker: nothing is sent before. */
  pausedUntil?: number;
  /** Which sender works on it, and until when at most. */
  lease?: string;
  sendingUntil?: number;
  /** Something came while a sender worked on it, which has to look again. */
  lookAgain?: true;
  /** Until when a sender without the lease waits for what is due then. */
  waitingUntil?: number;
  /** With a rate limit: nothing is sent before. */
  nextSendAt?: number;
  /** The event about it that is not on the bus yet. */
  untold?: StoredEvent;
};

/** `undefined` removes what an endpoint need not have. */
export type EndpointItemChanges = { [Field in keyof EndpointItem]?: EndpointItem[Field] | undefined };

export type EndpointKey = Pick<EndpointItem, 'applicationId' | 'endpointId'>;

/** @returns the item that is stored, and whether it is this one: another request may have used the same id */
export async function insertEndpoint(
  { client, endpoints }: WebhookStore,
  item: EndpointItem,
): Promise<{ item: EndpointItem; inserted: boolean }> {
  try {
    await client.put({ TableName: endpoints, Item: item, ConditionExpression: 'attribute_not_exists(endpointId)' });
    return { item, inserted: true };
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    const { Item } = await client.get({ TableName: endpoints, Key: keyOf(item), ConsistentRead: true });
    return { item: (Item ?? item) as EndpointItem, inserted: false };
  }
}

export async function readEndpoint({ client, endpoints }: WebhookStore, key: EndpointKey) {
  const { Item } = await client.get({ TableName: endpoints, Key: keyOf(key), ConsistentRead: true });
  return Item as EndpointItem | undefined;
}

/** The endpoints of an application, in no particular order. There are few. */
export async function listEndpoints({ client, endpoints }: WebhookStore, applicationId: string) {
  const { Items = [] } = await client.query({
    TableName: endpoints,
    KeyConditionExpression: 'applicationId = :applicationId',
    ExpressionAttributeValues: { ':applicationId': applicationId },
    ConsistentRead: true,
  });
  return Items as EndpointItem[];
}

/** Every endpoint of the shop. */
export async function scanEndpoints({ client, endpoints }: WebhookStore): Promise<EndpointItem[]> {
  const found: EndpointItem[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await client.scan({ TableName: endpoints, ConsistentRead: true, ExclusiveStartKey });
    found.push(...((page.Items ?? []) as EndpointItem[]));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return found;
}

export async function deleteEndpoint({ client, endpoints }: WebhookStore, key: EndpointKey): Promise<void> {
  await client.delete({ TableName: endpoints, Key: keyOf(key) });
}

/**
 * Changes attributes of an endpoint; `undefined` removes one.
 * @param ifVersion changes nothing when the endpoint has another version by now
 * @returns the endpoint as it is now; undefined when it does not exist, or has another version
 */
export async function changeEndpoint(
  { client, endpoints }: WebhookStore,
  key: EndpointKey,
  changes: EndpointItemChanges,
  ifVersion?: number,
): Promise<EndpointItem | undefined> {
  const entries = Object.entries(changes);
  const sets = entries.filter(([, value]) => value !== undefined);
  const removes = entries.filter(([, value]) => value === undefined);
  const name = (attribute: string) => `#${attribute}`;
  const update = [
    sets.length > 0 ? `SET ${sets.map(([attribute]) => `${name(attribute)} = :${attribute}`).join(', ')}` : '',
    removes.length > 0 ? `REMOVE ${removes.map(([attribute]) => name(attribute)).join(', ')}` : '',
  ];
  const values = Object.fromEntries(sets.map(([attribute, value]) => [`:${attribute}`, value]));
  try {
    const { Attributes } = await client.update({
      TableName: endpoints,
      Key: keyOf(key),
      UpdateExpression: update.filter(Boolean).join(' '),
      ConditionExpression:
        ifVersion === undefined
          ? 'attribute_exists(endpointId)'
          : '#version = :ifVersion AND attribute_exists(endpointId)',
      ExpressionAttributeNames: {
        ...Object.fromEntries(entries.map(([attribute]) => [name(attribute), attribute])),
        ...(ifVersion === undefined ? {} : { '#version': 'version' }),
      },
      ...(sets.length > 0 || ifVersion !== undefined
        ? {
            ExpressionAttributeValues: { ...values, ...(ifVersion === undefined ? {} : { ':ifVersion': ifVersion }) },
          }
        : {}),
      ReturnValues: 'ALL_NEW',
    });
    return Attributes as EndpointItem;
  } catch (error) {
    if (isConditionFailed(error)) return undefined;
    throw error;
  }
}

const keyOf = ({ applicationId, endpointId }: EndpointKey): EndpointKey => ({ applicationId, endpointId });
