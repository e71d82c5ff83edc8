import { createHash } from 'node:crypto';
import { derivedId } from '../../lib/kernel/ids.ts';
import type { OrderRecord } from './order.ts';
import type { OrderRefund } from './order-refunds.ts';

/** What a line keeps of its product. */
export type SoldProduct = {
  id: string;
  sku: string;
  oldId: string | null;
  categoryId: string | null;
  brand: string | null;
};
/** An order as the archive keeps it: what its key says, and its rows under the names of their tables. */
export type Archived = {
  key: {
    id: string;
    number: string;
    customer_id: string;
    status: string;
    fulfilment_status: string;
    updated_at: string;
    currency: string;
    total: number;
    refunded: number;
    products: string[];
  };
  placedAt: Date;
  document: Record<string, unknown> & { movedIn: { source: string; id: string; sha256: string } };
};
type Context = { customerId: string; products: ReadonlyMap<string, SoldProduct>; source: string };

/** What an order that was delivered or is paid is here. */
export const statusHere = ({ status }: Pick<OrderRecord, 'status'>) => (status === 'delivered' ? 'confirmed' : status);

/**
 * The document of a past order. `movedIn` marks it, so that it stays in the archive: it has no payment and no stock here.
 */
export function toDocument(record: OrderRecord, { customerId, products, source }: Context): Archived {
  const { id, number, currency, total, placedAt, shipping } = record;
  // What was given back was sold before.
  const confirmed = record.status === 'delivered' || record.status === 'confirmed' || record.refunds.length > 0;
  const status = statusHere(record);
  const changedAt = record.changedAt.toISOString();
  const times = [changedAt, ...record.refunds.map(({ at }) => at.toISOString())];
  const [created_at, updated_at] = [placedAt.toISOString(), times.toSorted().at(-1)!];
  const sum = (of: 'total' | 'discount' | 'tax') => record.lines.reduce((all, line) => all + line[of], 0);
  const discount = sum('discount');
  const tax = sum('tax') + (shipping?.tax ?? 0);
  const order = {
    id,
    number,
    customer_id: customerId,
    status,
    version: 2,
    currency,
    subtotal: sum('total'),
    discount_amount: discount,
    discount_reason: discount === 0 ? null : record.couponCode === null ? 'previous-shop' : 'coupon',
    coupon_code: record.couponCode,
    shipping_method: shipping?.method ?? null,
    shipping_amount: shipping?.amount ?? 0,
    shipping_tax: shipping?.tax ?? 0,
    tax_amount: tax,
    tax_included: tax === 0 ? null : record.taxIncluded,
    reverse_charge: false,
    total,
    payment_method: record.paymentMethod,
    shipping_address: record.shippingAddress,
    billing_address: record.billingAddress,
    contact: record.contact,
    note: record.note,
    metadata: { movedIn: { source, id: record.oldId } },
    failure_code: status === 'failed' ? 'payment-declined' : null,
    failure_detail: status === 'failed' ? 'The order failed in the previous shop.' : null,
    confirmed_at: confirmed ? created_at : null,
    fulfilment_status: record.status === 'delivered' ? 'delivered' : 'unfulfilled',
    compensation_attempts: 0,
    created_at,
    updated_at,
  };
  const lines = record.lines.map((line, index) => {
    const product = products.get(line.sku) ?? products.get(`id:${line.oldProductId}`);
    const done = record.status === 'delivered' ? line.quantity : 0;
    return {
      order_id: id,
      position: index + 1,
      // What is not sold any more has an id that nothing has.
      product_id: product?.id ?? derivedId('product', [source, line.sku, line.oldProductId]),
      sku: line.sku || product?.sku || line.oldProductId,
      name: line.name,
      quantity: line.quantity,
      unit_price: line.unitPrice,
      total: line.total,
      discount: line.discount,
      tax: line.tax,
      fulfilled: done,
      shipped: done,
      delivered: done,
      returned: 0,
      cancelled: 0,
      category_id: product?.categoryId ?? null,
      brand: product?.brand ?? null,
    };
  });
  const timeline = [
    {
      order_id: id,
      version: 1,
      entry: 1,
      type: 'order-placed',
      at: created_at,
      detail: { status: 'pending', total: { amount: total, currency } },
    },
    ...[
      { type: 'status-changed', at: changedAt, detail: { from: 'pending', to: status } as object },
      ...record.refunds.map(({ id: refundId, at, amount }) => ({
        type: 'payment-refunded',
        at: at.toISOString(),
        detail: { refundId, amount: { amount, currency } },
      })),
    ]
      .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
      .map((entry, index) => ({ order_id: id, version: 2, entry: index + 1, ...entry })),
  ];
  const refunds = record.refunds.map((refund) => refundRow(refund, record, lines));
  const none = { reviews: [], payments: [], reservations: [], fulfilments: [], returns: [] };
  const rows = { order, lines, timeline, refunds, ...none };
  const sha256 = createHash('sha256').update(JSON.stringify(record)).digest('hex');
  return {
    key: {
      id,
      number,
      customer_id: customerId,
      status,
      fulfilment_status: order.fulfilment_status,
      updated_at,
      currency,
      total,
      refunded: record.refunds.reduce((all, { amount }) => all + amount, 0),
      products: [...new Set(lines.map(({ product_id }) => product_id.slice(4)))],
    },
    placedAt,
    document: { ...rows, movedIn: { source, id: record.oldId, sha256 } },
  };
}

/** A refund of the archive. It has no payment here: the money went back where it was paid. */
const refundRow = (
  { id, at, amount, reason, lines, shipping }: OrderRefund,
  order: OrderRecord,
  sold: readonly { product_id: string }[],
) => ({
  id,
  order_id: order.id,
  status: 'succeeded',
  currency: order.currency,
  amount,
  reason,
  requested_by: 'previous-shop',
  lines: lines.map(({ line, ...part }) => ({ productId: sold[line]!.product_id, ...part })),
  shipping_amount: shipping,
  attempt: 1,
  reference: id,
  created_at: at.toISOString(),
  updated_at: at.toISOString(),
});
