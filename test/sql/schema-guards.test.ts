import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OrderStatus, orderStatuses } from '../../lib/contract/orders.ts';
import type { Sql, TransactionSql } from '../../lib/database/applied.sql.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { type IdKind, newId } from '../../lib/kernel/ids.ts';
import { canFollow, transitions } from '../../lib/orders/transitions.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const id = (kind: IdKind) => newId(kind, systemClock);
const now = new Date();

let database: TestDatabase;
let sql: Sql;
let admin: Sql;
let customerId: string;
let productId: string;

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('migrator', { max: 5 }) as unknown as Sql;
  admin = database.connect('rdsadmin', { max: 1 }) as unknown as Sql;
  customerId = id('customer');
  await sql`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${customerId}, 'ada@example.com', 'Ada', 'x', ${now}, ${now})`;
});

afterAll(async () => {
  await Promise.all([sql, admin].map((each) => each?.end()));
  await database?.drop();
});

beforeEach(async () => {
  productId = await insertProduct();
  await move({ kind: 'adjustment', quantity: 10 });
});

describe('status transitions', () => {
  test('the table of the database is the table of the code', async () => {
    const rows = await sql`select from_status, to_status from orders.status_transitions order by 1, 2`;
    const coded = orderStatuses.flatMap((from) => transitions[from].map((to) => `${from} → ${to}`));
    expect(rows.map((row) => `${row.from_status} → ${row.to_status}`)).toEqual(coded.toSorted());
  });

  const pairs = orderStatuses.flatMap((from) => orderStatuses.map((to) => [from, to] as const));

  test('an order goes where the table says, and nowhere else', async () => {
    let refused = 0;
    for (const [from, to] of pairs.filter(([from, to]) => from !== to)) {
      const attempt = stepTo(from, to);
      if (canFollow(from, to)) await expect(attempt, `${from} → ${to}`).resolves.toBe('done');
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

  test('an order that changes otherwise keeps its status', async () => {
    for (const status of orderStatuses) await expect(stepTo(status, status)).resolves.toBe('done');
  });

  test.each(orderStatuses.filter((status) => status !== 'pending'))('an order cannot begin as %s', async (status) => {
    await expect(order({ status })).rejects.toMatchObject({ constraint_name: 'order_begins_pending' });
  });

  test('an order cannot have a status that is unknown', async () => {
    await expect(order({ status: 'lost' as OrderStatus })).rejects.toMatchObject({
      constraint_name: 'order_begins_pending',
    });
    await expect(stepTo('pending', 'lost' as OrderStatus)).rejects.toMatchObject({
      constraint_name: 'order_transition',
    });
    await expect(stepTo('lost' as OrderStatus, 'pending')).rejects.toMatchObject({
      constraint_name: 'orders_status_check',
    });
  });
});

describe('confirming', () => {
  test('with its payment captured and its stock committed', async () => {
    const made = await order();
    await confirm(made);
    const [row] = await sql`select status from orders.orders where id = ${made.id}`;
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
    const made = await order();
    await expect(confirm(made, parts)).rejects.toMatchObject({ constraint_name: constraint, code: '23000' });
    const [row] = await sql`select status from orders.orders where id = ${made.id}`;
    expect(row).toEqual({ status: 'pending' });
  });

  test('an order that was given up, or says that it failed, is refused', async () => {
    const made = await order();
    for (const change of [
      'confirmed_at = now(), abandoned_at = now()',
      "confirmed_at = now(), failure_code = 'x', failure_detail = 'x'",
      'confirmed_at = null',
    ]) {
      await expect(confirm(made, { change })).rejects.toMatchObject({ constraint_name: 'confirmed_order_is_whole' });
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
      const made = await order();
      await expect(end(made.id, way)).resolves.toBe('done');
    });

    test('with the payment refunded and the stock given back', async () => {
      const made = await order();
      await expect(
        end(made.id, way, async (tx) => {
          await pay(tx, made, { status: 'refunded' });
          await reserve(tx, made, { state: 'released' });
        }),
      ).resolves.toBe('done');
    });

    test('while the payment is kept is refused', async () => {
      const made = await order();
      await expect(end(made.id, way, (tx) => pay(tx, made))).rejects.toMatchObject({
        constraint_name: 'undone_order_is_refunded',
      });
    });

    test.each(['held', 'committed'])('while stock is %s is refused', async (state) => {
      const made = await order();
      await expect(end(made.id, way, (tx) => reserve(tx, made, { state }))).rejects.toMatchObject({
        constraint_name: 'undone_order_gave_stock_back',
      });
    });
  });

  test('a failed order and one before a person say why', async () => {
    for (const status of ['failed', 'needs_attention']) {
      const made = await order();
      await expect(sql`update orders.orders set status = ${status} where id = ${made.id}`).rejects.toMatchObject({
        constraint_name: 'failed_order_says_why',
      });
    }
    const made = await order();
    await expect(sql`update orders.orders set failure_code = 'x' where id = ${made.id}`).rejects.toMatchObject({
      constraint_name: 'failure_has_code_and_detail',
    });
  });
});

describe('what an order adds up to', () => {
  test.each<[string, Parameters<typeof order>[0], string]>([
    ['a total that is not subtotal minus discount', { total: 1999 }, 'order_totals_add_up'],
    ['a discount above the subtotal', { discount: 2001, reason: 'x', total: -1 }, 'discount_within_subtotal'],
    ['a negative discount', { discount: -1, reason: 'x', total: 2001 }, 'discount_within_subtotal'],
    ['a discount without a reason', { discount: 100, total: 1900 }, 'discount_has_its_reason'],
    ['a reason without a discount', { reason: 'x' }, 'discount_has_its_reason'],
    ['a subtotal that is not the sum of the lines', { subtotal: 2100, total: 2100 }, 'order_adds_up'],
    ['no lines', { lines: 0 }, 'order_adds_up'],
    ['a line that is not price times quantity', { lineTotal: 1999 }, 'line_total_adds_up'],
    ['a line of nothing', { quantity: 0, lineTotal: 0 }, 'lines_quantity_check'],
    ['a line of more than 999', { quantity: 1000, lineTotal: 1_000_000 }, 'lines_quantity_check'],
    ['a 51st line', { position: 51 }, 'lines_position_check'],
  ])('%s is refused', async (_situation, parts, constraint) => {
    await expect(order(parts)).rejects.toMatchObject({ constraint_name: constraint });
  });

  test('a line that comes after the order was placed is refused, and so is a line of no order', async () => {
    const made = await order();
    const late = { ...made, position: 2, productId: await insertProduct() };
    await expect(insertLine(sql, late)).rejects.toMatchObject({ constraint_name: 'order_adds_up' });
    await expect(insertLine(sql, { ...late, id: id('order') })).rejects.toMatchObject({
      constraint_name: 'lines_order_id_fkey',
    });
  });

  test('the same product on two lines is refused', async () => {
    await expect(order({ lines: 2, subtotal: 4000, total: 4000 })).rejects.toMatchObject({
      constraint_name: 'lines_order_id_product_id_key',
    });
  });
});

describe('stock', () => {
  test('the level is the sum of the ledger', async () => {
    const orderId = id('order');
    await move({ kind: 'reservation', reserved: 4, orderId });
    expect(await level()).toEqual({ on_hand: 10, reserved: 4 });
    await move({ kind: 'commitment', quantity: -3, reserved: -3, orderId });
    await move({ kind: 'release', reserved: -1, orderId });
    await move({ kind: 'return', quantity: 2, orderId });
    expect(await level()).toEqual({ on_hand: 9, reserved: 0 });
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
    for (const movement of movements.slice(0, -1)) await move(movement);
    const before = await level();
    await expect(move(movements.at(-1)!)).rejects.toMatchObject({ constraint_name: constraint, code: '23514' });
    expect(await level()).toEqual(before);
  });

  test('a product without any stock cannot be reserved', async () => {
    const bare = await insertProduct();
    await expect(
      move({ kind: 'reservation', reserved: 1, orderId: id('order'), productId: bare }),
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
    await expect(move(movement)).rejects.toMatchObject({ constraint_name: 'movement_matches_kind' });
  });

  test.each([
    ['reservation', { reserved: 1 }],
    ['commitment', { quantity: -1, reserved: -1 }],
  ])('a %s of an order cannot happen twice', async (kind, amounts) => {
    const orderId = id('order');
    await move({ kind: 'reservation', reserved: 5, orderId });
    if (kind !== 'reservation') await move({ kind, ...amounts, orderId });
    await expect(move({ kind, ...amounts, orderId })).rejects.toMatchObject({ constraint_name: 'movement_once' });
  });

  test('forty buyers at once for ten units: ten have one', async () => {
    const pool = database.connect('saga', { max: 8 });
    try {
      const bought = await Promise.allSettled(
        Array.from({ length: 40 }, () =>
          move({ kind: 'reservation', reserved: 1, orderId: id('order') }, pool as never),
        ),
      );
      expect(bought.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
      expect(await level()).toEqual({ on_hand: 10, reserved: 10 });
    } finally {
      await pool.end();
    }
  });

  test('a level stays with its product', async () => {
    const other = await insertProduct();
    await expect(
      sql`update stock.levels set product_id = ${other} where product_id = ${productId}`,
    ).rejects.toMatchObject({ constraint_name: 'level_keeps_its_product' });
  });
});

describe('once and no more', () => {
  test('an order has one payment, and a charge of the provider pays one order', async () => {
    const [first, second] = [await order(), await order()];
    await pay(sql, first, { reference: 'ch_1' });
    await expect(pay(sql, first, { reference: 'ch_2' })).rejects.toMatchObject({
      constraint_name: 'payments_order_id_key',
    });
    await expect(pay(sql, second, { reference: 'ch_1' })).rejects.toMatchObject({
      constraint_name: 'payments_provider_reference_key',
    });
  });

  test('a refund says when', async () => {
    const made = await order();
    await pay(sql, made);
    await expect(
      sql`update payments.payments set status = 'refunded' where order_id = ${made.id}`,
    ).rejects.toMatchObject({ constraint_name: 'refund_has_its_time' });
  });

  test('an event is told once', async () => {
    const subject = id('order');
    const tell = () => sql`
      insert into outbox.events (id, type, subject, data, occurred_at)
      values (${id('event')}, 'order.placed', ${subject}, '{}', ${now})`;
    await tell();
    await expect(tell()).rejects.toMatchObject({ constraint_name: 'events_once' });
  });

  test('an e-mail is in lower case and belongs to one customer', async () => {
    const signUp = (email: string) => sql`
      insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
      values (${id('customer')}, ${email}, 'X', 'x', ${now}, ${now})`;
    await expect(signUp('ada@example.com')).rejects.toMatchObject({ constraint_name: 'customers_email_key' });
    await expect(signUp('Bob@example.com')).rejects.toMatchObject({ constraint_name: 'customers_email_check' });
  });

  test('a SKU names one product', async () => {
    await insertProduct('SKU-1');
    await expect(insertProduct('SKU-1')).rejects.toMatchObject({ constraint_name: 'products_sku_key' });
  });

  test('an idempotency record is kept for a day at least', async () => {
    for (const schema of ['customers', 'catalog', 'orders']) {
      const keep = (hours: number) => sql`
        insert into ${sql(schema)}.idempotency_keys values
        ('a', 'k', 'o', 'h', 201, '{}', null, ${now}, ${new Date(now.getTime() + hours * 3_600_000)})`;
      await expect(keep(23.9), schema).rejects.toMatchObject({ code: '23514' });
      await keep(24);
      await expect(keep(24), schema).rejects.toMatchObject({ constraint_name: 'idempotency_keys_pkey' });
    }
  });

  test('an id of another kind, or of another form, is no id', async () => {
    for (const wrong of [id('product'), `ord_${'g'.repeat(32)}`, 'ord_1', '']) {
      await expect(order({ id: wrong }), wrong).rejects.toMatchObject({ code: '23514' });
    }
  });
});

type Made = { id: string; total: number; quantity: number };
type Movement = { kind: string; quantity?: number; reserved?: number; orderId?: string; productId?: string };

async function insertProduct(sku: string = id('product')): Promise<string> {
  const made = id('product');
  await sql`
    insert into catalog.products (id, sku, name, price_amount, price_currency, created_at, updated_at)
    values (${made}, ${sku}, 'Teapot', 1000, 'EUR', ${now}, ${now})`;
  return made;
}

const move = (movement: Movement, by: Sql = sql) => by`
  insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
  values (
    ${id('movement')}, ${movement.productId ?? productId}, ${movement.kind}, ${movement.quantity ?? 0},
    ${movement.reserved ?? 0}, 'test', ${movement.orderId ?? null}, ${now}
  )`;

async function level() {
  const [row] = await sql`select on_hand, reserved from stock.levels where product_id = ${productId}`;
  return row && { ...row };
}

/** Places an order of two teapots at 10.00, with whatever is to be wrong about it. */
async function order(
  parts: {
    id?: string;
    status?: OrderStatus;
    subtotal?: number;
    discount?: number;
    reason?: string;
    total?: number;
    lines?: number;
    quantity?: number;
    lineTotal?: number;
    position?: number;
  } = {},
): Promise<Made> {
  const made = { id: parts.id ?? id('order'), total: parts.total ?? 2000, quantity: parts.quantity ?? 2 };
  await sql.begin(async (tx) => {
    await tx`
      insert into orders.orders (
        id, customer_id, status, currency, subtotal, discount_amount, discount_reason, total, payment_method,
        created_at, updated_at
      ) values (
        ${made.id}, ${customerId}, ${parts.status ?? 'pending'}, 'EUR', ${parts.subtotal ?? 2000},
        ${parts.discount ?? 0}, ${parts.reason ?? null}, ${made.total}, 'pm_card_visa', ${now}, ${now}
      )`;
    for (let n = 0; n < (parts.lines ?? 1); n++) {
      await insertLine(tx, { ...made, ...parts, id: made.id, position: parts.position ?? n + 1, productId });
    }
  });
  return made;
}

const insertLine = (
  by: Sql | TransactionSql,
  line: { id: string; position: number; productId: string; quantity: number; lineTotal?: number | undefined },
) => by`
  insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
  values (${line.id}, ${line.position}, ${line.productId}, 'SKU', 'Teapot', ${line.quantity}, 1000, ${line.lineTotal ?? 2000})`;

const pay = (
  by: Sql | TransactionSql,
  made: Made,
  parts: { amount?: number; currency?: string; status?: string; reference?: string } = {},
) => by`
  insert into payments.payments
    (id, order_id, provider, reference, status, amount, currency, captured_at, refunded_at)
  values (
    ${id('payment')}, ${made.id}, 'simulated', ${parts.reference ?? made.id}, ${parts.status ?? 'captured'},
    ${parts.amount ?? made.total}, ${parts.currency ?? 'EUR'}, ${now}, ${parts.status === 'refunded' ? now : null}
  )`;

const reserve = (by: Sql | TransactionSql, made: Made, parts: { state?: string; quantity?: number } = {}) => by`
  insert into stock.reservations (order_id, product_id, quantity, state, expires_at)
  values (${made.id}, ${productId}, ${parts.quantity ?? made.quantity}, ${parts.state ?? 'committed'}, ${now})`;

/** Confirms in one transaction, leaving out or altering what the situation says. */
const confirm = (
  made: Made,
  parts: {
    payment?: Parameters<typeof pay>[2] | null;
    reservation?: Parameters<typeof reserve>[2] | null;
    change?: string;
  } = {},
) =>
  sql.begin(async (tx) => {
    if (parts.payment !== null) await pay(tx, made, parts.payment);
    if (parts.reservation !== null) await reserve(tx, made, parts.reservation);
    await tx`update orders.orders set status = 'reserved' where id = ${made.id}`;
    await tx`update orders.orders set status = 'paid' where id = ${made.id}`;
    await tx`
      update orders.orders set status = 'confirmed', ${tx.unsafe(parts.change ?? 'confirmed_at = now()')}
      where id = ${made.id}`;
  });

const end = async (
  orderId: string,
  way: readonly OrderStatus[],
  before: (tx: TransactionSql) => Promise<unknown> = () => Promise.resolve(),
): Promise<'done'> => {
  await sql.begin(async (tx) => {
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

/** Tries one step of an order that is put into `from` past all triggers, and takes everything back. */
async function stepTo(from: OrderStatus, to: OrderStatus): Promise<'done'> {
  const orderId = id('order');
  const whole = (status: OrderStatus) => ({
    failure: status === 'failed' || status === 'needs_attention' ? 'x' : null,
    confirmedAt: status === 'confirmed' ? now : null,
  });
  return await admin
    .begin(async (tx) => {
      await tx`set local session_replication_role = 'replica'`;
      await tx`
        insert into orders.orders (
          id, customer_id, status, currency, subtotal, discount_amount, total, payment_method, failure_code,
          failure_detail, confirmed_at, created_at, updated_at
        ) values (
          ${orderId}, ${customerId}, ${from}, 'EUR', 0, 0, 0, 'pm', ${whole(from).failure}, ${whole(from).failure},
          ${whole(from).confirmedAt}, ${now}, ${now}
        )`;
      await tx`set local session_replication_role = 'origin'`;
      await tx`
        update orders.orders set status = ${to}, failure_code = ${whole(to).failure},
          failure_detail = ${whole(to).failure}, confirmed_at = ${whole(to).confirmedAt}
        where id = ${orderId}`;
      throw new TakeBack();
    })
    .catch((error) => {
      if (error instanceof TakeBack) return 'done' as const;
      throw error;
    });
}

class TakeBack extends Error {}
