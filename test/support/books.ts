import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Sql } from 'postgres';

/** What the simulated provider has of an order. */
export type ProviderCharge = { orderId: string; status: string; amount: number };

/** Only these products and orders, where not everything there is. */
export type Scope = { productIds: readonly string[]; orderIds: readonly string[] };

/**
 * The four invariants of the product, and that the provider's books agree with the orders', asked in queries that share
 * nothing with the product's own.
 * @param sql a role that may read everything, with columns in camel case
 * @returns a sentence for each that is broken
 */
export async function brokenInvariants(sql: Sql, charges: readonly ProviderCharge[], scope?: Scope): Promise<string[]> {
  return [...(await brokenLevels(sql, scope)), ...(await brokenOrders(sql, charges, scope))];
}

async function brokenLevels(sql: Sql, scope: Scope | undefined): Promise<string[]> {
  if (scope?.productIds.length === 0) return [];
  const levels = await sql`
    select l.product_id, l.on_hand, l.reserved,
      (select sum(quantity)::integer from stock.movements m where m.product_id = l.product_id) as ledger,
      (select sum(reserved)::integer from stock.movements m where m.product_id = l.product_id) as held,
      (
        select coalesce(sum(quantity), 0)::integer from stock.reservations r
        where r.product_id = l.product_id and r.state = 'held'
      ) as reservations
    from stock.levels l
    ${scope === undefined ? sql`` : sql`where l.product_id in ${sql([...scope.productIds])}`}`;
  return levels.flatMap(({ productId, onHand, reserved, ledger, held, reservations }) =>
    sentences(`product ${productId}`, [
      [reserved >= 0, `has ${reserved} reserved, less than none`],
      [reserved <= onHand, `has ${reserved} reserved of ${onHand}: it is oversold`],
      [ledger === onHand, `has ${onHand} on hand, its ledger sums to ${ledger}`],
      [held === reserved, `has ${reserved} reserved, its ledger sums to ${held}`],
      [reservations === reserved, `has ${reserved} reserved, its reservations sum to ${reservations}`],
    ]),
  );
}

async function brokenOrders(sql: Sql, charges: readonly ProviderCharge[], scope: Scope | undefined): Promise<string[]> {
  if (scope?.orderIds.length === 0) return [];
  const kept = new Map(
    charges.filter(({ status }) => status === 'captured').map(({ orderId, amount }) => [orderId, amount]),
  );
  const orders = await sql`
    select o.id, o.status, o.total,
      (select count(*)::integer from payments.payments p where p.order_id = o.id and p.status = 'captured') as paid,
      (select count(*)::integer from stock.reservations r where r.order_id = o.id and r.state = 'held') as held,
      (select count(*)::integer from stock.reservations r where r.order_id = o.id and r.state = 'committed') as committed,
      (
        select count(*)::integer from orders.lines l
        where l.order_id = o.id and not exists (
          select from stock.reservations r
          where r.order_id = o.id and r.product_id = l.product_id and r.state = 'committed' and r.quantity = l.quantity
        )
      ) as uncommitted
    from orders.orders o
    ${scope === undefined ? sql`` : sql`where o.id in ${sql([...scope.orderIds])}`}`;
  const known = new Set(orders.map(({ id }) => id));
  const orphans = [...kept.keys()].filter((orderId) => !known.has(orderId));
  return [
    ...orphans.map((orderId) => `the provider keeps a charge for ${orderId}, which is no order`),
    ...orders.flatMap((order) =>
      sentences(`order ${order.id} (${order.status})`, expectations(order as never, kept.get(order.id))),
    ),
  ];
}

type OrderBooks = {
  status: string;
  total: number;
  paid: number;
  held: number;
  committed: number;
  uncommitted: number;
};

function expectations(order: OrderBooks, kept: number | undefined): [boolean, string][] {
  switch (order.status) {
    case 'confirmed':
      return [
        [order.paid === 1, `has ${order.paid} payments`],
        [order.uncommitted === 0, `has ${order.uncommitted} lines whose stock is not committed`],
        [
          order.total === 0 || kept === order.total,
          `has a total of ${order.total}; the provider keeps ${kept ?? 'nothing'}`,
        ],
      ];
    case 'failed':
    case 'cancelled':
      return [
        [order.paid === 0, `keeps ${order.paid} payments`],
        [kept === undefined, `keeps ${kept} at the provider`],
        [order.held === 0 && order.committed === 0, 'keeps stock'],
      ];
    case 'needs_attention':
      return [];
    default:
      return [[false, 'has not ended']];
  }
}

const sentences = (what: string, checks: [boolean, string][]): string[] =>
  checks.filter(([holds]) => !holds).map(([, sentence]) => `${what} ${sentence}`);

/** Everything that the simulated provider has, page by page. */
export async function allCharges(documents: DynamoDBDocumentClient): Promise<ProviderCharge[]> {
  const found: ProviderCharge[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await documents.send(new ScanCommand({ TableName: 'charges', ExclusiveStartKey: from }));
    found.push(...((page.Items ?? []) as ProviderCharge[]));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return found;
}
