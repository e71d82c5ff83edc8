import { expect, test } from 'vitest';
import { readMapping } from '../../infra/move-in/mapping.ts';
import { toOrder } from '../../infra/move-in/order.ts';
import { toDocument } from '../../infra/move-in/order-document.ts';

const woocommerce = await readMapping('woocommerce');
const lines = [
  { product_id: 7, sku: 'A', name: 'Cup', quantity: 3, subtotal: '30.00', total: '27.00', total_tax: '5.13' },
  { product_id: 8, sku: '', name: 'Pot', quantity: 1, subtotal: '10.00', total: '10.00', total_tax: '1.90' },
];
const row = {
  ...{ id: 5, number: '5', status: 'completed', currency: 'EUR', date_created_gmt: '2024-01-31T23:00:00' },
  ...{
    total: '49.98',
    shipping_total: '5.00',
    shipping_tax: '0.95',
    customer_id: 0,
    billing: { email: 'a@b.example' },
  },
  line_items: lines,
};
const order = (own: object) => toOrder({ ...row, ...own }, woocommerce);

test('refunds count for the lines that they name, and never for more than was paid', () => {
  const { refunds, notes } = order({
    refunds: [
      {
        ...{ id: 90, date_created_gmt: '2024-02-03 10:00:00', amount: '12.71', reason: 'Broken' },
        line_items: [{ product_id: 7, sku: 'A', name: 'Cup', quantity: -1, total: '-9.00', total_tax: '-1.71' }],
        shipping_lines: [{ total: '-1.68', total_tax: '-0.32' }],
      },
      {
        ...{ id: 91, date_created_gmt: '2024-03-03 10:00:00', amount: '25.00' },
        line_items: [
          { product_id: 7, name: 'Cup', quantity: -9, total: '-90.00', total_tax: '0' },
          { product_id: 99, name: 'Elsewhere', quantity: -1, total: '-1.00' },
        ],
      },
    ],
  });
  expect(refunds).toMatchObject([
    {
      ...{ amount: 1271, reason: 'Broken', shipping: 200, at: new Date('2024-02-03T10:00:00Z') },
      lines: [{ line: 0, quantity: 1, amount: 1071, discount: 100, tax: 171 }],
    },
    { amount: 2500, shipping: 0, lines: [{ line: 0, quantity: 2, amount: 2142 }] },
  ]);
  expect(refunds[0]!.id).toMatch(/^rfd_[0-9a-f]{32}$/);
  expect(notes).toEqual(['orders with refunds of things that are not in them, which name no lines']);
});

test('one refund of all that was paid is of every line and of the shipping', () => {
  const { refunds } = order({ status: 'refunded', refunds: [{ id: 1, total: '-49.98', date: '2024-02-01 00:00:00' }] });
  expect(refunds).toMatchObject([
    {
      ...{ amount: 4998, shipping: 595 },
      lines: [
        { line: 0, quantity: 3, amount: 3213 },
        { line: 1, quantity: 1, amount: 1190 },
      ],
    },
  ]);
  const record = order({ status: 'refunded', refunds: [{ id: 1, total: '-49.98', date: '2024-02-01 00:00:00' }] });
  const { document, key } = toDocument(record, { customerId: 'cus_1', products: new Map(), source: 'woocommerce' });
  // It was sold in January and given back in February.
  expect(document.order).toMatchObject({ status: 'cancelled', confirmed_at: '2024-01-31T23:00:00.000Z' });
  expect(key).toMatchObject({ refunded: 4998, updated_at: '2024-02-01T00:00:00.000Z' });
  expect(document.timeline).toMatchObject([
    { type: 'order-placed' },
    { type: 'status-changed' },
    { type: 'payment-refunded', entry: 2, detail: { amount: { amount: 4998, currency: 'EUR' } } },
  ]);
});

test('what a source does not say of a refund is stated, and what cannot be is refused', () => {
  expect(order({ refunded_total: '5.00', date_modified_gmt: '2024-05-06 00:00:00' })).toMatchObject({
    refunds: [{ amount: 500, lines: [], at: new Date('2024-05-06T00:00:00Z') }],
    notes: [
      'orders with refunds without a time, which count when the order changed last',
      'orders with refunds that name no lines, which reports of products do not see',
    ],
  });
  expect(order({ refunds: 'id:3|date:2020-01-01 00:00:00|amount:-5.00|reason:' })).toMatchObject({
    refunds: [{ amount: 500, reason: 'refunded in the previous shop', at: new Date('2024-01-31T23:00:00Z') }],
  });
  expect(order({ refunded_total: '0.00' }).refunds).toEqual([]);
  expect(order({ status: 'failed', refunded_total: '5.00' }).refunds).toEqual([]);
  expect(order({ status: 'cancelled' }).refunds).toEqual([]);
  expect(() => order({ refunded_total: '49.99' })).toThrow('has refunds of 4999, and its total is 4998 (minor units)');
  expect(() => order({ refunds: [{ amount: 'much' }] })).toThrow('has the refund "much", which is no amount');
});
