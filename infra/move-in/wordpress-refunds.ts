import type { Row } from './mysql.ts';
import { type Item, readItems } from './wordpress-items.ts';
import { idsOf, readMeta, type Wordpress } from './wordpress-tables.ts';

type Refund = { id: string; orderId: string; date: string | null; amount: string };

/** What was given back of some orders, by the orders' ids. Refunds are orders of their own, below nothing, with the items that they name. */
export async function readRefunds(wordpress: Wordpress, orderIds: readonly number[]): Promise<Map<string, Row[]>> {
  const { query, table, hasOrderTables } = wordpress;
  const refunds = await query<Refund>(
    hasOrderTables
      ? `select id, parent_order_id as orderId, date_created_gmt as date, -total_amount as amount from ${table('wc_orders')}
         where type = 'shop_order_refund' and parent_order_id in (?) order by id`
      : `select p.ID as id, p.post_parent as orderId, p.post_date_gmt as date, m.meta_value as amount from ${table('posts')} p
         join ${table('postmeta')} m on m.post_id = p.ID and m.meta_key = '_refund_amount'
         where p.post_type = 'shop_order_refund' and p.post_parent in (?) order by p.ID`,
    [orderIds],
  );
  const ids = idsOf(refunds);
  const items = await readItems(wordpress, ids);
  const where = hasOrderTables
    ? { from: 'wc_orders_meta', id: 'order_id', key: 'id' }
    : { from: 'postmeta', id: 'post_id' };
  const meta = await readMeta(wordpress, where, ids, ['_refund_reason']);
  const orders = new Map<string, Row[]>();
  for (const { id, orderId, date, amount } of refunds) {
    const of = orders.get(orderId) ?? [];
    const reason = meta.get(id)?._refund_reason ?? '';
    of.push({ id, date: date ?? '', amount: String(amount), reason, ...partsOf(items.get(id) ?? []) });
    orders.set(orderId, of);
  }
  return orders;
}

const partsOf = (items: readonly Item[]) => ({
  line_items: items.flatMap(({ line }) => (line === undefined ? [] : [line])),
  shipping_lines: items.flatMap(({ shipping }) => (shipping === undefined ? [] : [shipping])),
});
