import { readFile } from 'node:fs/promises';
import { serialize } from 'php-serialize';
import { couponRows, customerRows, decimal, named, orderRows, productRows, type Sizes } from './test-shop.ts';

/*
 * The same shop as the files of WooCommerce, in its database, and besides what only a database has: what is in the bin, carts, a
 * refund, fees.
 */

type Values = readonly (string | number | null)[];
type Named = Record<string, string>;
/** Posts share their ids. */
const firstCoupon = 30_000_000;
const firstOrder = 10_000_000;

export async function wordpressFiles(
  sizes: Sizes,
  options: { hasOrderTables: boolean },
): Promise<Record<'shop.sql', AsyncIterable<string>>> {
  return { 'shop.sql': shop(sizes, options) };
}

async function* shop(sizes: Sizes, { hasOrderTables }: { hasOrderTables: boolean }): AsyncGenerator<string> {
  yield await readFile(new URL('test-shop-wordpress.sql', import.meta.url), 'utf8');
  const settings = {
    siteurl: 'https://old-shop.example',
    woocommerce_currency: 'EUR',
    woocommerce_weight_unit: 'kg',
    woocommerce_custom_orders_table_enabled: hasOrderTables ? 'yes' : 'no',
  };
  yield* inserts('wp_options (option_name, option_value)', Object.entries(settings));
  yield* people(sizes);
  yield* terms();
  yield* products(sizes);
  yield* coupons();
  yield* hasOrderTables ? ordersInTables(sizes) : ordersAsPosts(sizes);
  yield* inserts(
    'wp_woocommerce_order_items (order_item_id, order_item_name, order_item_type, order_id)',
    items(sizes),
  );
  yield* inserts('wp_woocommerce_order_itemmeta (order_item_id, meta_key, meta_value)', itemMeta(sizes));
}

const rowsAtOnce = 500;

async function* inserts(into: string, rows: Iterable<Values> | AsyncIterable<Values>): AsyncGenerator<string> {
  let some: string[] = [];
  const statement = () => `insert into ${into} values\n${some.join(',\n')};\n`;
  for await (const row of rows) {
    some.push(`(${row.map(literal).join(', ')})`);
    if (some.length < rowsAtOnce) continue;
    yield statement();
    some = [];
  }
  if (some.length > 0) yield statement();
}

const literal = (value: string | number | null): string =>
  value === null ? 'null' : typeof value === 'number' ? String(value) : `'${value.replaceAll(/[\\']/g, '\\$&')}'`;

const metaOf = (id: number | string, values: Record<string, string | undefined>): Values[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[id, name, value]]));

async function* people(sizes: Sizes): AsyncGenerator<string> {
  const users: Values[] = [];
  const meta: Values[] = [];
  const flush = async function* () {
    yield* inserts('wp_users (ID, user_login, user_pass, user_email, user_registered)', users.splice(0));
    yield* inserts('wp_usermeta (user_id, meta_key, meta_value)', meta.splice(0));
  };
  for await (const row of customerRows(sizes)) {
    const {
      customer_id: id = '',
      user_login,
      user_pass,
      user_email,
      user_registered,
      ...own
    } = named('customers', row);
    users.push([id, user_login!, user_pass!, user_email!, user_registered!]);
    meta.push(
      ...metaOf(id, { ...own, billing_first_name: own.first_name, billing_last_name: own.last_name }),
      ...metaOf(id, { wp_capabilities: serialize({ customer: true }), nickname: user_login }),
    );
    if (users.length === rowsAtOnce) yield* flush();
  }
  yield* flush();
}

/** With their ids, and those of the terms above them. */
const categories = {
  Home: [10, 0],
  Kitchen: [11, 10],
  Garden: [12, 10],
  Clothing: [13, 0],
  Office: [14, 0],
  Paper: [15, 14],
};
const types = { simple: 1, variable: 2 };
const sizesOfShirts = { S: 21, M: 22 };

async function* terms(): AsyncGenerator<string> {
  const all: [id: number, name: string, taxonomy: string, parent: number][] = [
    ...Object.entries(types).map(([name, id]) => [id, name, 'product_type', 0] as [number, string, string, number]),
    ...Object.entries(categories).map(
      ([name, [id, parent]]) => [id, name, 'product_cat', parent] as [number, string, string, number],
    ),
    ...Object.entries(sizesOfShirts).map(([name, id]) => [id, name, 'pa_size', 0] as [number, string, string, number]),
  ];
  yield* inserts(
    'wp_terms (term_id, name, slug)',
    all.map(([id, name]) => [id, name, name.toLowerCase()]),
  );
  yield* inserts(
    'wp_term_taxonomy (term_taxonomy_id, term_id, taxonomy, parent)',
    // As in old shops, where a term's id is not that of its taxonomy.
    all.map(([id, , taxonomy, parent]) => [id + 100, id, taxonomy, parent]),
  );
  yield* inserts(
    'wp_woocommerce_attribute_taxonomies (attribute_name, attribute_label, attribute_type, attribute_orderby)',
    [['size', 'Size', 'select', 'menu_order']],
  );
}

const postColumns =
  'wp_posts (ID, post_type, post_status, post_title, post_content, post_excerpt, post_parent, post_date_gmt, post_modified_gmt)';
const post = (
  id: number,
  type: string,
  { status = 'publish', title = '', text = '', excerpt = '', parent = 0, date = '2021-01-01 00:00:00' },
): Values => [id, type, status, title, text, excerpt, parent, date, date];

async function* products(sizes: Sizes): AsyncGenerator<string> {
  const all = [...productRows(sizes)].map((row) => named('products', row));
  const idOf = new Map(all.map(({ SKU, ID }) => [SKU, Number(ID)]));
  const isVariant = ({ Type }: Named) => Type === 'variation';
  yield* inserts(postColumns, [
    ...all.map((row) =>
      post(Number(row.ID), isVariant(row) ? 'product_variation' : 'product', {
        status: row.Published === '1' ? 'publish' : 'draft',
        title: row.Name!.replaceAll('&', '&amp;'),
        text: row.Description!,
        parent: idOf.get(row.Parent!) ?? 0,
      }),
    ),
    post(firstCoupon - 1, 'product', { status: 'trash', title: 'In the bin' }),
    post(firstCoupon - 2, 'page', { title: 'About this shop' }),
  ]);
  yield* inserts(
    'wp_postmeta (post_id, meta_key, meta_value)',
    all.flatMap((row) => metaOf(row.ID!, productMeta(row))),
  );
  yield* inserts(
    'wp_term_relationships (object_id, term_taxonomy_id)',
    all
      .filter((row) => !isVariant(row))
      .flatMap(({ ID, Type, Categories = '' }) =>
        [
          types[Type as keyof typeof types],
          ...(Categories === ''
            ? []
            : Categories.split(' > ').map((name) => categories[name as keyof typeof categories][0]!)),
          ...(Type === 'variable' ? Object.values(sizesOfShirts) : []),
        ].map((term): Values => [ID!, term + 100]),
      ),
  );
}

const productMeta = (row: Named): Record<string, string | undefined> => {
  const isVariable = row.Type === 'variable';
  const attribute = { name: 'pa_size', value: '', position: 0, is_visible: 1, is_variation: 1, is_taxonomy: 1 };
  return {
    _sku: row.SKU,
    ...(row['Regular price'] === '' ? {} : { _regular_price: row['Regular price'], _price: row['Regular price'] }),
    ...{ _sale_price: '', _weight: row['Weight (kg)'], _tax_class: '' },
    ...{ _manage_stock: row.Stock === '' ? 'no' : 'yes', _stock: row.Stock === '' ? undefined : row.Stock },
    _product_attributes: isVariable ? serialize({ pa_size: attribute }) : undefined,
    attribute_pa_size: row.Type === 'variation' ? row['Attribute 1 value(s)']!.toLowerCase() : undefined,
  };
};

async function* coupons(): AsyncGenerator<string> {
  const all = [...couponRows()].map((row) => named('coupons', row));
  yield* inserts(
    postColumns,
    all.map(({ code }, at) => post(firstCoupon + at, 'shop_coupon', { title: code! })),
  );
  yield* inserts(
    'wp_postmeta (post_id, meta_key, meta_value)',
    all.flatMap(({ code: _, amount, date_expires: ends = '', ...own }, at) =>
      metaOf(firstCoupon + at, {
        ...own,
        ...{
          coupon_amount: amount!,
          product_ids: '',
          product_categories: serialize([]),
          customer_email: serialize([]),
        },
        ...{ individual_use: 'no', exclude_sale_items: 'no', free_shipping: 'no', limit_usage_to_x_items: '0' },
        date_expires: ends === '' ? '' : String(Date.parse(ends) / 1000),
      }),
    ),
  );
}

type Item = { type: string; name: string; meta: Record<string, string> };
type Order = { id: number; order: Named; items: Item[]; refunded?: string };

/** The orders of the files, and one with fees of which a part was refunded. */
function* orders(sizes: Sizes): Generator<Order> {
  let [n, last]: [number, Named | undefined] = [0, undefined];
  for (const row of orderRows(sizes)) {
    const order = named('orders', row);
    yield { id: firstOrder + ++n, order, items: itemsOf(order) };
    if (n <= sizes.orders) last = order;
  }
  if (last === undefined) return;
  const fee = (name: string, amount: string): Item => ({
    type: 'fee',
    name,
    meta: { _line_total: amount, _line_tax: '0', _line_subtotal: amount },
  });
  // A wrapping for 3, and one off for paying in advance.
  const total = decimal(Math.round(Number(last.order_total) * 100) + 200);
  yield {
    id: firstOrder + ++n,
    order: { ...last, order_number: String(1000 + n), status: 'completed', order_total: total },
    items: [...itemsOf(last), fee('Wrapping &amp; card', '3'), fee('Paid in advance', '-1')],
    refunded: '5.00',
  };
}

function itemsOf(order: Named): Item[] {
  const line = Object.fromEntries(
    order
      .line_items!.split('|')
      .map((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1)]),
  ) as Named;
  return [
    {
      type: 'line_item',
      name: line.name!,
      meta: {
        ...{ _product_id: line.product_id!, _variation_id: '0', _qty: line.quantity!, _line_subtotal: line.sub_total! },
        ...{ _line_total: line.total!, _line_tax: line.total_tax! },
      },
    },
    { type: 'shipping', name: order.shipping_method!, meta: { method_id: 'flat_rate', cost: order.shipping_total! } },
    ...(order.coupon_code === '' ? [] : [{ type: 'coupon', name: order.coupon_code!, meta: { discount_amount: '1' } }]),
  ];
}

function* items(sizes: Sizes): Generator<Values> {
  let id = 0;
  for (const order of orders(sizes)) for (const { name, type } of order.items) yield [++id, name, type, order.id];
}

function* itemMeta(sizes: Sizes): Generator<Values> {
  let id = 0;
  for (const order of orders(sizes)) for (const { meta } of order.items) yield* metaOf(++id, meta);
}

const addressFields = ['first_name', 'last_name', 'address_1', 'city', 'postcode', 'country'];

async function* ordersInTables(sizes: Sizes): AsyncGenerator<string> {
  const rows = function* (of: (order: Order) => Values | undefined): Generator<Values> {
    for (const order of orders(sizes)) {
      const values = of(order);
      if (values !== undefined) yield values;
    }
  };
  const columns =
    'wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, date_updated_gmt, parent_order_id, payment_method, customer_note)';
  yield* inserts(
    columns,
    rows(({ id, order }) => [
      ...[id, `wc-${order.status}`, order.order_currency!, 'shop_order', order.order_total!, order.customer_id!],
      ...[order.billing_email!, order.date!, order.date!, 0, order.payment_method!, ''],
    ]),
  );
  yield* inserts(columns, [
    ...[
      ...rows(({ id, refunded }) =>
        refunded === undefined
          ? undefined
          : [id + 1, 'wc-completed', 'EUR', 'shop_order_refund', `-${refunded}`, 0, '', null, null, id, '', ''],
      ),
    ],
    [firstCoupon - 3, 'trash', 'EUR', 'shop_order', '1', 1, '', '2021-01-01 00:00:00', null, 0, '', ''],
    [firstCoupon - 4, 'wc-checkout-draft', 'EUR', 'shop_order', '1', 1, '', '2021-01-01 00:00:00', null, 0, '', ''],
  ]);
  yield* inserts(
    `wp_wc_order_addresses (order_id, address_type, ${addressFields.join(', ')}, email)`,
    rows(({ id, order }) => [
      ...[id, 'billing', ...addressFields.map((name) => order[`billing_${name}`]!)],
      order.billing_email!,
    ]),
  );
  yield* inserts(
    'wp_wc_order_operational_data (order_id, date_completed_gmt, shipping_total_amount, shipping_tax_amount)',
    rows(({ id, order }) => [
      ...[id, order.status === 'completed' ? order.date! : null, order.shipping_total!, order.shipping_tax_total!],
    ]),
  );
  yield* inserts(
    'wp_wc_orders_meta (order_id, meta_key, meta_value)',
    rows(({ id, order }) => [id, '_order_number', order.order_number!]),
  );
}

async function* ordersAsPosts(sizes: Sizes): AsyncGenerator<string> {
  const posts = function* (): Generator<Values> {
    for (const { id, order, refunded } of orders(sizes)) {
      yield post(id, 'shop_order', { status: `wc-${order.status}`, date: order.date! });
      if (refunded !== undefined) yield post(id + 1, 'shop_order_refund', { status: 'wc-completed', parent: id });
    }
    yield post(firstCoupon - 3, 'shop_order', { status: 'trash' });
    yield post(firstCoupon - 4, 'shop_order', { status: 'auto-draft' });
  };
  const meta = function* (): Generator<Values> {
    for (const { id, order, refunded } of orders(sizes)) {
      yield* metaOf(id, {
        ...{ _order_number: order.order_number, _customer_user: order.customer_id, _order_total: order.order_total },
        ...{ _order_currency: order.order_currency, _order_shipping: order.shipping_total },
        ...{ _order_shipping_tax: order.shipping_tax_total, _payment_method: order.payment_method },
        _date_completed: order.status === 'completed' ? String(Date.parse(`${order.date}Z`) / 1000) : undefined,
        _billing_email: order.billing_email,
        ...Object.fromEntries(addressFields.map((name) => [`_billing_${name}`, order[`billing_${name}`]])),
      });
      if (refunded !== undefined) yield* metaOf(id + 1, { _refund_amount: refunded });
    }
  };
  yield* inserts(postColumns, posts());
  yield* inserts('wp_postmeta (post_id, meta_key, meta_value)', meta());
}
