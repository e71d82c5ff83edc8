import type { TransactionSql } from 'postgres';
import type { Archived } from './order-document.ts';

/** The most orders of a page of the archive. */
export const ordersToAPage = 100;

/** Writes orders to pages of the month in which they were placed, as the archive does, and replaces those that changed. */
export async function writeToArchive(
  tx: TransactionSql,
  { added, changed }: { added: readonly Archived[]; changed: readonly Archived[] },
  now: number,
): Promise<void> {
  for (const [month, orders] of Map.groupBy(added, ({ placedAt }) => `${placedAt.toISOString().slice(0, 7)}-01`)) {
    for (let at = 0; at < orders.length; ) {
      const { id, room } = await pageWithRoom(tx, month);
      const some = orders.slice(at, at + room);
      await fillPage(tx, id, some, now);
      at += some.length;
    }
  }
  for (const { key, document } of changed) {
    await tx`
      update archive.pages p
      set documents = p.documents || ${JSON.stringify({ [key.id]: document })}::text::jsonb,
        last_at = greatest(p.last_at, ${key.updated_at}::text::timestamptz)
      from archive.order_keys k where k.id = ${key.id} and p.id = k.page_id`;
    await tx`
      update archive.order_keys
      set customer_id = ${key.customer_id}, status = ${key.status}, fulfilment_status = ${key.fulfilment_status},
        updated_at = ${key.updated_at}::text::timestamptz,
        currency = ${key.currency}, total = ${key.total}, products = string_to_array(${key.products.join(',')}, ',')::uuid[]
      where id = ${key.id}`;
  }
}

async function pageWithRoom(tx: TransactionSql, month: string): Promise<{ id: number; room: number }> {
  const [page] = await tx<{ id: number; room: number }[]>`
    select id::float8 as id, ${ordersToAPage} - orders as room from archive.pages
    where month = ${month}::text::date and orders < ${ordersToAPage}
    order by id limit 1`;
  if (page !== undefined) return page;
  const [made] = await tx<{ id: number }[]>`
    insert into archive.pages (month, orders, first_at, last_at, documents)
    values (${month}::text::date, 0, 'infinity', '-infinity', '{}') returning id::float8 as id`;
  return { id: made!.id, room: ordersToAPage };
}

async function fillPage(tx: TransactionSql, page: number, orders: readonly Archived[], now: number): Promise<void> {
  const documents = Object.fromEntries(orders.map(({ key, document }) => [key.id, document]));
  const first = orders.reduce((at, { placedAt }) => Math.min(at, placedAt.getTime()), Number.POSITIVE_INFINITY);
  const last = orders.reduce(
    (at, { key, placedAt }) => Math.max(at, placedAt.getTime(), Date.parse(key.updated_at)),
    0,
  );
  await tx`
    update archive.pages
    set orders = orders + ${orders.length}, documents = documents || ${JSON.stringify(documents)}::text::jsonb,
      first_at = least(first_at, ${new Date(first)}), last_at = greatest(last_at, ${new Date(last)})
    where id = ${page}`;
  await tx`
    insert into archive.order_keys (
      id, number, customer_id, status, fulfilment_status, updated_at, currency, total, refunded, products, page_id,
      archived_at
    )
    select r.id, r.number, r.customer_id, r.status, r.fulfilment_status, r.updated_at, r.currency, r.total, 0,
      array(select jsonb_array_elements_text(r.products)::uuid), ${page}, ${new Date(now)}
    from jsonb_to_recordset(${JSON.stringify(orders.map(({ key }) => key))}::text::jsonb) as r (
      id text, number text, customer_id text, status text, fulfilment_status text, updated_at timestamptz, currency text,
      total bigint, products jsonb
    )`;
}
