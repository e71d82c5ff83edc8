import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OrderStatus, orderStatuses } from '../../lib/contract/api/orders.ts';
import type { Sql, TransactionSql } from '../../lib/database/applied.sql.ts';
import { transitions } from '../../lib/shop/orders/transitions.ts';
import { id, type Made, openShop, type Shop } from '../support/shop-by-hand.ts';

let shop: Shop;
let admin: Sql;

beforeAll(async () => {
  shop = await openShop();
  admin = shop.database.connect('rdsadmin', { max: 1 }) as unknown as Sql;
});

afterAll(async () => {
  await admin?.end();
  await shop?.close();
});

beforeEach(() => shop.restock());

describe('status transitions', () => {
  test('the table in the database equals the table in the code', async () => {
    const rows = await shop.sql`select from_status, to_status from orders.status_transitions order by 1, 2`;
    const coded = orderStatuses.flatMap((from) => transitions[from].map((to) => `${from} → ${to}`));
    expect(rows.map((row) => `${row.from_status} → ${row.to_status}`)).toEqual(coded.toSorted());
  });

  const pairs = orderStatuses.flatMap((from) => orderStatuses.map((to) => [from, to] as const));

  test('an order can take the transitions of the table, and no others', async () => {
    let refused = 0;
    for (const [from, to] of pairs.filter(([from, to]) => from !== to)) {
      const attempt = stepTo(from, to);
      if (transitions[from].includes(to)) await expect(attempt, `${from} → ${to}`).resolves.toBe('done');
      else {
        await expect(attempt, `${from} → ${to}`).rejects.toMatchObject({
          constraint_name: 'order_transition',
          code: '23000',
          message: expect.stringMatching(new RegExp(`cannot go from ${from} to ${to}$`)),
        });
        refused++;
      }
    }
    expect(refused).toBe(56 - Object.values(transitions).flat().length);
  });

  test('an order can change and keep its status', async () => {
    for (const status of orderStatuses) await expect(stepTo(status, status)).resolves.toBe('done');
  });

  test.each(orderStatuses.filter((status) => status !== 'pending'))('an order cannot begin as %s', async (status) => {
    await expect(shop.order({ status })).rejects.toMatchObject({ constraint_name: 'order_begins_pending' });
  });

  test('an order cannot have an unknown status', async () => {
    await expect(shop.order({ status: 'lost' as OrderStatus })).rejects.toMatchObject({
      constraint_name: 'order_begins_pending',
    });
    await expect(stepTo('pending', 'lost' as OrderStatus)).rejects.toMatchObject({
      constraint_name: 'order_transition',
    });
    await expect(stepTo('lost' as OrderStatus, 'pending')).rejects.toMatchObject({
      constraint_name: 'order_status_known',
    });
  });
});

describe('confirming', () => {
  test('with its payment captured and its stock committed', async () => {
    const made = await shop.order();
    await confirm(made);
    const [row] = await shop.sql`select status from orders.orders where id = ${made.id}`;
    expect(row).toEqual({ status: 'confirmed' });
  });

  test.each<[string, Parameters<typeof confirm>[1], string]>([
    ['without a payment', { payment: null }, 'confirmed_order_is_paid'],
    ['with a payment of less than its total', { payment: { amount: 1999 } }, 'confirmed_order_is_paid'],
    ['with a payment of more than its total', { payment: { amount: 2001 } }, 'confirmed_order_is_paid'],
    ['with a payment in another currency', { payment: { currency: 'USD' } }, 'confirmed_order_is_paid'],
    ['with a payment that was refunded', { payment: { status: 'refunded' } }, 'confirmed_order_is_paid'],
    ['without a reservation', { reservation: null }, 'confirmed_order_has_stock'],
    ['with a reservation that is only held', { reservation: { state: 'held' } }, 'confirmed_order_has_stock'],
    ['with a reservation that was released', { reservation: { state: 'released' } }, 'confirmed_order_has_stock'],
    ['with a reservation of less', { reservation: { quantity: 1 } }, 'confirmed_order_has_stock'],
  ])('%s is refused', async (_situation, parts, constraint) => {
    const made = await shop.order();
    await expect(confirm(made, parts)).rejects.toMatchObject({ constraint_name: constraint, code: '23000' });
    const [row] = await shop.sql`select status from orders.orders where id = ${made.id}`;
    expect(row).toEqual({ status: 'pending' });
  });

  test('each product of the order needs its own reservation', async () => {
    const products = [shop.productId, await shop.insertProduct()];
    const two = () => shop.order({ lines: 2, products, subtotal: 4000, total: 4000 });
    await expect(confirm(await two())).rejects.toMatchObject({ constraint_name: 'confirmed_order_has_stock' });
    const made = await two();
    await shop.reserve(shop.sql, made, { productId: products[1]! });
    await confirm(made);
  });

  test('an order that was abandoned, or that has a failure, is refused', async () => {
    const made = await shop.order();
    for (const change of [
      'confirmed_at = now(), abandoned_at = now()',
      "confirmed_at = now(), failure_code = 'x', failure_detail = 'x'",
      'confirmed_at = null',
    ]) {
      await expect(confirm(made, { change })).rejects.toMatchObject({ constraint_name: 'confirmed_order_is_complete' });
    }
  });
});

describe('ending otherwise', () => {
  const ends = [
    ['failed', ['failed']],
    ['cancelled', ['cancelling', 'cancelled']],
  ] as const;

  describe.each(ends)('as %s', (_end, way) => {
    test('with nothing kept', async () => {
      const made = await shop.order();
      await expect(end(made.id, way)).resolves.toBe('done');
    });

    test('with the payment refunded and the stock given back', async () => {
      const made = await shop.order();
      await expect(
        end(made.id, way, async (tx) => {
          await shop.pay(tx, made, { status: 'refunded' });
          await shop.reserve(tx, made, { state: 'released' });
        }),
      ).resolves.toBe('done');
    });

    test('while the payment is kept is refused', async () => {
      const made = await shop.order();
      await expect(end(made.id, way, (tx) => shop.pay(tx, made))).rejects.toMatchObject({
        constraint_name: 'compensated_order_is_refunded',
      });
    });

    test.each(['held', 'committed'])('while stock is %s is refused', async (state) => {
      const made = await shop.order();
      await expect(end(made.id, way, (tx) => shop.reserve(tx, made, { state }))).rejects.toMatchObject({
        constraint_name: 'compensated_order_gave_stock_back',
      });
    });
  });

  test('a failed order and one in manual review have a failure', async () => {
    for (const status of ['failed', 'needs_attention']) {
      const made = await shop.order();
      await expect(shop.sql`update orders.orders set status = ${status} where id = ${made.id}`).rejects.toMatchObject({
        constraint_name: 'failed_order_says_why',
      });
    }
    const made = await shop.order();
    await expect(shop.sql`update orders.orders set failure_code = 'x' where id = ${made.id}`).rejects.toMatchObject({
      constraint_name: 'failure_has_code_and_detail',
    });
  });
});

describe('what an order adds up to', () => {
  test.each<[string, Parameters<Shop['order']>[0], string]>([
    ['a total that is not subtotal minus discount', { total: 1999 }, 'order_totals_add_up'],
    ['a discount above the subtotal', { discount: 2001, reason: 'x', total: -1 }, 'discount_within_subtotal'],
    ['a negative discount', { discount: -1, reason: 'x', total: 2001 }, 'discount_within_subtotal'],
    ['a discount without a reason', { discount: 100, total: 1900 }, 'discount_has_its_reason'],
    ['a reason without a discount', { reason: 'x' }, 'discount_has_its_reason'],
    ['a subtotal that is not the sum of the lines', { subtotal: 2100, total: 2100 }, 'order_adds_up'],
    ['a discount that is not the sum of the lines’', { discount: 100, reason: 'x', total: 1900 }, 'order_adds_up'],
    ['a line’s discount that the order has not', { lineDiscount: 1 }, 'order_adds_up'],
    ['no lines', { lines: 0 }, 'order_adds_up'],
    ['a line that is not price times quantity', { lineTotal: 1999 }, 'line_total_adds_up'],
    ['a line of nothing', { quantity: 0, lineTotal: 0 }, 'lines_quantity_check'],
    ['a line of more than 999', { quantity: 1000, lineTotal: 1_000_000 }, 'lines_quantity_check'],
    ['a 51st line', { position: 51 }, 'lines_position_check'],
  ])('%s is refused', async (_situation, parts, constraint) => {
    await expect(shop.order(parts)).rejects.toMatchObject({ constraint_name: constraint });
  });

  test('a line that is added after the order was placed is refused, and so is a line of an unknown order', async () => {
    const made = await shop.order();
    const late = { ...made, position: 2, productId: await shop.insertProduct() };
    await expect(shop.insertLine(shop.sql, late)).rejects.toMatchObject({ constraint_name: 'order_adds_up' });
    await expect(shop.insertLine(shop.sql, { ...late, id: id('order') })).rejects.toMatchObject({
      constraint_name: 'lines_order_id_fkey',
    });
  });

  test('an order whose lines are deleted in the transaction that adds them is refused', async () => {
    const made = await shop.order();
    const late = { ...made, position: 2, productId: await shop.insertProduct() };
    await expect(
      shop.sql.begin(async (tx) => {
        await shop.insertLine(tx, late);
        await tx`delete from orders.lines where order_id = ${made.id}`;
      }),
    ).rejects.toMatchObject({ constraint_name: 'order_adds_up' });
  });

  test('the same product on two lines is refused', async () => {
    await expect(shop.order({ lines: 2, subtotal: 4000, total: 4000 })).rejects.toMatchObject({
      constraint_name: 'lines_product_id_order_id_key',
    });
  });
});

/** Confirms in one transaction, without or with other parts than usual. */
const confirm = (
  made: Made,
  parts: {
    payment?: Parameters<Shop['pay']>[2] | null;
    reservation?: Parameters<Shop['reserve']>[2] | null;
    change?: string;
  } = {},
) =>
  shop.sql.begin(async (tx) => {
    if (parts.payment !== null) await shop.pay(tx, made, parts.payment);
    if (parts.reservation !== null) await shop.reserve(tx, made, parts.reservation);
    await tx`update orders.orders set status = 'reserved' where id = ${made.id}`;
    await tx`
      update orders.orders set status = 'confirmed', ${tx.unsafe(parts.change ?? 'confirmed_at = now()')}
      where id = ${made.id}`;
  });

const end = async (
  orderId: string,
  way: readonly OrderStatus[],
  before: (tx: TransactionSql) => Promise<unknown> = () => Promise.resolve(),
): Promise<'done'> => {
  await shop.sql.begin(async (tx) => {
    await before(tx);
    for (const status of way) {
      await tx`
        update orders.orders set status = ${status},
          failure_code = ${status === 'failed' ? 'x' : null}, failure_detail = ${status === 'failed' ? 'x' : null}
        where id = ${orderId}`;
    }
  });
  return 'done';
};

/** Tries one transition of an order that is put into `from` without triggers, and rolls everything back. */
async function stepTo(from: OrderStatus, to: OrderStatus): Promise<'done'> {
  const orderId = id('order');
  const whole = (status: OrderStatus) => ({
    failure: status === 'failed' || status === 'needs_attention' ? 'x' : null,
    confirmedAt: status === 'confirmed' ? new Date() : null,
    action: status === 'pending_payment' ? '{}' : null,
  });
  return await admin
    .begin(async (tx) => {
      await tx`set local session_replication_role = 'replica'`;
      await tx`
        insert into orders.orders (
          id, customer_id, status, currency, subtotal, discount_amount, total, payment_method, failure_code,
          failure_detail, confirmed_at, payment_action, created_at, updated_at
        ) values (
          ${orderId}, ${shop.customerId}, ${from}, 'EUR', 0, 0, 0, 'pm', ${whole(from).failure}, ${whole(from).failure},
          ${whole(from).confirmedAt}, ${whole(from).action}::text::jsonb, now(), now()
        )`;
      await tx`set local session_replication_role = 'origin'`;
      await tx`
        update orders.orders set status = ${to}, failure_code = ${whole(to).failure},
          failure_detail = ${whole(to).failure}, confirmed_at = ${whole(to).confirmedAt},
          payment_action = coalesce(${whole(to).action}::text::jsonb, payment_action)
        where id = ${orderId}`;
      throw new TakeBack();
    })
    .catch((error) => {
      if (error instanceof TakeBack) return 'done' as const;
      throw error;
    });
}

class TakeBack extends Error {}
