import type { TransactionSql } from 'postgres';
import type { Archived } from './order-document.ts';

/** The most orders of a page of the archive. */
export const ordersToAPage = 100;

type Page = { id: number; orders: Archived[] };

/** Writes orders to pages of the month in which they were placed, as the archive does, and replaces those that changed. */
export async function writeToArchive(
  tx: TransactionSql,
  { added, changed }: { added: readonly Archived[]; changed: readonly Archived[] },
  now: number,
): Promise<void> {
  if (added.length > 0) await addOrders(tx, added, now);
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
        currency = ${key.currency}, total = ${key.total}, refunded = ${key.refunded}, products = string_to_array(${key.products.join(',')}, ',')::uuid[]
      where id = ${key.id}`;
  }
}

async function addOrders(tx: TransactionSql, added: readonly Archived[], now: number): Promise<void> {
  const byMonth = Map.groupBy(added, ({ placedAt }) => `${placedAt.toISOString().slice(0, 7)}-01`);
  const rooms = new Map((await readRooms(tx, [...byMonth.keys()])).map(({ month, ...room }) => [month, room]));
  const filled: Page[] = [];
  const fresh: (Omit<Page, 'id'> & { month: string })[] = [];
  for (const [month, orders] of byMonth) {
    const { id, room = 0 } = rooms.get(month) ?? {};
    if (id !== undefined) filled.push({ id, orders: orders.slice(0, room) });
    for (let at = room; at < orders.length; at += ordersToAPage)
      fresh.push({ month, orders: orders.slice(at, at + ordersToAPage) });
  }
  if (filled.length > 0) await fillPages(tx, filled);
  const made = fresh.length === 0 ? [] : await makePages(tx, fresh);
  await insertKeys(tx, [...filled, ...made], now);
}

/** Of each month the oldest page that is not full. */
const readRooms = (tx: TransactionSql, months: readonly string[]) => tx<{ month: string; id: number; room: number }[]>`
  select m.month, p.id::float8 as id, ${ordersToAPage} - p.orders as room
  from jsonb_array_elements_text(${JSON.stringify(months)}::text::jsonb) as m (month),
    lateral (
      select id, orders from archive.pages
      where archive.pages.month = m.month::date and orders < ${ordersToAPage} order by id limit 1
    ) p`;

/** Documents are read as JSON, so that each of them is parsed once. */
async function fillPages(tx: TransactionSql, pages: readonly Page[]): Promise<void> {
  const rows = pages.map(({ id, orders }) => ({ id, ...summaryOf(orders) }));
  await tx`
    update archive.pages p
    set orders = p.orders + r.orders, documents = p.documents || r.documents,
      first_at = least(p.first_at, r.first_at), last_at = greatest(p.last_at, r.last_at)
    from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as r (id bigint, orders smallint, first_at timestamptz, last_at timestamptz, documents jsonb)
    where p.id = r.id`;
}

async function makePages(
  tx: TransactionSql,
  pages: readonly (Omit<Page, 'id'> & { month: string })[],
): Promise<Page[]> {
  const ids = await tx<{ id: number }[]>`
    select nextval(pg_get_serial_sequence('archive.pages', 'id'))::float8 as id
    from generate_series(1, ${pages.length}::integer)`;
  const made = pages.map((page, at) => ({ ...page, id: ids[at]!.id }));
  const rows = made.map(({ id, month, orders }) => ({ id, month, ...summaryOf(orders) }));
  await tx`
    insert into archive.pages (id, month, orders, first_at, last_at, documents) overriding system value
    select r.id, r.month, r.orders, r.first_at, r.last_at, r.documents
    from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as r (id bigint, month date, orders smallint, first_at timestamptz, last_at timestamptz, documents jsonb)`;
  return made;
}

/** What a page says of some orders. */
const summaryOf = (orders: readonly Archived[]) => ({
  orders: orders.length,
  first_at: new Date(orders.reduce((at, { placedAt }) => Math.min(at, placedAt.getTime()), Number.MAX_SAFE_INTEGER)),
  last_at: new Date(
    orders.reduce((at, { key, placedAt }) => Math.max(at, placedAt.getTime(), Date.parse(key.updated_at)), 0),
  ),
  documents: Object.fromEntries(orders.map(({ key, document }) => [key.id, document])),
});

const insertKeys = (tx: TransactionSql, pages: readonly Page[], now: number) => tx`
  insert into archive.order_keys (
    id, number, customer_id, status, fulfilment_status, updated_at, currency, total, refunded, products, page_id, archived_at
  )
  select r.id, r.number, r.customer_id, r.status, r.fulfilment_status, r.updated_at, r.currency, r.total, r.refunded,
    string_to_array(r.products, ',')::uuid[], r.page_id, ${new Date(now)}
  from json_to_recordset(${JSON.stringify(
    pages.flatMap(({ id, orders }) =>
      orders.map(({ key }) => ({ ...key, products: key.products.join(','), page_id: id })),
    ),
  )}::text::json) as r (
    id text, number text, customer_id text, status text, fulfilment_status text, updated_at timestamptz, currency text,
    total bigint, refunded bigint, products text, page_id bigint
  )`;
