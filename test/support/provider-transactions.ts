import type { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Sql } from 'postgres';
import { breachesOfOrder, failing, type Kept, readOrders } from './order-balances.ts';

/** What the simulated provider has of an order. */
export type ProviderCharge = {
  orderId: string;
  status: string;
  amount: number;
  capturedAmount?: number;
  refundedAmount?: number;
};

/** Only these products and orders, where not everything there is. */
export type Scope = { productIds: readonly string[]; orderIds: readonly string[] };

/**
 * The invariants of the product, and that the provider's transactions, the stock ledger, the timeline and the outbox agree
 * with the orders, asked in queries that share nothing with the product's own.
 * @param sql a role that may read everything, with columns in camel case
 * @returns a sentence for each that is broken
 */
export async function brokenInvariants(sql: Sql, charges: readonly ProviderCharge[], scope?: Scope): Promise<string[]> {
  const levels = scope?.productIds.length === 0 ? [] : await readLevels(sql, scope?.productIds);
  const orders = scope?.orderIds.length === 0 ? [] : await readOrders(sql, scope?.orderIds);
  const kept = new Map(charges.map((charge) => [charge.orderId, keptOf(charge)]));
  const states = new Map(charges.map(({ orderId, status }) => [orderId, status]));
  const known = new Set(orders.map(({ id }) => id));
  const coupons = await readCoupons(sql);
  const orphans = [...kept].filter(([orderId, amount]) => !known.has(orderId) && amount !== 0);
  return [
    ...levels.flatMap(breachesOfLevel),
    ...orders.flatMap((order) => breachesOfOrder(order, kept.get(order.id))),
    ...coupons.flatMap(breachesOfCoupon),
    ...orders.flatMap(({ id, payments }) =>
      payments
        .filter(({ status }) => status === 'captured' && states.get(id) === 'authorized')
        .map(() => `order ${id}: its payment is captured, and the provider only holds it`),
    ),
    ...orphans.map(([orderId]) => `the provider keeps a charge for ${orderId}, which is no order`),
  ];
}

type Level = Record<'onHand' | 'reserved' | 'ledger' | 'held' | 'holding' | 'bought' | 'sold', number> & { id: string };

async function readLevels(sql: Sql, productIds?: readonly string[]): Promise<Level[]> {
  return sql<Level[]>`
    select l.product_id as id, l.on_hand, l.reserved,
      (select coalesce(sum(quantity), 0)::integer from stock.movements m where m.product_id = l.product_id) as ledger,
      (select coalesce(sum(reserved), 0)::integer from stock.movements m where m.product_id = l.product_id) as held,
      (
        select coalesce(sum(quantity), 0)::integer from stock.movements m
        where m.product_id = l.product_id and m.kind in ('adjustment', 'restock', 'write_off')
      ) as bought,
      (
        select coalesce(sum(quantity), 0)::integer from stock.reservations r
        where r.product_id = l.product_id and r.state = 'held'
      ) as holding,
      (
        select coalesce(sum(quantity), 0)::integer from stock.reservations r
        where r.product_id = l.product_id and r.state = 'committed'
      ) as sold
    from stock.levels l
    ${productIds === undefined ? sql`` : sql`where l.product_id in ${sql([...productIds])}`}`;
}

function breachesOfLevel({ id, onHand, reserved, ledger, held, bought, holding, sold }: Level): string[] {
  return failing(`product ${id}`, [
    [reserved >= 0 && reserved <= onHand, `${reserved} of ${onHand} are reserved`],
    [ledger === onHand, `the ledger sums to ${ledger}, on hand are ${onHand}`],
    [held === reserved, `the ledger sums to ${held} reserved, the level says ${reserved}`],
    [holding === reserved, `reservations hold ${holding}, the level says ${reserved}`],
    [bought - sold === onHand, `${bought} came in and ${sold} were sold, but ${onHand} are on hand`],
  ]);
}

type Coupon = { code: string; used: number; most: number | null; orders: number; counted: number; ofCustomers: number };

/** Each coupon, with the orders that name it and have neither failed nor been cancelled. Archived ones count as used. */
async function readCoupons(sql: Sql): Promise<Coupon[]> {
  return sql<Coupon[]>`
    select c.code, c.used, c.usage_limit as most,
      (
        select count(*)::integer from orders.orders o
        where o.coupon_code = c.code and o.status not in ('failed', 'cancelled')
      ) as orders,
      (
        select count(*)::integer from pricing.coupon_uses u join orders.orders o on o.id = u.order_id where u.code = c.code
      ) as counted,
      (select coalesce(sum(k.uses), 0)::integer from pricing.coupon_customers k where k.code = c.code) as of_customers
    from pricing.coupons c`;
}

function breachesOfCoupon({ code, used, most, orders, counted, ofCustomers }: Coupon): string[] {
  return failing(`coupon ${code}`, [
    [most === null || used <= most, `is used ${used} times, above its limit of ${most}`],
    [orders === counted, `${orders} orders use it, and ${counted} are counted`],
    [
      used >= counted && used >= ofCustomers,
      `is used ${used} times, ${counted} by orders and ${ofCustomers} by customers`,
    ],
  ]);
}

function keptOf({ status, amount, capturedAmount = amount, refundedAmount = 0 }: ProviderCharge): Kept {
  if (status === 'silent') return 'unknown';
  return status === 'captured' || status === 'authorized' ? capturedAmount - refundedAmount : 0;
}

/** Everything that the simulated provider has, page by page. */
export async function allCharges(documents: DynamoDBDocument): Promise<ProviderCharge[]> {
  const found: ProviderCharge[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await documents.send(new ScanCommand({ TableName: 'charges', ExclusiveStartKey: from }));
    found.push(...((page.Items ?? []) as ProviderCharge[]));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return found;
}
