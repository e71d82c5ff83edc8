import { type DocumentClient, isConditionFailed } from '../../database/document-client.dynamo.ts';
import { OutcomeUnknown } from '../../kernel/errors.ts';
import type { DeclineCode } from './gateway.ts';

type Common = { orderId: string; amount: number; currency: string; createdAt: string };
/** With `expiresAt` the charge is only authorized until then, and captured later. */
type Charged = Common & { paymentMethod: string; reference: string; expiresAt?: string };
/**
 * What was captured, absent for the whole; and what of that was refunded so far, absent where nothing was. Times are RFC 3339.
 */
type Refunded = { capturedAmount?: number; refundedAmount?: number; refundReference?: string; refundedAt?: string };

/**
 * One item an order, never deleted. Each partial refund has an attribute of its own, named by `partName`, so that one
 * update writes it together with the sum.
 */
export type Item =
  | (Charged & { status: 'requires_action' | 'silent' })
  | (Charged & { status: 'authorized'; expiresAt: string })
  | (Charged & Refunded & { status: 'captured' })
  | (Charged & { status: 'declined'; declineCode: DeclineCode })
  | (Charged & Refunded & { status: 'refunded'; refundReference: string })
  | (Common & { status: 'voided'; paymentMethod?: string; reference?: string });

export type Part = { reference: string; amount: number; at: string };

export const partName = (refundId: string): string => `part#${refundId}`;

export const partOf = (item: Item, refundId: string): Part | undefined =>
  (item as unknown as Record<string, Part | undefined>)[partName(refundId)];

/** How much of a charge was taken, or is held. */
export const takenOf = (item: Item): number =>
  item.status === 'captured' || item.status === 'refunded' ? (item.capturedAmount ?? item.amount) : item.amount;

/** How much of a charge was refunded. */
export function refundedAmountOf(item: Item): number {
  if (item.status === 'refunded') return takenOf(item);
  return item.status === 'captured' ? (item.refundedAmount ?? 0) : 0;
}

export type StoreOptions = {
  client: DocumentClient;
  /** Table with the partition key `orderId`: one item an order, never deleted. */
  table: string;
  /** How many items a page of the transactions reads; as many as DynamoDB returns when absent. */
  pageSize?: number;
};

export type ItemStore = ReturnType<typeof itemStore>;

/**
 * The simulated provider's table. Every write is one conditional request and returns whether it was made.
 * @throws OutcomeUnknown from each when DynamoDB does not answer
 */
export function itemStore({ client, table, pageSize }: StoreOptions) {
  return {
    /** Writes the item of an order that has none. */
    insert: (item: Item): Promise<boolean> =>
      conditionally(client.put({ TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(orderId)' })),
    async find(orderId: string): Promise<Item | undefined> {
      const found = client.get({ TableName: table, Key: { orderId }, ConsistentRead: true });
      return (await found.catch(asOutcomeUnknown)).Item as Item | undefined;
    },
    /** Ends the wait for the customer. */
    leaveAction(orderId: string, status: 'authorized' | 'captured' | 'declined' | 'voided', declineCode?: DeclineCode) {
      const [more, values] =
        declineCode === undefined ? ['', {}] : [', declineCode = :declineCode', { ':declineCode': declineCode }];
      return update(orderId, {
        UpdateExpression: `set #status = :status${more}`,
        ConditionExpression: '#status = :waiting',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': status, ':waiting': 'requires_action', ...values },
      });
    },
    /** Ends an authorization: with the capture of a part, if `captured` says of which. */
    leaveAuthorization(orderId: string, status: 'captured' | 'voided', captured?: number) {
      const [more, values] =
        captured === undefined ? ['', {}] : [', capturedAmount = :captured', { ':captured': captured }];
      return update(orderId, {
        UpdateExpression: `set #status = :status${more}`,
        ConditionExpression: '#status = :authorized',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': status, ':authorized': 'authorized', ...values },
      });
    },
    /** Refunds what is left of a captured charge, of which `seen` was refunded when it was read. */
    refundRest: (item: Item, seen: number, refundReference: string, at: string) =>
      update(item.orderId, {
        UpdateExpression:
          'set #status = :refunded, refundReference = :reference, refundedAmount = :all, refundedAt = :at',
        ConditionExpression: '#status = :captured and (attribute_not_exists(refundedAmount) or refundedAmount = :seen)',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: {
          ':captured': 'captured',
          ':refunded': 'refunded',
          ':reference': refundReference,
          ':all': takenOf(item),
          ':seen': seen,
          ':at': at,
        },
      }),
    /** Refunds a part of a captured charge, if it was not refunded before and that much is left. */
    refundPart: (item: Item, refundId: string, part: Part) =>
      update(item.orderId, {
        UpdateExpression:
          'set #part = :part, refundedAmount = if_not_exists(refundedAmount, :none) + :amount, refundReference = :reference, refundedAt = :at',
        ConditionExpression:
          '#status = :captured and attribute_not_exists(#part) and (attribute_not_exists(refundedAmount) or refundedAmount <= :most)',
        ExpressionAttributeNames: { '#status': 'status', '#part': partName(refundId) },
        ExpressionAttributeValues: {
          ':captured': 'captured',
          ':part': part,
          ':none': 0,
          ':amount': part.amount,
          // What was taken never changes, so the amount that was read is still true.
          ':most': takenOf(item) - part.amount,
          ':reference': part.reference,
          ':at': part.at,
        },
      }),
    /** A page of all items whose `attribute`, an RFC 3339 time, lies between two. */
    async scan(attribute: 'createdAt' | 'refundedAt', from: string, to: string, cursor: string | undefined) {
      const page = await client
        .scan({
          TableName: table,
          ConsistentRead: true,
          Limit: pageSize,
          FilterExpression: '#at >= :from and #at < :to',
          ExpressionAttributeNames: { '#at': attribute },
          ExpressionAttributeValues: { ':from': from, ':to': to },
          ...(cursor === undefined ? {} : { ExclusiveStartKey: { orderId: cursor } }),
        })
        .catch(asOutcomeUnknown);
      return {
        items: (page.Items ?? []) as Item[],
        cursor: page.LastEvaluatedKey?.orderId as string | undefined,
      };
    },
  };

  function update(orderId: string, expressions: object): Promise<boolean> {
    return conditionally(client.update({ TableName: table, Key: { orderId }, ...expressions }));
  }
}

const conditionally = (write: Promise<unknown>): Promise<boolean> =>
  write.then(
    () => true,
    (error: unknown) => (isConditionFailed(error) ? false : asOutcomeUnknown(error)),
  );

/** Only what DynamoDB blames on the caller is certain not to have happened. */
function asOutcomeUnknown(error: unknown): never {
  if (error instanceof Error && '$fault' in error && error.$fault === 'client') throw error;
  throw new OutcomeUnknown('the simulated provider did not answer', { cause: error });
}
