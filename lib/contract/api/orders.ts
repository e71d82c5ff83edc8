import * as z from 'zod/mini';
import { address, addresses, contact, details } from './address.ts';
import { id, money, slug, timestamp, version } from './common.ts';
import { couponCode } from './coupons.ts';
import type { OperationContract } from './operation.ts';
import { paymentAction } from './payment-action.ts';

export const orderStatuses = [
  'pending',
  'reserved',
  'pending_payment',
  'confirmed',
  'failed',
  'cancelling',
  'cancelled',
  'needs_attention',
] as const;
export type OrderStatus = (typeof orderStatuses)[number];

/** How much of an order has shipped: `pending` parcels do not count. */
export const fulfilmentStatuses = ['unfulfilled', 'partially_fulfilled', 'fulfilled', 'delivered'] as const;
export type FulfilmentStatus = (typeof fulfilmentStatuses)[number];

/** Why an order failed or is in manual review. Codes are stable: shops translate by them. */
export const orderFailureCodes = [
  'out-of-stock',
  'payment-declined',
  'payment-unknown',
  'payment-expired',
  'cancelled',
  'compensated',
  'compensation-failed',
  /** It is confirmed, and its authorized payment could not be captured. */
  'capture-failed',
  /** It is confirmed, and its authorization ends before its payment was captured. */
  'authorization-expiring',
  /** Its execution ended without ending the order. */
  'saga-ended',
] as const;
export type OrderFailureCode = (typeof orderFailureCodes)[number];

export const maxLines = 50;
export const maxQuantity = 999;
/** Longest `Prefer: wait=N`, in seconds. */
export const maxWaitSeconds = 20;

/** The same product twice is summed, and the sum obeys the same limit. */
export const lines = z
  .array(
    z.strictObject({
      productId: id('product'),
      quantity: z.int().check(z.gte(1), z.lte(maxQuantity)),
    }),
  )
  .check(z.minLength(1), z.maxLength(maxLines));
export type LineInput = z.output<typeof lines>[number];

/** `authorized` money is held and not taken yet; `voided` money was held and never taken. */
export const paymentStatuses = ['authorized', 'captured', 'voided', 'refunded'] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

/** Why something is taken off an order. */
export const discountReasons = ['premium-customer', 'large-order', 'coupon', 'previous-shop'] as const;
const discount = z.extend(money, { reason: z.enum(discountReasons) });
/** In millionths: 190000 is 19 %. */
export const taxRate = z.int().check(z.gte(0), z.lte(1_000_000));
const shipping = z.extend(money, { method: z.string(), tax: money, taxRate: z.nullable(taxRate) });
const tax = z.extend(money, { included: z.boolean(), reverseCharge: z.boolean() });
const line = z.object({
  productId: id('product'),
  sku: z.string(),
  name: z.string(),
  quantity: z.int(),
  unitPrice: money,
  total: money,
  discount: money,
  tax: money,
  taxRate: z.nullable(taxRate),
});
const priced = {
  lines: z.array(line),
  subtotal: money,
  discount: z.nullable(discount),
  couponCode: z.nullable(z.string()),
  shipping: z.nullable(shipping),
  tax: z.nullable(tax),
  total: money,
};

export const quote = z.object(priced);
export type Quote = z.output<typeof quote>;
export type Discount = z.output<typeof discount>;

/** Units of a line in parcels; of them shipped; of those delivered; in returns that were not rejected; and cancelled. */
const progress = { fulfilled: z.int(), shipped: z.int(), delivered: z.int(), returned: z.int(), cancelled: z.int() };

/** Fields of an order that applications without `customers:read` do not see. Those of an erased customer are null. */
export const personalOfOrder = ['shippingAddress', 'billingAddress', 'contact', 'note'] as const;

export const order = z.object({
  id: id('order'),
  /** For people: mails, invoices and the telephone. */
  number: z.string(),
  status: z.enum(orderStatuses),
  fulfilmentStatus: z.enum(fulfilmentStatuses),
  /** Null for a guest’s order. */
  customerId: z.nullable(id('customer')),
  /** The application that placed it for somebody else; null when its buyer did. */
  placedBy: z.nullable(id('application')),
  ...priced,
  lines: z.array(z.extend(line, progress)),
  shippingAddress: z.optional(z.nullable(address)),
  billingAddress: z.optional(z.nullable(address)),
  contact: z.optional(z.nullable(contact)),
  note: z.optional(z.nullable(z.string())),
  metadata: z.record(z.string(), z.unknown()),
  payment: z.nullable(z.object({ id: id('payment'), status: z.enum(paymentStatuses), refunded: money })),
  /** What the customer must do before the payment goes on, in `pending_payment` alone. */
  paymentAction: z.nullable(z.object({ action: paymentAction, expiresAt: timestamp })),
  failure: z.nullable(z.object({ code: z.enum(orderFailureCodes), detail: z.string() })),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
  /** Whether it is old and in the archive, where it only changes after an operator has taken it out. */
  archived: z.boolean(),
});
export type Order = z.output<typeof order>;

const requestId = z.optional(z.string());
const partialRefund = { refundId: id('refund'), amount: money };

/** What belongs to an entry of the timeline, by its type. */
export const timelineDetails = {
  'order-placed': z.object({ status: z.enum(['pending']), total: money, requestId }),
  'details-changed': z.object({
    changed: z.array(z.enum(['shippingAddress', 'billingAddress', 'contact', 'note', 'metadata', 'customerId'])),
    by: z.enum(['customer', 'guest', 'application']),
    requestId,
  }),
  'stock-reserved': z.object({ expiresAt: timestamp }),
  'payment-authorized': z.object({ paymentId: id('payment') }),
  'payment-captured': z.object({ paymentId: id('payment') }),
  'payment-voided': z.object({ paymentId: id('payment') }),
  'stock-committed': z.object({}),
  // The whole payment, or a part of it.
  'payment-refunded': z.object({ paymentId: z.optional(id('payment')), ...z.partial(z.object(partialRefund)).shape }),
  'refund-failed': z.object(partialRefund),
  'stock-released': z.object({}),
  'stock-returned': z.object({}),
  'fulfilment-created': z.object({ fulfilmentId: id('fulfilment') }),
  'fulfilment-cancelled': z.object({ fulfilmentId: id('fulfilment') }),
  'order-shipped': z.object({
    fulfilmentId: id('fulfilment'),
    carrier: z.nullable(z.string()),
    trackingNumber: z.nullable(z.string()),
    trackingUrl: z.nullable(z.string()),
  }),
  'order-delivered': z.object({ fulfilmentId: id('fulfilment') }),
  'units-cancelled': z.object({
    cancellationId: id('cancellation'),
    lines: z.array(z.object({ productId: id('product'), quantity: z.int() })),
    refundId: z.nullable(id('refund')),
    amount: money,
    requestId,
  }),
  'return-requested': z.object({ returnId: id('return') }),
  'return-received': z.object({ returnId: id('return') }),
  'return-rejected': z.object({ returnId: id('return') }),
  'status-changed': z.object({
    from: z.enum(orderStatuses),
    to: z.enum(orderStatuses),
    reason: z.optional(z.enum([...orderFailureCodes, 'retry', 'resolved'])),
    requestId,
  }),
} as const;
export type TimelineType = keyof typeof timelineDetails;

const entry = <T extends TimelineType>(type: T) =>
  z.object({ at: timestamp, type: z.literal(type), detail: timelineDetails[type] });

export const timelineEntries = {
  OrderPlacedEntry: entry('order-placed'),
  DetailsChangedEntry: entry('details-changed'),
  StockReservedEntry: entry('stock-reserved'),
  PaymentAuthorizedEntry: entry('payment-authorized'),
  PaymentCapturedEntry: entry('payment-captured'),
  PaymentVoidedEntry: entry('payment-voided'),
  StockCommittedEntry: entry('stock-committed'),
  PaymentRefundedEntry: entry('payment-refunded'),
  RefundFailedEntry: entry('refund-failed'),
  StockReleasedEntry: entry('stock-released'),
  StockReturnedEntry: entry('stock-returned'),
  FulfilmentCreatedEntry: entry('fulfilment-created'),
  FulfilmentCancelledEntry: entry('fulfilment-cancelled'),
  OrderShippedEntry: entry('order-shipped'),
  OrderDeliveredEntry: entry('order-delivered'),
  UnitsCancelledEntry: entry('units-cancelled'),
  ReturnRequestedEntry: entry('return-requested'),
  ReturnReceivedEntry: entry('return-received'),
  ReturnRejectedEntry: entry('return-rejected'),
  StatusChangedEntry: entry('status-changed'),
} as const;

export const timelineEntry = z.discriminatedUnion('type', [
  timelineEntries.OrderPlacedEntry,
  timelineEntries.DetailsChangedEntry,
  timelineEntries.StockReservedEntry,
  timelineEntries.PaymentAuthorizedEntry,
  timelineEntries.PaymentCapturedEntry,
  timelineEntries.PaymentVoidedEntry,
  timelineEntries.StockCommittedEntry,
  timelineEntries.PaymentRefundedEntry,
  timelineEntries.RefundFailedEntry,
  timelineEntries.StockReleasedEntry,
  timelineEntries.StockReturnedEntry,
  timelineEntries.FulfilmentCreatedEntry,
  timelineEntries.FulfilmentCancelledEntry,
  timelineEntries.OrderShippedEntry,
  timelineEntries.OrderDeliveredEntry,
  timelineEntries.UnitsCancelledEntry,
  timelineEntries.ReturnRequestedEntry,
  timelineEntries.ReturnReceivedEntry,
  timelineEntries.ReturnRejectedEntry,
  timelineEntries.StatusChangedEntry,
]);
export type TimelineEntry = z.output<typeof timelineEntry>;

/** What else changes the price of a basket. */
const choices = { shippingMethod: z.optional(slug), couponCode: z.optional(couponCode) };
const pricingProblems = [
  'country-unknown',
  'postal-code-invalid',
  'product-not-available',
  'product-has-options',
  'currencies-mixed',
  'amount-too-large',
  'shipping-address-missing',
  'shipping-method-unavailable',
  'tax-rate-missing',
  'coupon-unknown',
  'coupon-not-valid',
  'coupon-used-up',
  'coupon-without-effect',
] as const;

export const orderPath = z.strictObject({ orderId: id('order') });

export const createQuote = {
  summary: 'Price a basket without placing an order',
  body: z.strictObject({ lines, ...addresses, ...choices }),
  responses: { 200: quote },
  problems: pricingProblems,
} as const satisfies OperationContract;

export const placeOrder = {
  summary: 'Place an order',
  description:
    'Answers 202 with the pending order as soon as the order is stored. With `Prefer: wait=N` (at most 20 seconds) it waits until the order has ended and answers 201 with the final state. It answers 202 instead when the order has not ended by then, or when the customer must act on the payment first (`pending_payment`, see `paymentAction`). Customers order for themselves. Who sends nothing but a `Client-Id` orders as a guest, with an e-mail address in `contact`: the answer has the `Order-Token` that reads the order again. Applications with a key order for the customer of `customerId`, or for a guest without it.',
  body: z.strictObject({
    lines,
    ...choices,
    expectedTotal: z.optional(money),
    paymentMethod: z.string().check(z.regex(/^pm_[A-Za-z0-9_]{1,100}$/)),
    ...details,
    customerId: z.optional(id('customer')),
  }),
  responses: { 201: order, 202: order },
  statuses: { 201: 'The order has ended; its status tells how.', 202: 'The order is stored and under way.' },
  headers: ['Location', 'Order-Token'],
  personal: personalOfOrder,
  problems: [
    'contact-missing',
    'customer-unknown',
    ...pricingProblems,
    'shipping-method-missing',
    'coupon-needs-account',
    'total-changed',
    'too-many-unpaid-orders',
  ],
  idempotency: 'required',
  wait: true,
} as const satisfies OperationContract;

/** As people type it: in any case, with spaces around. */
export const orderNumber = z
  .string()
  .check(z.trim(), z.toUpperCase(), z.regex(/^[A-Z0-9]{1,10}-\d{1,15}$/, 'is not a number such as CF-10042'));

export const getOrderTimeline = {
  summary: 'List what happened to an order, oldest first',
  path: orderPath,
  responses: { 200: z.object({ data: z.array(timelineEntry) }) },
  problems: ['not-found'],
  orderToken: true,
} as const satisfies OperationContract;

export const cancelOrder = {
  summary: 'Cancel an order, or what has not shipped of it',
  description:
    'Cancels what has not shipped, with the parcels that were packed for it, puts it back on the shelf and gives its money back. If nothing has shipped, that is the whole order: it ends `cancelled`, and all of its payment goes back. Once a parcel has shipped, the units that have not are cancelled and refunded, and the order stays `confirmed`. With `lines` only these units are cancelled. What has shipped comes back by a return. Customers and guests can cancel for some days after the order was confirmed, applications with a key at any time.',
  path: orderPath,
  body: z.strictObject({ lines: z.optional(lines) }),
  bodyOptional: true,
  responses: { 200: order, 202: order },
  statuses: {
    200: 'The order is cancelled, or units of it are.',
    202: 'The order is being cancelled.',
  },
  headers: ['Location'],
  personal: personalOfOrder,
  problems: [
    'not-found',
    'order-archived',
    'order-ended',
    'order-shipped',
    'order-not-fulfillable',
    'order-too-late-to-cancel',
    'line-unknown',
    'cancellation-too-large',
  ],
  idempotency: 'accepted',
  wait: true,
  orderToken: true,
} as const satisfies OperationContract;
