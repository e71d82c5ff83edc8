import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { OrderReturn, ReturnLine } from '../../contract/api/returns.ts';
import { returnReceived, returnRejected, returnRequested } from '../../contract/events/domain-events.ts';
import { eventData } from '../../events/outbox.sql.ts';
import type { Entry } from '../orders/transition.sql.ts';
import { takenOff } from './lines.ts';
import { countGoods, type GoodsChange, goodsEvent, type LockedOrder } from './order.sql.ts';

type Change = { eventId: string; at: Date; requestId: string | undefined };

/** Stores a return of units of a locked order, with the event. The database refuses units beyond what has shipped. */
export async function insertReturn(
  tx: TransactionSql,
  order: LockedOrder,
  wanted: Change & { id: string; lines: ReturnLine[]; requestedBy: string },
): Promise<OrderReturn> {
  const { id, lines, at, requestId } = wanted;
  const asked = lines.map(({ productId, quantity, reason }) => ({ productId, quantity, reason }));
  const data = eventData(tx, returnRequested, { ...idsOf(tx, id), lines: json(tx, asked) });
  const [row] = await tx`
    with ${countGoods(tx, order, {
      counter: 'returned',
      units: lines,
      entry: entryOf(tx, 'return-requested', id),
      event: goodsEvent(tx, { id: wanted.eventId, definition: returnRequested, data, subject: id }),
      requestId,
      at,
    })},
    made as (
      insert into orders.returns (id, order_id, lines, requested_by, created_at, updated_at)
      select ${id}, changed.id, ${json(tx, lines)}, ${wanted.requestedBy}, ${at}::timestamptz, ${at}::timestamptz
      from changed
      returning ${columns(tx)}
    )
    select * from made`;
  return toReturn(row as Row);
}

/**
 * Receives a requested return of a locked order, with the event. What arrived comes onto the ledger, and what cannot be sold
 * goes off it again.
 */
export async function markReceived(
  tx: TransactionSql,
  order: LockedOrder,
  request: OrderReturn,
  { eventId, lines, ...change }: Change & { lines: ReturnLine[] },
): Promise<OrderReturn> {
  const arrived = lines.map(({ productId, restocked, writtenOff }) => ({ productId, restocked, writtenOff }));
  const missing = lines.map(({ productId, quantity, restocked, writtenOff }) => ({
    productId,
    quantity: restocked + writtenOff - quantity,
  }));
  const data = eventData(tx, returnReceived, { ...idsOf(tx, request.id), lines: json(tx, arrived) });
  return await changeReturn(tx, order, request, {
    ...change,
    counter: 'returned',
    units: missing,
    entry: entryOf(tx, 'return-received', request.id),
    event: goodsEvent(tx, { id: eventId, definition: returnReceived, data, subject: request.id }),
    set: tx`set status = 'received', lines = ${json(tx, lines)}`,
    // By product, as everybody who locks several levels does. What arrives comes before what is written off of it.
    moved: tx`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, return_id, created_at)
      select 'mov_' || replace(uuidv7()::text, '-', ''), m.product_id, m.kind, m.quantity, 0, m.reason, changed.id,
        ${request.id}, ${change.at}::timestamptz
      from changed, (
        select n."productId" as product_id, k.kind, k.quantity, k.reason
        from jsonb_to_recordset(${json(tx, arrived)}) as n ("productId" text, restocked integer, "writtenOff" integer),
        lateral (values
          ('restock', n.restocked + n."writtenOff", 'came back'), ('write_off', -n."writtenOff", 'came back unfit for sale')
        ) as k (kind, quantity, reason)
        where k.quantity <> 0
        order by n."productId", k.kind
      ) m`,
  });
}

/** Rejects a requested return of a locked order, with the event. Its units can be returned again. */
export async function markRejected(
  tx: TransactionSql,
  order: LockedOrder,
  request: OrderReturn,
  { eventId, rejection, ...change }: Change & { rejection: string },
): Promise<OrderReturn> {
  const data = eventData(tx, returnRejected, idsOf(tx, request.id));
  return await changeReturn(tx, order, request, {
    ...change,
    counter: 'returned',
    units: takenOff(request.lines),
    entry: entryOf(tx, 'return-rejected', request.id),
    event: goodsEvent(tx, { id: eventId, definition: returnRejected, data, subject: request.id }),
    set: tx`set status = 'rejected', rejection = ${rejection}`,
  });
}

async function changeReturn(
  tx: TransactionSql,
  order: LockedOrder,
  request: OrderReturn,
  { set, moved, ...change }: GoodsChange & { set: Fragment; moved?: Fragment },
): Promise<OrderReturn> {
  const [row] = await tx`
    with ${countGoods(tx, order, change)},
    ${moved === undefined ? tx`` : tx`moved as (${moved}),`}
    made as (
      update orders.returns ${set}, updated_at = ${change.at} where id = ${request.id} returning ${columns(tx)}
    )
    select * from made`;
  return toReturn(row as Row);
}

/** The returns of an order, oldest first, or one of them. */
export async function readReturns(
  sql: Sql | TransactionSql,
  of: { orderId: string; returnId?: string },
): Promise<OrderReturn[]> {
  const one = of.returnId === undefined ? sql`` : sql`and id = ${of.returnId}`;
  const rows = await sql`
    select ${columns(sql)} from orders.returns where order_id = ${of.orderId} ${one}
    union all
    select ${columns(sql)} from archive.returns where order_id = ${of.orderId} ${one}
    order by id`;
  return rows.map((row) => toReturn(row as Row));
}

const json = (sql: TransactionSql, value: unknown): Fragment => sql`${JSON.stringify(value)}::text::jsonb`;

const idsOf = (sql: TransactionSql, id: string) => ({
  returnId: sql`${id}::text`,
  orderId: sql`changed.id`,
  customerId: sql`changed.customer_id`,
});

const entryOf = (sql: TransactionSql, type: Entry['type'], id: string): Entry => ({
  type,
  detail: sql`jsonb_build_object('returnId', ${id}::text)`,
});

type Row = Omit<OrderReturn, 'createdAt' | 'updatedAt'> & Record<'createdAt' | 'updatedAt', Date>;

const columns = (sql: Sql | TransactionSql) => sql`id, order_id, status, lines, rejection, created_at, updated_at`;

const toReturn = (row: Row): OrderReturn => ({
  id: row.id,
  orderId: row.orderId,
  status: row.status,
  lines: row.lines,
  rejection: row.rejection,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
