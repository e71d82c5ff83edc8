import { expect, test } from 'vitest';
import { type OrderRow, toOrder } from '../../lib/shop/orders/order.ts';
import { detailsOf } from '../../lib/shop/orders/place.ts';

const progress = { fulfilled: 2, shipped: 1, delivered: 1, returned: 0, cancelled: 0 };

const row: OrderRow = {
  ...detailsOf({}),
  id: 'ord_1',
  number: 'CF-10001',
  placedBy: null,
  customerId: 'cus_1',
  status: 'confirmed',
  fulfilmentStatus: 'partially_fulfilled',
  currency: 'EUR',
  subtotal: 2000,
  discountAmount: 0,
  discountReason: null,
  couponCode: null,
  shippingMethod: null,
  shippingAmount: 0,
  shippingTax: 0,
  shippingTaxRate: null,
  taxAmount: 0,
  taxIncluded: null,
  reverseCharge: false,
  total: 2000,
  failureCode: null,
  failureDetail: null,
  paymentId: null,
  paymentStatus: null,
  paymentRefunded: null,
  paymentAction: null,
  lines: [
    {
      ...{ productId: 'prd_1', sku: 'MUG', name: 'Mug', quantity: 2, unitPrice: 1000, total: 2000 },
      ...{ discount: 0, tax: 0, taxRate: null, taxClass: 'standard', weight: 350 },
      ...progress,
    },
  ],
  createdAt: new Date('2026-03-14T09:00:00Z'),
  updatedAt: new Date('2026-03-14T09:00:01Z'),
  version: 4,
  archived: false,
};

test('an order without discount, payment and failure says that there is none', () => {
  const euros = (amount: number) => ({ amount, currency: 'EUR' });
  expect(toOrder(row)).toEqual({
    ...detailsOf({}),
    metadata: {},
    id: 'ord_1',
    number: 'CF-10001',
    placedBy: null,
    status: 'confirmed',
    fulfilmentStatus: 'partially_fulfilled',
    customerId: 'cus_1',
    lines: [
      {
        ...{ productId: 'prd_1', sku: 'MUG', name: 'Mug', quantity: 2, unitPrice: euros(1000), total: euros(2000) },
        ...{ discount: euros(0), tax: euros(0), taxRate: null },
        ...progress,
      },
    ],
    subtotal: euros(2000),
    discount: null,
    couponCode: null,
    shipping: null,
    tax: null,
    total: euros(2000),
    payment: null,
    paymentAction: null,
    failure: null,
    createdAt: '2026-03-14T09:00:00.000Z',
    updatedAt: '2026-03-14T09:00:01.000Z',
    version: 4,
    archived: false,
  });
});

test('shipping and tax are shown with what they are of', () => {
  const shown = toOrder({
    ...row,
    ...{
      couponCode: 'SPRING',
      shippingMethod: 'parcel',
      shippingAmount: 595,
      shippingTax: 95,
      shippingTaxRate: 190_000,
    },
    ...{ taxAmount: 414, taxIncluded: true, reverseCharge: false, total: 2595 },
  });
  const euros = (amount: number) => ({ amount, currency: 'EUR' });
  expect(shown).toMatchObject({
    couponCode: 'SPRING',
    shipping: { ...euros(595), method: 'parcel', tax: euros(95), taxRate: 190_000 },
    tax: { ...euros(414), included: true, reverseCharge: false },
  });
});

test('a discount is shown with its reason, a payment with what of it was given back, a failure with its words', () => {
  const shown = toOrder({
    ...row,
    discountAmount: 200,
    discountReason: 'premium-customer',
    total: 1800,
    failureCode: 'payment-declined',
    failureDetail: 'The card was declined.',
    paymentId: 'pay_1',
    paymentStatus: 'captured',
    paymentRefunded: 300,
  });
  expect(shown).toMatchObject({
    discount: { amount: 200, currency: 'EUR', reason: 'premium-customer' },
    payment: { id: 'pay_1', status: 'captured', refunded: { amount: 300, currency: 'EUR' } },
    failure: { code: 'payment-declined', detail: 'The card was declined.' },
  });
});
