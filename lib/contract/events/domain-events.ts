import * as z from 'zod/mini';
import { address, contact } from '../api/address.ts';
import { id, money, timestamp } from '../api/common.ts';
import { discountReasons, fulfilmentStatuses, taxRate } from '../api/orders.ts';
import { sentReports } from '../api/report-subscriptions.ts';
import { returnReasons } from '../api/returns.ts';
import {
  defineEvent,
  type EventDefinition,
  field,
  personal,
  personalFieldsOf,
  type StoredEvent,
} from './define-event.ts';

const orderId = field(id('order'), 'Id of the order.');
const customerId = field(z.nullable(id('customer')), 'Id of the customer whose order it is. `null` for a guest.');
const number = field(z.string(), 'Number of the order for people.');
const reason = field(
  z.string().check(z.regex(/^[a-z]+(-[a-z]+)*$/)),
  'Code of the failure: `failure.code` of the order in the API.',
);

const exampleIds = {
  orderId: 'ord_0197f3a1c0de7a1b8c2d3e4f5a6b7c8d',
  customerId: 'cus_0197f3a1b7e27c3d9a1b2c3d4e5f6a7b',
};

const details = {
  shippingAddress: personal(address, 'Where it goes. `null` too if the customer did not say.'),
  billingAddress: personal(address, 'Who pays. `null` too if the customer did not say.'),
  contact: personal(contact, 'How to reach who placed it. `null` too if they did not say.'),
  note: personal(z.string(), 'What the customer wrote. `null` too if they wrote nothing.'),
  metadata: field(z.record(z.string(), z.unknown()), 'What the client keeps with the order.'),
};

const detailsExample = {
  shippingAddress: { name: 'Ada Byron', line1: 'Hauptstraße 5', postalCode: '8010', city: 'Graz', country: 'AT' },
  billingAddress: null,
  contact: { email: 'ada@example.com', phone: '+43 316 000000' },
  note: null,
  metadata: { basket: '4711' },
};

/** Which order it is, and whose. */
const order = { orderId, number, customerId };
const orderExample = { ...exampleIds, number: 'CF-10042' };

/** The same with where mails go. */
const reachable = { ...order, contact: details.contact };
const reachableExample = { ...orderExample, contact: detailsExample.contact };

export const orderPlaced = defineEvent('order.placed', 1, {
  description: 'A customer placed an order. Neither stock nor money has been taken yet.',
  data: {
    orderId,
    number,
    customerId,
    placedBy: field(
      z.nullable(id('application')),
      'The application that placed it for somebody else. `null` if its buyer did.',
    ),
    lines: field(
      z.array(
        z.strictObject({
          productId: field(id('product'), 'Id of the product.'),
          sku: field(z.string(), 'SKU of the product when the order was placed.'),
          name: field(z.string(), 'Name of the product when the order was placed.'),
          quantity: field(z.int().check(z.gte(1)), 'How many units are ordered.'),
          unitPrice: field(money, 'Price of one unit when the order was placed.'),
          total: field(money, 'Unit price times quantity.'),
          discount: field(money, 'The line’s share of the discount.'),
          tax: field(money, 'The line’s share of the tax.'),
          taxRate: field(
            z.nullable(taxRate),
            'Rate of the tax in millionths. `null` if the shop does not compute tax.',
          ),
        }),
      ),
      'The products, in the order in which the customer named them. No product occurs twice.',
    ),
    subtotal: field(money, 'Sum of the lines.'),
    discount: field(
      z.nullable(z.extend(money, { reason: z.enum(discountReasons) })),
      'What is taken off the subtotal, and why. `null` if nothing is.',
    ),
    couponCode: field(z.nullable(z.string()), 'The coupon that the customer used. `null` if none.'),
    shipping: field(
      z.nullable(
        z.extend(money, {
          method: field(z.string(), 'Code of the shipping method.'),
          tax: money,
          taxRate: z.nullable(taxRate),
        }),
      ),
      'What the shipping costs, by which method, and the tax of it. `null` without a shipping method.',
    ),
    tax: field(
      z.nullable(z.extend(money, { included: z.boolean(), reverseCharge: z.boolean() })),
      'The tax of lines and shipping, whether the other amounts include it, and whether the buyer owes it instead of the shop. `null` if the shop does not compute tax.',
    ),
    total: field(
      money,
      'What the customer pays: the subtotal without the discount, with the shipping, and with the tax where prices do not include it.',
    ),
    ...details,
  },
  example: {
    ...exampleIds,
    number: 'CF-10042',
    placedBy: null,
    lines: [
      {
        productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
        sku: 'TEAPOT-1',
        name: 'Teapot',
        quantity: 2,
        unitPrice: { amount: 1900, currency: 'EUR' },
        total: { amount: 3800, currency: 'EUR' },
        discount: { amount: 380, currency: 'EUR' },
        tax: { amount: 0, currency: 'EUR' },
        taxRate: null,
      },
    ],
    subtotal: { amount: 3800, currency: 'EUR' },
    discount: { amount: 380, currency: 'EUR', reason: 'premium-customer' },
    couponCode: null,
    shipping: null,
    tax: null,
    total: { amount: 3420, currency: 'EUR' },
    ...detailsExample,
  },
});

export const orderReserved = defineEvent('order.reserved', 1, {
  description: 'The stock of an order is held for it, so that its payment can be taken.',
  data: order,
  example: orderExample,
});

export const orderConfirmed = defineEvent('order.confirmed', 1, {
  description: 'An order is paid, or its payment is authorized, and its stock is committed. It can be shipped.',
  data: {
    ...reachable,
    paymentId: field(id('payment'), 'Id of the payment.'),
    total: field(money, 'What the customer pays.'),
  },
  example: {
    ...reachableExample,
    paymentId: 'pay_0197f3a1c4b17d2e8f3a4b5c6d7e8f9a',
    total: { amount: 3420, currency: 'EUR' },
  },
});

export const orderFailed = defineEvent('order.failed', 1, {
  description: 'An order ended without being confirmed. No money and no stock of it is kept.',
  data: { ...reachable, reason },
  example: { ...reachableExample, reason: 'payment-declined' },
});

export const orderCancelled = defineEvent('order.cancelled', 1, {
  description: 'An order that its customer cancelled has ended. No money and no stock of it is kept.',
  data: reachable,
  example: reachableExample,
});

export const orderInReview = defineEvent('order.in_review', 1, {
  description:
    'The compensation of an order failed, so the order waits in manual review with the status `needs_attention`. An order can be put into manual review more than once, and each time is an event of its own.',
  data: { ...order, reason },
  example: { ...orderExample, reason: 'compensation-failed' },
});

export const orderUpdated = defineEvent('order.updated', 1, {
  description:
    'What an order says besides its lines changed, or a guest’s order became that of a customer. The event holds it as it is now.',
  data: {
    ...order,
    changed: field(z.array(z.string()), 'The fields that changed.'),
    ...details,
  },
  example: { ...orderExample, changed: ['shippingAddress'], ...detailsExample },
});

const units = (description: string) =>
  field(
    z.array(
      z.strictObject({
        productId: field(id('product'), 'Id of the product.'),
        quantity: field(z.int().check(z.gte(1)), 'How many units.'),
      }),
    ),
    description,
  );
const fulfilmentId = field(id('fulfilment'), 'Id of the fulfilment: the parcel.');
const fulfilmentStatus = field(
  z.enum(fulfilmentStatuses),
  'How much of the order has shipped by then: `fulfilled` when all of it has, `delivered` when all of it has arrived.',
);

const fulfilmentExample = {
  ...reachableExample,
  fulfilmentId: 'ful_0197f3b41e5c7d2a9b3c4d5e6f7a8b9c',
  lines: [{ productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e', quantity: 1 }],
  fulfilmentStatus: 'partially_fulfilled' as const,
};

export const orderShipped = defineEvent('order.shipped', 1, {
  description: 'A parcel of an order is on its way. An order can have several, each with an event of its own.',
  data: {
    ...reachable,
    fulfilmentId,
    lines: units('What is in the parcel.'),
    carrier: field(z.nullable(z.string()), 'Who carries it. `null` if nobody said.'),
    trackingNumber: field(z.nullable(z.string()), 'The carrier’s number of the parcel. `null` if nobody said.'),
    trackingUrl: field(z.nullable(z.string()), 'Where to follow the parcel. `null` if nobody said.'),
    fulfilmentStatus,
  },
  example: {
    ...fulfilmentExample,
    carrier: 'DHL',
    trackingNumber: '00340434161094021501',
    trackingUrl: 'https://parcels.example/track?code=00340434161094021501',
  },
});

export const orderDelivered = defineEvent('order.delivered', 1, {
  description: 'A parcel of an order has arrived.',
  data: { ...reachable, fulfilmentId, lines: units('What is in the parcel.'), fulfilmentStatus },
  example: fulfilmentExample,
});

const cancellationId = field(id('cancellation'), 'Id of the cancellation.');

export const orderUnitsCancelled = defineEvent('order.units_cancelled', 1, {
  description:
    'Units of a confirmed order that had not shipped were cancelled. They are on the shelf again; the rest of the order goes on. `refund.succeeded` says when their money went back.',
  data: {
    ...reachable,
    cancellationId,
    lines: units('What was cancelled.'),
    refundId: field(
      z.nullable(id('refund')),
      'Id of the refund that gives their money back. `null` if nothing was paid for them.',
    ),
    amount: field(money, 'What goes back for them.'),
    fulfilmentStatus,
  },
  example: {
    ...reachableExample,
    cancellationId: 'can_0197f3b4c2d17e3f9a4b5c6d7e8f9a0b',
    lines: fulfilmentExample.lines,
    refundId: 'rfd_0197f3b4c2d27e3f8a4b5c6d7e8f9a0b',
    amount: { amount: 1710, currency: 'EUR' },
    fulfilmentStatus: 'fulfilled',
  },
});

const returned = { returnId: field(id('return'), 'Id of the return.'), orderId, customerId };
const returnExample = { ...exampleIds, returnId: 'ret_0197f3c8a1b27d3e8f4a5b6c7d8e9f0a' };
const returnedUnits = <Fields extends z.core.$ZodShape>(description: string, fields: Fields) =>
  field(z.array(z.strictObject({ productId: field(id('product'), 'Id of the product.'), ...fields })), description);

export const returnRequested = defineEvent('return.requested', 1, {
  description: 'A customer asks to send units of an order back.',
  data: {
    ...returned,
    lines: returnedUnits('What is to come back.', {
      quantity: field(z.int().check(z.gte(1)), 'How many units.'),
      reason: field(z.enum(returnReasons), 'Why.'),
    }),
  },
  example: {
    ...returnExample,
    lines: [{ productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e', quantity: 1, reason: 'damaged' }],
  },
});

const countOf = (description: string) => field(z.int().check(z.gte(0)), description);

export const returnReceived = defineEvent('return.received', 1, {
  description: 'Goods of a return arrived. No money was given back yet: `refund.succeeded` says when it was.',
  data: {
    ...returned,
    lines: returnedUnits('What arrived of each product of the return.', {
      restocked: countOf('Units that can be sold again.'),
      writtenOff: countOf('Units that cannot.'),
    }),
  },
  example: {
    ...returnExample,
    lines: [{ productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e', restocked: 0, writtenOff: 1 }],
  },
});

export const returnRejected = defineEvent('return.rejected', 1, {
  description: 'The shop does not take the goods of a return back.',
  data: returned,
  example: returnExample,
});

const payment = {
  paymentId: field(id('payment'), 'Id of the payment.'),
  orderId,
  customerId,
  provider: field(z.string(), 'The payment provider: `stripe` or `simulated`.'),
};

const paymentExample = {
  paymentId: 'pay_0197f3a1c4b17d2e8f3a4b5c6d7e8f9a',
  ...exampleIds,
  provider: 'stripe',
  amount: { amount: 3420, currency: 'EUR' },
};

export const paymentAuthorized = defineEvent('payment.authorized', 1, {
  description:
    'The payment of an order is held and will be captured when the order ships. The event `order.confirmed` follows.',
  data: { ...payment, amount: field(money, 'What the customer will pay.') },
  example: paymentExample,
});

export const paymentCaptured = defineEvent('payment.captured', 1, {
  description: 'An order was paid. The event `order.confirmed` follows, unless the payment was authorized before.',
  data: {
    ...payment,
    amount: field(
      money,
      'The total of the order. What was cancelled before the capture was not taken, and `refund.succeeded` told of it.',
    ),
  },
  example: paymentExample,
});

export const paymentVoided = defineEvent('payment.voided', 1, {
  description:
    'The authorized payment of an order was given up before it was captured, because the order was cancelled. The customer pays nothing.',
  data: { ...payment, amount: field(money, 'What was held.') },
  example: paymentExample,
});

export const paymentRefunded = defineEvent('payment.refunded', 1, {
  description:
    'The whole payment of an order was given back, because the order failed or was cancelled; what was refunded in parts before is part of it. An order that fails after its charge has no `payment.captured` before, nor has one that was cancelled while its payment was being captured.',
  data: { ...payment, amount: field(money, 'What the customer had paid.') },
  example: paymentExample,
});

const refund = {
  refundId: field(id('refund'), 'Id of the refund.'),
  ...reachable,
  amount: field(money, 'What the refund gives back.'),
};

const refundExample = {
  refundId: 'rfd_0197f3b2d0127e3f8a4b5c6d7e8f9a0b',
  ...reachableExample,
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

const customer = {
  customerId: field(id('customer'), 'Id of the customer.'),
  email: personal(z.string(), 'Their e-mail address, in lower case.'),
  name: personal(z.string(), 'Their name.'),
  premium: field(z.boolean(), 'Whether they get the discount of premium customers.'),
  suspended: field(z.boolean(), 'Whether the shop has suspended their account.'),
};

const customerExample = {
  customerId: exampleIds.customerId,
  email: 'ada@example.com',
  name: 'Ada Byron',
  premium: false,
  suspended: false,
};

export const customerCreated = defineEvent('customer.created', 1, {
  description: 'A customer confirmed their e-mail address for the first time, and with it their account.',
  data: customer,
  example: customerExample,
});

export const customerUpdated = defineEvent('customer.updated', 1, {
  description: 'A customer’s account changed. The event holds it as it is now, whatever has changed.',
  data: customer,
  example: { ...customerExample, premium: true },
});

export const customerErased = defineEvent('customer.erased', 1, {
  description:
    'A customer’s personal data was erased. Erase what you have copied of it: their e-mail address, name and address. Their orders stay, under the same id.',
  data: { customerId: customer.customerId },
  example: { customerId: exampleIds.customerId },
});

const product = {
  productId: field(id('product'), 'Id of the product.'),
  parentId: field(z.nullable(id('product')), 'Id of the product that it is a variant of; null if it is none.'),
  sku: field(z.string(), 'Its SKU.'),
  name: field(z.string(), 'Its name.'),
  price: field(money, 'Price of one unit.'),
  active: field(z.boolean(), 'Whether it is on sale.'),
};

const productExample = {
  productId: 'prd_0197f39f11aa7b2c8d3e4f5a6b7c8d9e',
  parentId: null,
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

const stock = { productId: field(id('product'), 'Id of the product.') };
const stockExample = { productId: productExample.productId };

export const stockLow = defineEvent('stock.low', 1, {
  description:
    'What is available of a product fell to its `lowStockAt` or below it. Stock that is reserved for an order counts as taken.',
  data: {
    ...stock,
    available: field(z.int().check(z.gte(1)), 'Units that can still be ordered.'),
    lowStockAt: field(z.int().check(z.gte(1)), 'How many units count as low.'),
  },
  example: { ...stockExample, available: 4, lowStockAt: 5 },
});

export const stockOut = defineEvent('stock.out', 1, {
  description: 'The last unit of a product that can be ordered is taken.',
  data: stock,
  example: stockExample,
});

export const stockBack = defineEvent('stock.back', 1, {
  description: 'A product of which no unit was left can be ordered again.',
  data: { ...stock, available: field(z.int().check(z.gte(1)), 'Units that can be ordered.') },
  example: { ...stockExample, available: 12 },
});

export const applicationSuspended = defineEvent('application.suspended', 1, {
  description:
    'An application was suspended: its keys and its customers’ sessions work no more. Suspended again within a minute, it has one event.',
  data: {
    applicationId: field(id('application'), 'Id of the application.'),
    name: field(z.string(), 'Its name.'),
  },
  example: { applicationId: 'app_0197f3a1a0b17c2d8e3f4a5b6c7d8e9f', name: 'Mobile app' },
});

export const reportSent = defineEvent('report.sent', 1, {
  description:
    'A report that an application subscribed to was made, or could not be made. It holds no figures: ask for them at `path` with a key. It goes to the webhook endpoints of that application alone.',
  ownersAlone: true,
  data: {
    subscriptionId: field(id('reportSubscription'), 'Id of the subscription.'),
    applicationId: field(id('application'), 'Id of the application that it belongs to.'),
    runId: field(id('reportRun'), 'Id of the run: one for each due time.'),
    report: field(z.enum(sentReports), 'Name of the report.'),
    dueAt: field(timestamp, 'When it was due.'),
    status: field(z.enum(['sent', 'failed']), '`failed` when it could not be made.'),
    reason: field(z.nullable(z.string()), 'Code of the problem with which it failed. `null` if it did not.'),
    path: field(z.string(), 'The report with its period and parameters, for a `GET`.'),
    asOf: field(z.nullable(timestamp), 'As of when its data were. `null` if it failed.'),
    lagSeconds: field(z.nullable(z.number()), 'How old its data were, in seconds. `null` if it failed.'),
    stale: field(z.boolean(), 'Whether its data were older than the report usually shows.'),
    rows: field(z.nullable(z.int()), 'How many rows it had. `null` if it failed.'),
  },
  example: {
    subscriptionId: 'rsb_0198c69f7b3d7e10a4c8e2f5d6b91a07',
    applicationId: 'app_0197f3a1a0b17c2d8e3f4a5b6c7d8e9f',
    runId: 'rrn_0198c69f7b3d7e10a4c8e2f5d6b91a08',
    report: 'sales',
    dueAt: '2026-11-30T07:00:00.000Z',
    status: 'sent',
    reason: null,
    path: '/reports/sales?from=2026-11-29&to=2026-11-30&zone=Europe%2FBerlin',
    asOf: '2026-11-30T07:00:04.000Z',
    lagSeconds: 0.4,
    stale: false,
    rows: 1,
  },
});

/** Every kind of event that the outbox may hold. */
export const domainEvents: readonly EventDefinition[] = [
  orderPlaced,
  orderReserved,
  orderConfirmed,
  orderFailed,
  orderCancelled,
  orderInReview,
  orderUpdated,
  paymentAuthorized,
  paymentCaptured,
  paymentVoided,
  paymentRefunded,
  refundSucceeded,
  refundFailed,
  orderShipped,
  orderDelivered,
  orderUnitsCancelled,
  returnRequested,
  returnReceived,
  returnRejected,
  customerCreated,
  customerUpdated,
  customerErased,
  productCreated,
  productUpdated,
  stockLow,
  stockOut,
  stockBack,
  applicationSuspended,
  reportSent,
];

const personalOf = new Map(domainEvents.map((definition) => [definition.type, personalFieldsOf(definition)]));

const ownersAlone = new Set(domainEvents.filter((definition) => definition.ownersAlone).map(({ type }) => type));

/** Whether an event may go to webhook endpoints of an application. */
export const isFor = ({ type, data }: Pick<StoredEvent, 'type' | 'data'>, applicationId: string): boolean =>
  !ownersAlone.has(type) || (data as { applicationId?: string }).applicationId === applicationId;

/** An event for somebody who may not read customers: its personal fields are `null`. */
export function withoutPersonalData<Event extends Pick<StoredEvent, 'type' | 'data'>>(event: Event): Event {
  const fields = personalOf.get(event.type) ?? [];
  if (fields.length === 0) return event;
  return { ...event, data: { ...(event.data as object), ...Object.fromEntries(fields.map((name) => [name, null])) } };
}
