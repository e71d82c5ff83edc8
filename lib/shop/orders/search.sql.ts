import type { Fragment, Sql } from 'postgres';
import { decodeCursor, toPage } from '../../contract/api/cursor.ts';
import { type Count, mostCounted, type OrderSort } from '../../contract/api/order-search.ts';
import type { FulfilmentStatus, Order, OrderStatus } from '../../contract/api/orders.ts';
import { estimateOf } from '../../database/estimate.sql.ts';
import { idAt } from '../../kernel/ids.ts';
import { type OrderRow, toOrder } from './order.ts';
import { type OrderPart, orderColumns } from './read.sql.ts';

export type OrderFilter = {
  status?: OrderStatus | undefined;
  fulfilmentStatus?: FulfilmentStatus | undefined;
  number?: string | undefined;
  customerId?: string | undefined;
  /** Who placed it: a customer, or somebody with the e-mail address as its contact. */
  person?: { email: string; customerId: string | undefined } | undefined;
  /** A product that a line has. */
  productId?: string | undefined;
  /** When it was placed: from the first, before the second, in milliseconds since the epoch. */
  from?: number | undefined;
  to?: number | undefined;
  currency?: string | undefined;
  /** In minor units of the currency, both included. */
  totalFrom?: number | undefined;
  totalTo?: number | undefined;
};

type Paging = { sort?: OrderSort | undefined; limit: number; cursor?: string | undefined };

/**
 * A page of the orders of all customers, of before and after the archive, that meet all of a filter.
 * @throws Problem invalid-cursor
 */
export async function searchOrders(
  sql: Sql,
  filter: OrderFilter,
  { sort: by = '-createdAt', limit, cursor }: Paging,
): Promise<{ data: Order[]; hasMore: boolean; nextCursor: string | null }> {
  const sort = sorts[by];
  const list = `search-orders ${by} ${JSON.stringify(filter)}`;
  const after = cursor === undefined ? undefined : decodeCursor(list, cursor, sort.form);
  const order = sort.order(sql);
  const page = (part: OrderPart) => sql`(
    select o.id, o.total, ${part === 'archive'} as archived from ${matches(sql, part, filter)}
      ${after === undefined ? sql`` : sort.after(sql, after)}
    order by ${order}
    limit ${limit + 1}
  )`;
  const rows = await sql<OrderRow[]>`
    with page as materialized (${page('orders')} union all ${page('archive')} order by ${order} limit ${limit + 1})
    select ${orderColumns(sql)}, false as archived from orders.order_details
    where id in (select p.id from page p where not p.archived)
    union all
    select ${orderColumns(sql)}, true as archived from archive.order_details
    where id in (select p.id from page p where p.archived)
    order by ${order}`;
  return toPage(list, rows.map(toOrder), limit, sort.keyOf);
}

/** How many orders meet a filter: what PostgreSQL expects beyond `mostCounted`, so that no more than that are read. */
export async function countOrders(sql: Sql, filter: OrderFilter): Promise<Count> {
  // In the order of an index, unless another one than that of ids finds them.
  const byId = filter.productId === undefined && filter.totalFrom === undefined && filter.totalTo === undefined;
  const each = (part: OrderPart) => sql`(
    select 1 from ${matches(sql, part, filter)} ${byId ? sql`order by o.id desc` : sql``} limit ${mostCounted + 1}
  )`;
  const [row] = await sql<[{ count: number }]>`
    select count(*) from (${each('orders')} union all ${each('archive')} limit ${mostCounted + 1}) found`;
  if (row.count <= mostCounted) return { value: row.count, exact: true };
  const all = (part: OrderPart) => sql`select 1 from ${matches(sql, part, filter)}`;
  const estimate = await estimateOf(sql, sql`${all('orders')} union all ${all('archive')}`);
  return { value: Math.max(mostCounted + 1, estimate), exact: false };
}

/** From where the orders of a part come, as `o`, and what they must meet. */
function matches(sql: Sql, part: OrderPart, filter: OrderFilter): Fragment {
  const { status, fulfilmentStatus, number, customerId, person, productId, from, to, currency, totalFrom, totalTo } =
    filter;
  const given = (value: unknown, condition: () => Fragment) => (value === undefined ? sql`` : condition());
  const source = part === 'orders' ? sql`orders.orders o` : sql`archive.order_keys o`;
  const bought =
    part === 'orders' ? sql`join orders.lines l on l.order_id = o.id and l.product_id = ${productId ?? ''}` : sql``;
  return sql`
    ${source} ${given(productId, () => bought)} where true
      ${given(productId, () => (part === 'orders' ? sql`` : sql`and o.products @> array[${productId!.slice(4)}::uuid]`))}
      ${given(status, () => sql`and o.status = ${status!}`)}
      ${given(fulfilmentStatus, () => sql`and o.fulfilment_status = ${fulfilmentStatus!}`)}
      ${given(number, () => sql`and o.number = ${number!}`)}
      ${given(person, () => sql`and (${isBy(sql, part, person!)})`)}
      ${given(customerId, () => sql`and o.customer_id = ${customerId!}`)}
      ${given(from, () => sql`and o.id >= ${idAt('order', from!)}`)}
      ${given(to, () => sql`and o.id < ${idAt('order', to!)}`)}
      ${given(currency, () => sql`and o.currency = ${currency!}`)}
      ${given(totalFrom, () => sql`and o.total >= ${totalFrom!}`)}
      ${given(totalTo, () => sql`and o.total <= ${totalTo!}`)}`;
}

/** Contacts are in the archive, where nothing finds them. */
function isBy(sql: Sql, part: OrderPart, { email, customerId }: NonNullable<OrderFilter['person']>): Fragment {
  const theirs = customerId === undefined ? sql`false` : sql`o.customer_id = ${customerId}`;
  return part === 'archive' ? theirs : sql`${theirs} or o.contact ->> 'email' = ${email}`;
}

type Sort = {
  form: RegExp;
  order: (sql: Sql) => Fragment;
  after: (sql: Sql, last: string) => Fragment;
  keyOf: (order: Order) => string;
};

const idForm = /^ord_[0-9a-f]{32}$/;
const pairForm = /^\d{1,16}-ord_[0-9a-f]{32}$/;
const byTotal = { form: pairForm, keyOf: ({ id, total }: Order) => `${total.amount}-${id}` };

/** The total and the id of a cursor. */
const pair = (last: string): [number, string] => {
  const [total = '', id = ''] = last.split('-');
  return [Number(total), id];
};

const sorts: Readonly<Record<OrderSort, Sort>> = {
  '-createdAt': {
    form: idForm,
    order: (sql) => sql`id desc`,
    after: (sql, last) => sql`and o.id < ${last}`,
    keyOf: ({ id }) => id,
  },
  createdAt: {
    form: idForm,
    order: (sql) => sql`id`,
    after: (sql, last) => sql`and o.id > ${last}`,
    keyOf: ({ id }) => id,
  },
  total: {
    ...byTotal,
    order: (sql) => sql`total, id`,
    after: (sql, last) => sql`and (o.total, o.id) > (${pair(last)[0]}, ${pair(last)[1]})`,
  },
  '-total': {
    ...byTotal,
    order: (sql) => sql`total desc, id desc`,
    after: (sql, last) => sql`and (o.total, o.id) < (${pair(last)[0]}, ${pair(last)[1]})`,
  },
};
