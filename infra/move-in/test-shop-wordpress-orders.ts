import { decimal, named, orderRows, type Sizes } from './test-shop.ts';
import { firstCoupon, inserts, metaOf, type Named, post, postColumns, type Values } from './test-shop-sql.ts';

const firstOrder = 10_000_000;

type Item = { type: string; name: string; meta: Record<string, string> };
/** Of the whole order, or of items. */
type Refund = { id: number; date: string; amount: string; reason: string; items: Item[] };
type Order = { id: number; order: Named; items: Item[]; refunds: Refund[] };

/** Refunds are orders of their own. */
const firstRefund = 2 * firstOrder;

/** The orders of the files, and one with fees of which a wrapping and a part of the shipping were refunded. */
function* orders(sizes: Sizes): Generator<Order> {
  let [n, last]: [number, Named | undefined] = [0, undefined];
  for (const row of orderRows(sizes)) {
    const order = named('orders', row);
    yield { id: firstOrder + ++n, order, items: itemsOf(order), refunds: refundsOf(order) };
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
    refunds: [
      {
        ...{ id: firstRefund + n, date: '2025-02-03 10:11:12', amount: '5.00', reason: 'No wrapping' },
        items: [
          fee('Wrapping &amp; card', '-3'),
          { type: 'shipping', name: 'Parcel', meta: { cost: '-1.68', total_tax: '-0.32' } },
        ],
      },
    ],
  };
}

function refundsOf(order: Named): Refund[] {
  if (order.refunds === '') return [];
  const [id, date, amount, reason] = order.refunds!.split('|').map((field) => field.slice(field.indexOf(':') + 1));
  return [{ id: firstRefund + Number(id), date: date!, amount: amount!, reason: reason!, items: [] }];
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

export function* items(sizes: Sizes): Generator<Values> {
  let id = 0;
  for (const { name, type, of } of itemsOfAll(sizes)) yield [++id, name, type, of];
}

export function* itemMeta(sizes: Sizes): Generator<Values> {
  let id = 0;
  for (const { meta } of itemsOfAll(sizes)) yield* metaOf(++id, meta);
}

/** Each with the id of its order or refund. */
function* itemsOfAll(sizes: Sizes): Generator<Item & { of: number }> {
  for (const { id, items: own, refunds } of orders(sizes))
    for (const { id: of, items: some } of [{ id, items: own }, ...refunds])
      for (const item of some) yield { ...item, of };
}

function* refundsOfAll(sizes: Sizes): Generator<Refund & { order: Order }> {
  for (const order of orders(sizes)) for (const refund of order.refunds) yield { ...refund, order };
}

const addressFields = ['first_name', 'last_name', 'address_1', 'city', 'postcode', 'country'];

export async function* ordersInTables(sizes: Sizes): AsyncGenerator<string> {
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
    ...[...refundsOfAll(sizes)].map(({ id, date, amount, order }) => [
      ...[id, 'wc-completed', order.order.order_currency!, 'shop_order_refund', `-${amount}`, 0, '', date, date],
      ...[order.id, '', ''],
    ]),
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
  yield* inserts(
    'wp_wc_orders_meta (order_id, meta_key, meta_value)',
    [...refundsOfAll(sizes)].map(({ id, reason }) => [id, '_refund_reason', reason]),
  );
}

export async function* ordersAsPosts(sizes: Sizes): AsyncGenerator<string> {
  const posts = function* (): Generator<Values> {
    for (const { id, order } of orders(sizes))
      yield post(id, 'shop_order', { status: `wc-${order.status}`, date: order.date! });
    for (const { id, date, order } of refundsOfAll(sizes))
      yield post(id, 'shop_order_refund', { status: 'wc-completed', parent: order.id, date });
    yield post(firstCoupon - 3, 'shop_order', { status: 'trash' });
    yield post(firstCoupon - 4, 'shop_order', { status: 'auto-draft' });
  };
  const meta = function* (): Generator<Values> {
    for (const { id, order } of orders(sizes))
      yield* metaOf(id, {
        ...{ _order_number: order.order_number, _customer_user: order.customer_id, _order_total: order.order_total },
        ...{ _order_currency: order.order_currency, _order_shipping: order.shipping_total },
        ...{ _order_shipping_tax: order.shipping_tax_total, _payment_method: order.payment_method },
        _date_completed: order.status === 'completed' ? String(Date.parse(`${order.date}Z`) / 1000) : undefined,
        _billing_email: order.billing_email,
        ...Object.fromEntries(addressFields.map((name) => [`_billing_${name}`, order[`billing_${name}`]])),
      });
    for (const { id, amount, reason } of refundsOfAll(sizes))
      yield* metaOf(id, { _refund_amount: amount, _refund_reason: reason });
  };
  yield* inserts(postColumns, posts());
  yield* inserts('wp_postmeta (post_id, meta_key, meta_value)', meta());
}
