import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import type { Saga } from './saga.ts';

/**
 * The four invariants of the product, and that the provider's books agree with the orders', asked in queries that share
 * nothing with the product's own.
 */
export async function expectInvariants({ owner, dynamo }: Pick<Saga, 'owner' | 'dynamo'>): Promise<void> {
  const levels = await owner`
    select l.product_id, l.on_hand, l.reserved,
      (select sum(quantity)::integer from stock.movements m where m.product_id = l.product_id) as ledger,
      (select sum(reserved)::integer from stock.movements m where m.product_id = l.product_id) as held,
      (
        select coalesce(sum(quantity), 0)::integer from stock.reservations r
        where r.product_id = l.product_id and r.state = 'held'
      ) as reservations
    from stock.levels l`;
  for (const level of levels) {
    expect(level.reserved, 'reserved is not negative').toBeGreaterThanOrEqual(0);
    expect(level.reserved, 'reserved is not above what is on hand').toBeLessThanOrEqual(level.onHand);
    expect(level.ledger, 'the ledger sums to what is on hand').toBe(level.onHand);
    expect(level.held, 'the ledger sums to what is reserved').toBe(level.reserved);
    expect(level.reservations, 'reservations sum to what is reserved').toBe(level.reserved);
  }

  const charges = (await dynamo.documents.send(new ScanCommand({ TableName: 'charges' }))).Items ?? [];
  const kept = new Map(
    charges.filter(({ status }) => status === 'captured').map((item) => [item.orderId, item.amount]),
  );
  const orders = await owner`
    select o.id, o.status, o.total,
      (select count(*)::integer from payments.payments p where p.order_id = o.id and p.status = 'captured') as paid,
      (
        select count(*)::integer from orders.lines l
        where l.order_id = o.id and not exists (
          select from stock.reservations r
          where r.order_id = o.id and r.product_id = l.product_id and r.state = 'committed' and r.quantity = l.quantity
        )
      ) as uncommitted
    from orders.orders o`;
  for (const order of orders) {
    const name = `order ${order.id} (${order.status})`;
    expect(['confirmed', 'failed', 'cancelled', 'needs_attention'], `${name} has ended`).toContain(order.status);
    if (order.status === 'confirmed') {
      expect(order.paid, `${name} has one payment`).toBe(1);
      expect(order.uncommitted, `${name} has its stock committed`).toBe(0);
      if (order.total > 0) expect(kept.get(order.id), `${name} is charged its total`).toBe(order.total);
    } else if (order.status !== 'needs_attention') {
      expect(order.paid, `${name} keeps no payment`).toBe(0);
      expect(kept.has(order.id), `${name} keeps no money at the provider`).toBe(false);
    }
  }
}
