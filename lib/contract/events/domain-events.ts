import * as z from 'zod/mini';
import { id, money } from '../api/common.ts';

import { defineEvent, type EventDefinition, field } from './define-event.ts';

const orderId = field(id('order'), 'Id of the order.');
const customerId = field(id('customer'), 'Id of the customer who placed the order.');
const reason = field(
  z.string().check(z.regex(/^[a-z]+(-[a-z]+)*$/)),
  'Code of the failure: `failure.code` of the order in the API.',
);

const exampleIds = {
  orderId: 'ord_0197f3a1c0de7a1b8c2d3e4f5a6b7c8d',
  customerId: 'cus_0197f3a1b7e27c3d9a1b2c3d4e5f6a7b',
};

export const orderPlaced = defineEvent('order.placed', 1, {
  description: 'A customer placed an order. Neither stock nor money has been taken yet.',
  data: {
    orderId,
    customerId,
    lines: field(
      z.array(
        z.strictObject({
          productId: field(id('product'), 'Id of the product.'),
          sku: field(z.string(), 'SKU of the product when the order was placed.'),
          name: field(z.string(), 'Name of the product when the order was placed.'),
          quantity: field(z.int().check(z.gte(1)), 'How many units are ordered.'),
          unitPrice: field(money, 'Price of one unit when the order was placed.'),
          total: field(money, 'Unit price times quantity.'),
        }),
      ),
      'The products, in the order in which the customer named them. No product occurs twice.',
    ),
    subtotal: field(money, 'Sum of the lines.'),
    discount: field(
      z.nullable(z.extend(money, { reason: z.enum(['premium-customer', 'large-order']) })),
      'What is taken off the subtotal, and why. `null` if nothing is.',
    ),
    total: field(money, 'What the customer pays: the subtotal without the discount.'),
  },
  example: {
    ...exampleIds,
    lines: [
      {
        productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
        sku: 'TEAPOT-1',
        name: 'Teapot',
        quantity: 2,
        unitPrice: { amount: 1900, currency: 'EUR' },
        total: { amount: 3800, currency: 'EUR' },
      },
    ],
    subtotal: { amount: 3800, currency: 'EUR' },
    discount: { amount: 380, currency: 'EUR', reason: 'premium-customer' },
    total: { amount: 3420, currency: 'EUR' },
  },
});

export const orderConfirmed = defineEvent('order.confirmed', 1, {
  description: 'An order is paid and its stock is committed. It can be shipped.',
  data: {
    orderId,
    customerId,
    paymentId: field(id('payment'), 'Id of the payment.'),
    total: field(money, 'What the customer paid.'),
  },
  example: {
    ...exampleIds,
    paymentId: 'pay_0197f3a1c4b17d2e8f3a4b5c6d7e8f9a',
    total: { amount: 3420, currency: 'EUR' },
  },
});

export const orderFailed = defineEvent('order.failed', 1, {
  description: 'An order ended without being confirmed. No money and no stock of it is kept.',
  data: { orderId, customerId, reason },
  example: { ...exampleIds, reason: 'payment-declined' },
});

export const orderCancelled = defineEvent('order.cancelled', 1, {
  description: 'An order that its customer cancelled has ended. No money and no stock of it is kept.',
  data: { orderId, customerId },
  example: exampleIds,
});

export const orderInReview = defineEvent('order.in_review', 1, {
  description:
    'The compensation of an order failed, so the order waits in manual review with the status `needs_attention`. An order can be put into manual review more than once, and each time is an event of its own.',
  data: { orderId, customerId, reason },
  example: { ...exampleIds, reason: 'compensation-failed' },
});

const refund = {
  refundId: field(id('refund'), 'Id of the refund.'),
  orderId,
  customerId,
  amount: field(money, 'What the refund gives back.'),
};

const refundExample = {
  refundId: 'rfd_0197f3b2d0127e3f8a4b5c6d7e8f9a0b',
  ...exampleIds,
  amount: { amount: 500, currency: 'EUR' },
};

export const refundSucceeded = defineEvent('refund.succeeded', 1, {
  description: 'The payment provider gave back part of what an order was paid with.',
  data: refund,
  example: refundExample,
});

export const refundFailed = defineEvent('refund.failed', 1, {
  description: 'The payment provider refused a refund for good. No money was given back.',
  data: {
    ...refund,
    reason: field(z.string().check(z.minLength(1)), 'Code of the refusal: `failure.code` of the refund.'),
  },
  example: { ...refundExample, reason: 'disputed' },
});

export const customerErased = defineEvent('customer.erased', 1, {
  description:
    'A customer’s personal data was erased. Erase what you have copied of it: their e-mail address, name and address. Their orders stay, under the same id.',
  data: { customerId: field(id('customer'), 'Id of the customer.') },
  example: { customerId: exampleIds.customerId },
});

const product = {
  productId: field(id('product'), 'Id of the product.'),
  sku: field(z.string(), 'Its SKU.'),
  name: field(z.string(), 'Its name.'),
  price: field(money, 'Price of one unit.'),
  active: field(z.boolean(), 'Whether it is on sale.'),
};

const productExample = {
  productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
  sku: 'TEAPOT-1',
  name: 'Teapot',
  price: { amount: 1900, currency: 'EUR' },
  active: true,
};

export const productCreated = defineEvent('product.created', 1, {
  description: 'A product was added to the catalogue.',
  data: product,
  example: productExample,
});

export const productUpdated = defineEvent('product.updated', 1, {
  description: 'A product changed. The event holds it as it is now, whatever has changed.',
  data: product,
  example: { ...productExample, active: false },
});

/** Every kind of event that the outbox may hold. */
export const domainEvents: readonly EventDefinition[] = [
  orderPlaced,
  orderConfirmed,
  orderFailed,
  orderCancelled,
  orderInReview,
  refundSucceeded,
  refundFailed,
  customerErased,
  productCreated,
  productUpdated,
];
