import { withoutEntities } from './entities.ts';
import type { Row } from './mysql.ts';
import { type Item, orderItems } from './wordpress-items.ts';
import { readRefunds } from './wordpress-refunds.ts';
import {
  idsOf,
  lastId,
  type Meta,
  pages,
  type ReadKind,
  readMeta,
  timeOfSeconds,
  type Wordpress,
} from './wordpress-tables.ts';

/** Carts that were left behind, and what is in the bin, were never orders. */
const notOrders = "'trash', 'auto-draft', 'checkout-draft', 'wc-checkout-draft', 'draft'";

/** Orders in the order in which they were placed: from tables of their own, or as posts. */
export const readOrders: ReadKind = async function* (wordpress, onShare) {
  const { hasOrderTables, table } = wordpress;
  const [name, id] = hasOrderTables ? [table('wc_orders'), 'id'] : [table('posts'), 'ID'];
  const of = hasOrderTables ? "type = 'shop_order'" : "post_type = 'shop_order'";
  const last = await lastId(wordpress, `select max(${id}) as id from ${name} where ${of}`);
  for await (const some of hasOrderTables ? fromTables(wordpress) : fromPosts(wordpress)) {
    const ids = idsOf(some);
    const [items, refunded] = [await orderItems(wordpress, ids), await readRefunds(wordpress, ids)];
    for (const { id, row } of some) {
      onShare(Number(id) / last);
      yield { ...row, ...withItems(items.get(id) ?? []), refunds: refunded.get(id) ?? [] };
    }
  }
};

function withItems(items: readonly Item[]): Row {
  const named = (type: Item['type']) => items.filter((item) => item.type === type).map(({ name }) => name);
  return {
    shipping_method: withoutEntities(named('shipping').join(', ')),
    coupon_code: named('coupon')[0] ?? '',
    line_items: items.flatMap(({ line }) => (line === undefined ? [] : [line])),
  };
}

type Some = { id: string; row: Row }[];

type OrderRow = {
  id: string;
  status: string;
  currency: string | null;
  total: string | null;
  customer: string | null;
  email: string | null;
  date: string | null;
  changed: string | null;
  payment: string | null;
  note: string | null;
  shipping: string | null;
  shippingTax: string | null;
  completed: string | null;
};

async function* fromTables(wordpress: Wordpress): AsyncGenerator<Some> {
  const { table, query } = wordpress;
  const orders = pages<OrderRow>(
    wordpress,
    `select o.id, o.status, o.currency, o.total_amount as total, o.customer_id as customer, o.billing_email as email,
       o.date_created_gmt as date, o.date_updated_gmt as changed, o.payment_method as payment, o.customer_note as note,
       d.shipping_total_amount as shipping, d.shipping_tax_amount as shippingTax, d.date_completed_gmt as completed
     from ${table('wc_orders')} o left join ${table('wc_order_operational_data')} d on d.order_id = o.id
     where o.type = 'shop_order' and o.status not in (${notOrders}) and o.id > ? order by o.id limit ?`,
  );
  for await (const some of orders) {
    const addresses = new Map<string, Row>();
    const rows = await query<{ order_id: string; address_type: string }>(
      `select order_id, address_type, first_name, last_name, company, address_1, address_2, city, state, postcode, country,
         email, phone from ${table('wc_order_addresses')} where order_id in (?)`,
      [idsOf(some)],
    );
    for (const { order_id, address_type, ...address } of rows) addresses.set(`${order_id} ${address_type}`, address);
    const meta = await readMeta(
      wordpress,
      { from: 'wc_orders_meta', id: 'order_id', key: 'id' },
      idsOf(some),
      numberNames,
    );
    yield some.map(({ id, ...order }) => ({
      id,
      row: {
        ...{ order_id: id, order_number: numberOf(id, meta.get(id)), status: order.status },
        ...{ order_currency: order.currency ?? '', order_total: order.total ?? '', date: order.date ?? '' },
        ...{ customer_id: order.customer ?? '0', payment_method: order.payment ?? '', customer_note: order.note ?? '' },
        ...{ shipping_total: order.shipping ?? '', shipping_tax_total: order.shippingTax ?? '' },
        completed_date: order.completed ?? order.changed ?? '',
        billing: { ...addresses.get(`${id} billing`), email: order.email ?? '' },
        shipping: addresses.get(`${id} shipping`) ?? {},
      },
    }));
  }
}

/** What plug-ins for numbers in a row keep them in. */
const numberNames = ['_order_number'];
const numberOf = (id: string, meta: Meta | undefined): string =>
  /^\d+$/.test(meta?._order_number ?? '') ? meta!._order_number! : id;

const addressNames = [
  ...['first_name', 'last_name', 'company', 'address_1', 'address_2', 'city', 'state', 'postcode', 'country'],
  ...['email', 'phone'],
];
const postNames = [
  ...numberNames,
  ...['_customer_user', '_order_currency', '_order_total', '_order_shipping', '_order_shipping_tax', '_payment_method'],
  ...['_date_completed', '_customer_user'],
  ...['billing', 'shipping'].flatMap((kind) => addressNames.map((name) => `_${kind}_${name}`)),
];

async function* fromPosts(wordpress: Wordpress): AsyncGenerator<Some> {
  type Post = { id: string; status: string; date: string; changed: string; note: string };
  const posts = pages<Post>(
    wordpress,
    `select ID as id, post_status as status, post_date_gmt as date, post_modified_gmt as changed, post_excerpt as note
     from ${wordpress.table('posts')}
     where post_type = 'shop_order' and post_status not in (${notOrders}) and ID > ? order by ID limit ?`,
  );
  for await (const some of posts) {
    const meta = await readMeta(wordpress, { from: 'postmeta', id: 'post_id' }, idsOf(some), postNames);
    yield some.map(({ id, status, date, changed, note }) => {
      const own = meta.get(id) ?? {};
      const address = (kind: string) =>
        Object.fromEntries(addressNames.map((name) => [name, own[`_${kind}_${name}`] ?? '']));
      return {
        id,
        row: {
          ...{ order_id: id, order_number: numberOf(id, own), status, date, customer_note: note },
          ...{ order_currency: own._order_currency ?? '', order_total: own._order_total ?? '' },
          ...{ customer_id: own._customer_user ?? '0', payment_method: own._payment_method ?? '' },
          ...{ shipping_total: own._order_shipping ?? '', shipping_tax_total: own._order_shipping_tax ?? '' },
          completed_date: timeOfSeconds(own._date_completed) || changed,
          billing: address('billing'),
          shipping: address('shipping'),
        },
      };
    });
  }
}
