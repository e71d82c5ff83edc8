import { readFile } from 'node:fs/promises';
import { serialize } from 'php-serialize';
import { couponRows, customerRows, named, productRows, type Sizes } from './test-shop.ts';
import {
  firstCoupon,
  inserts,
  metaOf,
  type Named,
  post,
  postColumns,
  rowsAtOnce,
  type Values,
} from './test-shop-sql.ts';
import { itemMeta, items, ordersAsPosts, ordersInTables } from './test-shop-wordpress-orders.ts';

/*
 * The same shop as the files of WooCommerce, in its database, and besides what only a database has: what is in the bin, carts, a
 * refund, fees.
 */

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
