import * as z from 'zod/mini';
import { id, money, page, pageQuery, timestamp, version } from './common.ts';
import { fulfilment, units } from './fulfilments.ts';
import type { OperationContract } from './operation.ts';
import { fulfilmentStatuses, paymentStatuses, quote } from './orders.ts';
import { orderReturn } from './returns.ts';

/** Statuses of orders that an event announces. */
export const announcedStatuses = [
  'pending',
  'reserved',
  'confirmed',
  'failed',
  'cancelled',
  'needs_attention',
] as const;
export type AnnouncedStatus = (typeof announcedStatuses)[number];

/** What events say of an order, as the read model keeps it. */
export const orderStory = z.object({
  number: z.string(),
  ...quote.shape,
  payment: z.nullable(
    z.object({
      id: id('payment'),
      provider: z.string(),
      status: z.enum(paymentStatuses),
      amount: money,
      refunded: money,
    }),
  ),
  refunds: z.array(
    z.object({
      id: id('refund'),
      status: z.enum(['succeeded', 'failed']),
      amount: money,
      reason: z.nullable(z.string()),
      at: timestamp,
    }),
  ),
  fulfilmentStatus: z.enum(fulfilmentStatuses),
  /** Parcels that have shipped, in the order in which they did. */
  fulfilments: z.array(
    z.pick(fulfilment, {
      id: true,
      lines: true,
      carrier: true,
      trackingNumber: true,
      trackingUrl: true,
      shippedAt: true,
      deliveredAt: true,
    }),
  ),
  /** Units that were cancelled while the order went on. */
  cancellations: z.array(z.object({ id: id('cancellation'), lines: units, at: timestamp })),
  returns: z.array(z.pick(orderReturn, { id: true, status: true, lines: true })),
  failure: z.nullable(z.string()),
  timeline: z.array(
    z.object({ sequence: version, type: z.string(), at: timestamp, correlationId: z.nullable(z.string()) }),
  ),
});
export type OrderStory = z.output<typeof orderStory>;

export const orderDetails = z.object({
  id: id('order'),
  sequence: version,
  status: z.enum(announcedStatuses),
  customerId: z.nullable(id('customer')),
  /** As the customer is now; null when they are erased, or for who may not read customers. */
  customer: z.nullable(z.object({ email: z.string(), name: z.string(), premium: z.boolean() })),
  ...orderStory.shape,
  placedAt: timestamp,
  changedAt: timestamp,
});
export type OrderDetails = z.output<typeof orderDetails>;

/** How far the read model has followed the events. */
export const freshness = z.object({
  asOf: timestamp,
  lagSeconds: z.int().check(z.gte(0)),
  position: z.int().check(z.gte(0)),
});
export type Freshness = z.output<typeof freshness>;

export const getOrderDetails = {
  summary: 'Read an order with its customer, payment, refunds and events at once',
  description:
    'Answers from a copy that follows the events, seconds behind; `readModel` says how far it has come. To see what you have just changed, send the `version` of the order as `minSequence`: the answer waits up to two seconds for the events up to it.',
  path: z.strictObject({ orderId: id('order') }),
  query: z.strictObject({ minSequence: z.optional(z.coerce.number().check(z.int(), z.gte(1), z.lte(2_147_483_647))) }),
  responses: { 200: z.object({ data: orderDetails, readModel: freshness }) },
  problems: ['not-found', 'read-model-behind'],
} as const satisfies OperationContract;

export const listOrderDetails = {
  summary: 'List orders of all customers with everything about them, newest first',
  description:
    'Answers from a copy that follows the events, seconds behind; `readModel` says how far it has come. The statuses are those that events announce: an order that waits for its customer shows as `reserved`, and one that is being cancelled as it was.',
  query: z.strictObject({
    ...pageQuery,
    status: z.optional(z.enum(announcedStatuses)),
    customerId: z.optional(id('customer')),
    email: z.optional(z.string().check(z.trim(), z.toLowerCase(), z.minLength(3), z.maxLength(254))),
  }),
  responses: { 200: z.extend(page(orderDetails), { readModel: freshness }) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;
