import type { Sql } from 'postgres';
import {
  type Claim,
  findAnswer,
  inFlight,
  type KeyOptions,
  lockName,
  replayAnswer,
  type StoredAnswer,
} from '../../database/idempotency.sql.ts';
import { type Basket, type Priceable, priceableColumns } from '../pricing/priceable.sql.ts';
import type { NewOrder } from './order.ts';

/** Who orders, and under which idempotency key. */
export type PlaceClaim = Claim & { key: string };

/**
 * Everything that placing an order has to know, in one statement: whether this key was answered already, whether the
 * customer is premium, and the products as they are on sale now.
 * @throws Problem idempotency-key-reused
 */
export async function readBeforePlacing(sql: Sql, claim: PlaceClaim, basket: Basket, keys: KeyOptions) {
  const [row] = await sql`
    select
      (
        select jsonb_build_object(
          'requestHash', k.request_hash, 'status', k.status, 'headers', k.headers, 'body', k.body
        )
        from orders.idempotency_keys k
        where k.caller = ${claim.caller} and k.key = ${claim.key} and k.expires_at > ${new Date(keys.clock.now())}
      ) as answered,
      ${priceableColumns(sql, basket)}`;
  const { answered, premium, products } = row as Priceable & { answered: StoredAnswer | null };
  const answer = answered === null ? undefined : await replayAnswer(sql, claim, keys, answered);
  return { answer, premium, products };
}

/**
 * Writes the order, its lines, the first entry of its timeline, the idempotency record and the outbox event in one
 * statement, which is one transaction. Undefined when it did; the answer of the request that got there first otherwise.
 * @throws Problem request-in-flight while another request holds the key; idempotency-key-reused
 */
export async function insertOrder(
  sql: Sql,
  claim: PlaceClaim,
  order: NewOrder,
  answer: { status: number; headers: Record<string, string>; body: string },
  keys: KeyOptions,
) {
  const at = new Date(order.createdAt);
  const total = { amount: order.total, currency: order.currency };
  const detail = { status: 'pending', total, requestId: claim.requestId };
  const [row] = await sql`
    with gate as materialized (
      select pg_try_advisory_xact_lock(hashtextextended(${lockName(claim)}, 0)) as free
    ),
    claimed as (
      insert into orders.idempotency_keys as k
        (caller, key, operation, request_hash, status, headers, body, created_at, expires_at)
      select
        ${claim.caller}, ${claim.key}, ${claim.operation}, ${claim.fingerprint}, ${answer.status}::smallint,
        ${JSON.stringify(answer.headers)}::text::jsonb, ${answer.body}, ${at}::timestamptz,
        ${new Date(order.createdAt + keys.keepSeconds * 1000)}::timestamptz
      from gate where free
      on conflict (caller, key) do update set
        operation = excluded.operation, request_hash = excluded.request_hash, status = excluded.status,
        headers = excluded.headers, body = excluded.body,
        created_at = excluded.created_at, expires_at = excluded.expires_at
      where k.expires_at <= excluded.created_at
      returning true
    ),
    placed as (
      insert into orders.orders (
        id, customer_id, status, currency, subtotal, discount_amount, discount_reason, total, payment_method,
        created_at, updated_at
      )
      select
        ${order.id}, ${order.customerId}, 'pending', ${order.currency}, ${order.subtotal}::bigint,
        ${order.discount?.amount ?? 0}::bigint, ${order.discount?.reason ?? null}::text, ${order.total}::bigint,
        ${order.paymentMethod}, ${at}::timestamptz, ${at}::timestamptz
      from claimed
    ),
    lined as (
      insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
      select ${order.id}, l.position, l."productId", l.sku, l.name, l.quantity, l."unitPrice", l.total
      from claimed, rows from (
        jsonb_to_recordset(${JSON.stringify(order.lines)}::text::jsonb)
          as ("productId" text, sku text, name text, quantity integer, "unitPrice" bigint, total bigint)
      ) with ordinality as l ("productId", sku, name, quantity, "unitPrice", total, position)
    ),
    noted as (
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      select ${order.id}, 1, 1, 'order-placed',
        ${JSON.stringify(detail)}::text::jsonb, ${at}::timestamptz
      from claimed
    ),
    published as (
      insert into outbox.events (id, type, subject, data, occurred_at)
      select ${order.eventId}, 'order.placed', ${order.id}, ${answer.body}::text::jsonb, ${at}::timestamptz
      from claimed
    )
    select exists (select from claimed) as claimed`;
  if ((row as { claimed: boolean }).claimed) return undefined;
  const first = await findAnswer(sql, claim, keys);
  if (first === undefined) throw inFlight();
  return first;
}
