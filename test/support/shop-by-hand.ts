import type { OrderStatus } from '../../lib/contract/api/orders.ts';
import type { Sql, TransactionSql } from '../../lib/database/applied.sql.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { type IdKind, newId } from '../../lib/kernel/ids.ts';
import { createDatabase } from './postgres.ts';

export const id = (kind: IdKind) => newId(kind, systemClock);

export type Made = { id: string; total: number; quantity: number };
export type Movement = { kind: string; quantity?: number; reserved?: number; orderId?: string; productId?: string };

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** A database with one customer, and functions that write rows by hand: valid ones, or with one thing wrong. */
export async function openShop() {
  const database = await createDatabase();
  const sql = database.connect('migrator', { max: 5 }) as unknown as Sql;
  const now = new Date();
  const customerId = id('customer');
  let productId = '';
  await sql`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${customerId}, 'ada@example.com', 'Ada', 'x', ${now}, ${now})`;

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

  /** Places an order of two teapots at 10.00, changed by `parts`. */
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
      lineDiscount?: number;
      position?: number;
      /** The product of each line; by default the product of the test. */
      products?: readonly string[];
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
        await insertLine(tx, {
          ...made,
          ...parts,
          id: made.id,
          position: parts.position ?? n + 1,
          productId: parts.products?.[n] ?? productId,
        });
      }
    });
    return made;
  }

  const insertLine = (
    by: Sql | TransactionSql,
    line: {
      id: string;
      position: number;
      productId: string;
      quantity: number;
      lineTotal?: number | undefined;
      lineDiscount?: number | undefined;
    },
  ) => by`
    insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total, discount)
    values (${line.id}, ${line.position}, ${line.productId}, 'SKU', 'Teapot', ${line.quantity}, 1000, ${line.lineTotal ?? 2000},
      ${line.lineDiscount ?? 0})`;

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

  const reserve = (
    by: Sql | TransactionSql,
    made: Made,
    parts: { state?: string; quantity?: number; productId?: string } = {},
  ) => by`
    insert into stock.reservations (order_id, product_id, quantity, state, expires_at)
    values (${made.id}, ${parts.productId ?? productId}, ${parts.quantity ?? made.quantity}, ${parts.state ?? 'committed'}, ${now})`;

  return {
    database,
    sql,
    customerId,
    /** The product of the test. */
    get productId() {
      return productId;
    },
    /** Adds another product with ten on hand, which becomes the product of the test. */
    async restock() {
      productId = await insertProduct();
      await move({ kind: 'adjustment', quantity: 10 });
    },
    insertProduct,
    move,
    level,
    order,
    insertLine,
    pay,
    reserve,
    async close() {
      await sql.end();
      await database.drop();
    },
  };
}
