import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitingForLocks } from '../support/locks.ts';
import { id, type Movement, openShop, type Shop } from '../support/shop-by-hand.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(async () => {
  await shop?.close();
});

beforeEach(() => shop.restock());

describe('stock', () => {
  test('the level is the sum of the ledger', async () => {
    const orderId = id('order');
    await shop.move({ kind: 'reservation', reserved: 4, orderId });
    expect(await shop.level()).toEqual({ on_hand: 10, reserved: 4 });
    await shop.move({ kind: 'commitment', quantity: -3, reserved: -3, orderId });
    await shop.move({ kind: 'release', reserved: -1, orderId });
    await shop.move({ kind: 'return', quantity: 2, orderId });
    expect(await shop.level()).toEqual({ on_hand: 9, reserved: 0 });
  });

  test.each<[string, Movement[], string]>([
    ['reserving more than is there', [{ kind: 'reservation', reserved: 11, orderId: id('order') }], 'never_oversold'],
    ['taking out more than is there', [{ kind: 'adjustment', quantity: -11 }], 'levels_on_hand_check'],
    [
      'taking out what is reserved',
      [
        { kind: 'reservation', reserved: 4, orderId: id('order') },
        { kind: 'adjustment', quantity: -7 },
      ],
      'never_oversold',
    ],
    ['releasing what is not reserved', [{ kind: 'release', reserved: -1, orderId: id('order') }], 'never_oversold'],
    ['having more than a thousand million', [{ kind: 'adjustment', quantity: 1_000_000_000 }], 'levels_on_hand_check'],
  ])('%s is refused', async (_situation, movements, constraint) => {
    for (const movement of movements.slice(0, -1)) await shop.move(movement);
    const before = await shop.level();
    await expect(shop.move(movements.at(-1)!)).rejects.toMatchObject({ constraint_name: constraint, code: '23514' });
    expect(await shop.level()).toEqual(before);
  });

  test('a product without stock cannot be reserved', async () => {
    const bare = await shop.insertProduct();
    await expect(
      shop.move({ kind: 'reservation', reserved: 1, orderId: id('order'), productId: bare }),
    ).rejects.toMatchObject({ constraint_name: 'never_oversold' });
  });

  test.each<[string, Movement]>([
    ['an adjustment of nothing', { kind: 'adjustment', quantity: 0 }],
    ['an adjustment for an order', { kind: 'adjustment', quantity: 1, orderId: id('order') }],
    ['an adjustment of what is reserved', { kind: 'adjustment', quantity: 1, reserved: 1 }],
    ['a reservation without an order', { kind: 'reservation', reserved: 1 }],
    ['a reservation that takes out', { kind: 'reservation', quantity: -1, reserved: 1, orderId: id('order') }],
    ['a reservation below nothing', { kind: 'reservation', reserved: -1, orderId: id('order') }],
    ['a release that adds', { kind: 'release', reserved: 1, orderId: id('order') }],
    ['a commitment that keeps its reservation', { kind: 'commitment', quantity: -1, orderId: id('order') }],
    ['a commitment that puts in', { kind: 'commitment', quantity: 1, reserved: 1, orderId: id('order') }],
    ['a return that takes out', { kind: 'return', quantity: -1, orderId: id('order') }],
    ['a kind that is unknown', { kind: 'theft', quantity: -1 }],
  ])('%s is refused', async (_situation, movement) => {
    await expect(shop.move(movement)).rejects.toMatchObject({ constraint_name: 'movement_matches_kind' });
  });

  test.each([
    ['reservation', { reserved: 1 }],
    ['commitment', { quantity: -1, reserved: -1 }],
  ])('a %s of an order cannot happen twice', async (kind, amounts) => {
    const orderId = id('order');
    await shop.move({ kind: 'reservation', reserved: 5, orderId });
    if (kind !== 'reservation') await shop.move({ kind, ...amounts, orderId });
    await expect(shop.move({ kind, ...amounts, orderId })).rejects.toMatchObject({ constraint_name: 'movement_once' });
  });

  test('of forty concurrent buyers of ten units, ten get one each', async () => {
    const pool = shop.database.connect('saga', { max: 8 });
    try {
      const bought = await Promise.allSettled(
        Array.from({ length: 40 }, () =>
          shop.move({ kind: 'reservation', reserved: 1, orderId: id('order') }, pool as never),
        ),
      );
      expect(bought.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
      expect(await shop.level()).toEqual({ on_hand: 10, reserved: 10 });
    } finally {
      await pool.end();
    }
  });

  test('two concurrent first deliveries of a product both count', async () => {
    const productId = await shop.insertProduct();
    const deliver = (quantity: number, by = shop.sql) => shop.move({ kind: 'adjustment', quantity, productId }, by);
    let second: Promise<unknown> | undefined;
    await shop.sql.begin(async (tx) => {
      await deliver(3, tx as never);
      second = Promise.allSettled([deliver(4)]);
      await expect.poll(() => waitingForLocks(shop.sql), { interval: 5 }).toBeGreaterThan(0);
    });
    expect(await second).toMatchObject([{ status: 'fulfilled' }]);
    const [row] = await shop.sql`select on_hand from stock.levels where product_id = ${productId}`;
    expect(row?.on_hand).toBe(7);
  });

  test('a movement names its cancellation if it is one', async () => {
    const movement = { kind: 'cancellation', quantity: 1, orderId: id('order') };
    await expect(shop.move(movement)).rejects.toMatchObject({ constraint_name: 'cancellation_is_named' });
  });

  test('what an order has taken becomes less, and never more', async () => {
    const made = await shop.order();
    await shop.reserve(shop.sql, made, { quantity: 2 });
    const change = (quantity: number) =>
      shop.sql`update stock.reservations set quantity = ${quantity} where order_id = ${made.id}`;
    await change(1);
    await expect(change(2)).rejects.toMatchObject({ constraint_name: 'reservation_never_grows' });
  });

  test('a level stays with its product', async () => {
    const other = await shop.insertProduct();
    await expect(
      shop.sql`update stock.levels set product_id = ${other} where product_id = ${shop.productId}`,
    ).rejects.toMatchObject({ constraint_name: 'level_keeps_its_product' });
  });
});

describe('at most once', () => {
  test("an order has one payment, and a provider's charge pays one order", async () => {
    const [first, second] = [await shop.order(), await shop.order()];
    await shop.pay(shop.sql, first, { reference: 'ch_1' });
    await expect(shop.pay(shop.sql, first, { reference: 'ch_2' })).rejects.toMatchObject({
      constraint_name: 'payments_order_id_key',
    });
    await expect(shop.pay(shop.sql, second, { reference: 'ch_1' })).rejects.toMatchObject({
      constraint_name: 'payments_provider_reference_key',
    });
  });

  test('a refund has its time', async () => {
    const made = await shop.order();
    await shop.pay(shop.sql, made);
    await expect(
      shop.sql`update payments.payments set status = 'refunded' where order_id = ${made.id}`,
    ).rejects.toMatchObject({ constraint_name: 'refund_has_its_time' });
  });

  test('an event is stored once for each occurrence', async () => {
    const subject = id('order');
    let sequence = 1;
    const tell = (occurrence = 1) => shop.sql`
      insert into outbox.events (
        id, type, schema_version, subject, aggregate_id, sequence, occurrence, data, occurred_at
      ) values (${id('event')}, 'order.in_review', 1, ${subject}, ${subject}, ${sequence++}, ${occurrence}, '{}', now())`;
    await tell();
    await expect(tell()).rejects.toMatchObject({ constraint_name: 'events_once_each' });
    await tell(2);
  });

  test('an e-mail is in lower case and belongs to one customer', async () => {
    const signUp = (email: string) => shop.sql`
      insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
      values (${id('customer')}, ${email}, 'X', 'x', now(), now())`;
    await expect(signUp('ada@example.com')).rejects.toMatchObject({ constraint_name: 'customers_email_key' });
    await expect(signUp('Bob@example.com')).rejects.toMatchObject({ constraint_name: 'customers_email_check' });
  });

  test('a SKU names one product', async () => {
    await shop.insertProduct('SKU-1');
    await expect(shop.insertProduct('SKU-1')).rejects.toMatchObject({ constraint_name: 'products_sku_key' });
  });

  test('an idempotency record is kept for at least a day', async () => {
    for (const schema of ['customers', 'catalog', 'orders', 'payments']) {
      const keep = (hours: number) => shop.sql`
        insert into ${shop.sql(schema)}.idempotency_keys values
        ('a', 'k', 'o', 'h', 201, '{}', null, now(), now() + ${hours} * interval '1 hour')`;
      await expect(keep(23.9), schema).rejects.toMatchObject({ code: '23514' });
      await keep(24);
      await expect(keep(24), schema).rejects.toMatchObject({ constraint_name: 'idempotency_keys_pkey' });
    }
  });

  test('an id of another kind or form is refused', async () => {
    for (const wrong of [id('product'), `ord_${'g'.repeat(32)}`, 'ord_1', '']) {
      await expect(shop.order({ id: wrong }), wrong).rejects.toMatchObject({ code: '23514' });
    }
  });
});
