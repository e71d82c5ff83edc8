import type { Sql } from 'postgres';
import type { LineInput } from '../../contract/api/orders.ts';
import {
  type Answer,
  type Claim,
  findAnswer,
  inFlight,
  type KeyOptions,
  lockName,
  replayAnswer,
  type StoredAnswer,
} from '../../database/idempotency.sql.ts';
import { couponUse, explainCouponLimit } from '../pricing/coupon-uses.sql.ts';
import { type Basket, type Priceable, priceableColumns } from '../pricing/priceable.sql.ts';
import type { NewOrder } from './order.ts';
import { placement } from './transition.sql.ts';

/** Who orders, and under which idempotency key. */
export type PlaceClaim = Claim & { key: string };

/**
 * Reads everything that placing an order needs, in one statement: the answer already given under this key, what the
 * customer has not paid yet, whether they may order, and all that their basket is priced from.
 * @throws Problem idempotency-key-reused
 */
export async function readBeforePlacing(
  sql: Sql,
  claim: PlaceClaim,
  basket: Basket & Buyer & { lines: readonly LineInput[] },
  keys: KeyOptions,
) {
  const [row] = await sql`
    select
      (
        select jsonb_build_object(
          'requestHash', k.request_hash, 'status', k.status, 'headers', k.headers, 'body', k.body
        )
        from orders.idempotency_keys k
        where k.caller = ${claim.caller} and k.key = ${claim.key} and k.expires_at > ${new Date(keys.clock.now())}
      ) as answered,
      ${basket.customerId}::text is null or exists (
        select from orders.priceable_customers where id = ${basket.customerId}
      ) as known,
      exists (${shortOf(sql, basket.lines)}) as short,
      ${unpaidColumn(sql, basket)},
      ${priceableColumns(sql, basket)}`;
  const { answered, known, short, unpaid, ...priceable } = row as Priceable & {
    answered: StoredAnswer | null;
    known: boolean;
    short: boolean;
    unpaid: Unpaid;
  };
  const answer = answered === null ? undefined : replayAnswer(claim, answered);
  return { answer, known, short, unpaid, ...priceable };
}

/** The lines whose stock is short now. Nothing is locked: it may be reserved or given back a moment later. */
const shortOf = (sql: Sql, lines: readonly { productId: string; quantity: number }[]) => sql`
  select wanted.sku
  from jsonb_to_recordset(${JSON.stringify(lines)}::text::jsonb) as wanted ("productId" text, sku text, quantity integer)
  left join lateral (
    select on_hand - reserved as available from stock.levels where product_id = wanted."productId" limit 1
  ) level on true
  where coalesce(level.available, 0) < wanted.quantity`;

/** Who orders: a customer, or a guest by their e-mail address. */
export type Buyer = { customerId: string | null; guestEmail: string | null };

/** A buyer's orders that are neither paid nor ended, and the units in them. */
export type Unpaid = { orders: number; units: number };

const unpaidColumn = (sql: Sql, { customerId, guestEmail }: Buyer) => sql`
  (
    select jsonb_build_object('orders', count(distinct o.id), 'units', coalesce(sum(l.quantity), 0))
    from orders.orders o join orders.lines l on l.order_id = o.id
    where ${customerId === null ? sql`o.customer_id is null and o.contact ->> 'email' = ${guestEmail}` : sql`o.customer_id = ${customerId}`} and o.status in ('pending', 'reserved', 'pending_payment')
  ) as unpaid`;

/**
 * Writes the order, its lines, its use of a coupon, the first entry of its timeline, the idempotency record and the outbox
 * event in one statement, which is one transaction. The statement takes the order's number too: now and then a sequence
 * writes, and elsewhere that would be a commit of its own.
 * @param answerWith the answer to the request, by the number of the order
 * @param failsIfShort the id of an event: an order whose stock is short fails in this statement
 * @returns the number if it did, and why it failed, if so; otherwise the answer of the request that came first
 * @throws Problem request-in-flight while another request holds the key; idempotency-key-reused; coupon-used-up, when others
 *   were quicker
 */
export async function insertOrder(
  sql: Sql,
  claim: PlaceClaim,
  order: NewOrder,
  answerWith: (number: string) => Answer & { body: string },
  keys: KeyOptions,
  failsIfShort?: string,
): Promise<{ number: string; failureDetail: string | null } | { first: Answer }> {
  const at = new Date(order.createdAt);
  // What stands for the number in the answer until there is one. No request can name an id that was made just now.
  const standIn = order.eventId;
  const answer = answerWith(standIn);
  const { requestId } = claim;
  const looked =
    failsIfShort === undefined
      ? { missing: sql``, placing: { when: sql`claimed, numbered`, requestId } }
      : {
          missing: sql`
    missing as materialized (
      select string_agg(short.sku, ', ' order by short.sku) as skus from (${shortOf(sql, order.lines)}) short
    ),`,
          placing: { when: sql`claimed, numbered, missing`, requestId, missing: { eventId: failsIfShort } },
        };
  const [row] = await sql`
    with gate as materialized (
      select pg_try_advisory_xact_lock(hashtextextended(${lockName(claim)}, 0)) as free
    ),
    numbered as materialized (
      select orders.next_number(${order.numberPrefix}) as number from gate where free
    ),
    claimed as (
      insert into orders.idempotency_keys as k
        (caller, key, operation, request_hash, status, headers, body, created_at, expires_at)
      select
        ${claim.caller}, ${claim.key}, ${claim.operation}, ${claim.fingerprint}, ${answer.status}::smallint,
        ${JSON.stringify(answer.headers)}::text::jsonb, replace(${answer.body}, ${standIn}, numbered.number), ${at}::timestamptz,
        ${new Date(order.createdAt + keys.keepSeconds * 1000)}::timestamptz
      from numbered
      on conflict (caller, key) do update set
        operation = excluded.operation, request_hash = excluded.request_hash, status = excluded.status,
        headers = excluded.headers, body = excluded.body,
        created_at = excluded.created_at, expires_at = excluded.expires_at
      where k.expires_at <= excluded.created_at
      returning true
    ),
    ${looked.missing}
    ${placement(sql, order, looked.placing)},
    lined as (
      insert into orders.lines (
        order_id, position, product_id, sku, name, quantity, unit_price, total, discount, tax, tax_rate, tax_class, weight,
        unit_cost, category_id, brand
      )
      select ${order.id}, l.position, l."productId", l.sku, l.name, l.quantity, l."unitPrice", l.total, l.discount, l.tax,
        l."taxRate", l."taxClass", l.weight,
        case when p.cost_currency = ${order.currency} then p.cost_amount end, p.category_id, p.brand
      from claimed, rows from (
        jsonb_to_recordset(${JSON.stringify(order.lines)}::text::jsonb)
          as (
            "productId" text, sku text, name text, quantity integer, "unitPrice" bigint, total bigint, discount bigint,
            tax bigint, "taxRate" integer, "taxClass" text, weight integer
          )
      ) with ordinality as l (
        "productId", sku, name, quantity, "unitPrice", total, discount, tax, "taxRate", "taxClass", weight, position
      ) left join lateral (
        -- One look-up for each line, so that no plan reads every product there is.
        select cost_currency, cost_amount, category_id, brand from orders.sold_products where id = l."productId" limit 1
      ) p on true
    )
    ${couponUse(sql, order, sql`claimed`)}
    select changed.number, changed.failure_detail from changed`.catch(explainCouponLimit(order));
  if (row !== undefined) return row as { number: string; failureDetail: string | null };
  const first = await findAnswer(sql, claim, keys);
  if (first === undefined) throw inFlight();
  return { first };
}
