import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type DeliveryItem, deliveryOf, readDeliveries } from '../../../lib/events/webhooks/deliveries.dynamo.ts';
import { redacted } from '../../../lib/kernel/redact.ts';

/** A client of the local DynamoDB that does not wait for it. */
export function openDocuments(endpoint: string): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'CONSOLE', secretAccessKey: 'CONSOLE' },
    maxAttempts: 1,
  });
  return DynamoDBDocumentClient.from(client);
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

export async function findCharge(documents: DynamoDBDocumentClient, orderId: string): Promise<Charge | null> {
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

/** What became of events at every webhook endpoint that they went to. */
export async function deliveriesOf(documents: DynamoDBDocumentClient, eventIds: readonly string[]) {
  const { Items: endpoints = [] } = await documents.send(
    new ScanCommand({
      TableName: 'webhookEndpoints',
      ProjectionExpression: 'endpointId, #url',
      ExpressionAttributeNames: { '#url': 'url' },
    }),
  );
  // The table of deliveries is all that reading them needs.
  const store = { client: documents, deliveries: 'webhookDeliveries' } as Parameters<typeof readDeliveries>[0];
  const lists = await Promise.all(
    endpoints.map(async ({ endpointId, url }) => {
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
