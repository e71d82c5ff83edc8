import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { tables } from '../../../lib/contract/deploy/tables.ts';
import {
  type DeliveryItem,
  deliveryOf,
  listDeliveries,
  readDeliveries,
} from '../../../lib/events/webhooks/deliveries.dynamo.ts';
import { redacted } from '../../../lib/kernel/redact.ts';

/** A client of the local DynamoDB that does not wait for it. */
export function openDocuments(endpoint: string): DynamoDBDocument {
  const client = new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'CONSOLE', secretAccessKey: 'CONSOLE' },
    maxAttempts: 1,
  });
  return DynamoDBDocument.from(client);
}

/** What the simulated provider has of an order. */
export type Charge = {
  status: string;
  amount: number;
  currency: string;
  reference: string | null;
  refundedAmount: number;
  declineCode: string | null;
  createdAt: string;
};

export async function findCharge(documents: DynamoDBDocument, orderId: string): Promise<Charge | null> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: 'charges', Key: { orderId }, ConsistentRead: true }),
  );
  if (Item === undefined) return null;
  const { status, amount, currency, reference = null, refundedAmount = 0, declineCode = null, createdAt } = Item;
  return { status, amount, currency, reference, refundedAmount, declineCode, createdAt };
}

export type WebhookDelivery = Pick<DeliveryItem, 'deliveryId' | 'eventId' | 'type' | 'status' | 'attempts'> & {
  url: string;
  last: string | null;
};

const listEndpoints = async (documents: DynamoDBDocument) => {
  const names = { '#url': 'url' };
  const command = { ProjectionExpression: 'endpointId, #url', ExpressionAttributeNames: names };
  return (await documents.send(new ScanCommand({ TableName: 'webhookEndpoints', ...command }))).Items ?? [];
};

/** What became of events at every webhook endpoint that they went to. */
export async function deliveriesOf(documents: DynamoDBDocument, eventIds: readonly string[]) {
  // The table of deliveries is all that reading them needs.
  const store = { client: documents, deliveries: 'webhookDeliveries' } as unknown as Parameters<
    typeof readDeliveries
  >[0];
  const lists = await Promise.all(
    (await listEndpoints(documents)).map(async ({ endpointId, url }) => {
      const found = await readDeliveries(store, endpointId, eventIds.map(deliveryOf));
      return [...found.values()].map((item) => toDelivery(item, originOf(url)));
    }),
  );
  return lists.flat().toSorted((one, other) => (one.eventId < other.eventId ? -1 : 1));
}

const toDelivery = (
  { deliveryId, eventId, type, status, attempts, last }: DeliveryItem,
  url: string,
): WebhookDelivery => ({
  deliveryId,
  eventId,
  type,
  status,
  attempts,
  url,
  last: last === null ? null : redacted(last.error ?? `answered ${last.status}`),
});

/** The rest of an address may be a secret of its receiver. */
const originOf = (url: unknown): string => URL.parse(String(url))?.origin ?? '';

export type TableView = { name: string; holds: string; items: number; more: boolean };

/** Counting reads every item, and a load test leaves many. */
const mostCounted = 1000;

/** Every table, with how many items it has, up to a thousand. */
export const listTables = (documents: DynamoDBDocument): Promise<TableView[]> =>
  Promise.all(
    Object.entries(tables).map(async ([name, { holds }]) => ({ name, holds, ...(await countItems(documents, name)) })),
  );

/** How many items a table has, up to a thousand. */
export async function countItems(documents: DynamoDBDocument, table: string) {
  const command = new ScanCommand({ TableName: table, Select: 'COUNT', Limit: mostCounted });
  const { Count: items = 0, LastEvaluatedKey } = await documents.send(command);
  return { items, more: LastEvaluatedKey !== undefined };
}

/** The first items of a table. Secrets, hashes and tokens are left out, and what looks like one is cut out. */
export async function readItems(documents: DynamoDBDocument, table: string): Promise<Record<string, string>[]> {
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: table, Limit: 50 }));
  return Items.map((item) =>
    Object.fromEntries(Object.entries(item).map(([name, value]) => [name, isSecret(name) ? '[hidden]' : plain(value)])),
  );
}

/** Attributes whose values may open something, or that are hashes of such. */
const isSecret = (name: string): boolean =>
  /secret|token|hash|password|salt|signature|^url$|^body$|^value$/i.test(name);

const plain = (value: unknown): string =>
  redacted(
    typeof value === 'string' ? value : JSON.stringify(value, (name, inner) => (isSecret(name) ? '[hidden]' : inner)),
  );

export type NewestDelivery = WebhookDelivery & { createdAt: string; aggregateId: string };

/** The newest webhooks of each endpoint. */
export async function newestDeliveries(documents: DynamoDBDocument): Promise<NewestDelivery[]> {
  const store = { client: documents, deliveries: 'webhookDeliveries' } as unknown as Parameters<
    typeof listDeliveries
  >[0];
  const lists = await Promise.all(
    (await listEndpoints(documents)).map(async ({ endpointId, url }) => {
      const found = await listDeliveries(store, String(endpointId), { limit: 50 });
      return found.map((item) => ({
        ...toDelivery(item, originOf(url)),
        createdAt: new Date(item.createdAt).toISOString(),
        aggregateId: item.aggregateId,
      }));
    }),
  );
  return lists.flat().toSorted((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
}
