import * as z from 'zod/mini';
import { id, text, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { fulfilmentStatuses, lines, orderPath } from './orders.ts';

export const parcelStatuses = ['pending', 'shipped', 'delivered', 'cancelled'] as const;

/** Units of products of an order. */
export const units = z.array(z.object({ productId: id('product'), quantity: z.int() }));

export const fulfilment = z.object({
  id: id('fulfilment'),
  orderId: id('order'),
  status: z.enum(parcelStatuses),
  lines: units,
  carrier: z.nullable(z.string()),
  trackingNumber: z.nullable(z.string()),
  trackingUrl: z.nullable(z.string()),
  shippedAt: z.nullable(timestamp),
  deliveredAt: z.nullable(timestamp),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type Fulfilment = z.output<typeof fulfilment>;

/** A fulfilment, and how much of its order has shipped. */
export const fulfilmentOfOrder = z.extend(fulfilment, { fulfilmentStatus: z.enum(fulfilmentStatuses) });

const tracking = {
  carrier: z.optional(text(100)),
  trackingNumber: z.optional(text(100)),
  trackingUrl: z.optional(
    z.string().check(z.maxLength(1000), z.regex(/^https:\/\/[!-~]+$/, 'is not an https address')),
  ),
};
const trackingFields = z.strictObject(tracking);
export type Tracking = z.output<typeof trackingFields>;

const fulfilmentPath = z.strictObject({ orderId: id('order'), fulfilmentId: id('fulfilment') });

/** Problems of every change of a fulfilment. */
const changes = ['not-found', 'order-archived', 'order-not-fulfillable', 'fulfilment-status'] as const;

export const createFulfilment = {
  summary: 'Begin a fulfilment: pack units of an order',
  description:
    'A fulfilment is one parcel. It takes units of the order, so that no other parcel has them too, and begins `pending`; it changes no stock, because a confirmed order has taken its stock. Without `lines` it takes everything that is left. Then say when it is shipped, and when it is delivered.',
  path: orderPath,
  body: z.strictObject({ lines: z.optional(lines), ...tracking }),
  responses: { 201: fulfilmentOfOrder },
  headers: ['Location'],
  problems: [
    'not-found',
    'order-archived',
    'order-not-fulfillable',
    'order-paid-back',
    'line-unknown',
    'fulfilment-too-large',
  ],
  idempotency: 'required',
} as const satisfies OperationContract;

export const shipFulfilment = {
  summary: 'Say that a fulfilment is shipped',
  description:
    'The carrier has the parcel. What the body has replaces what the fulfilment has. From now on the customer cannot cancel the order. The customer gets a mail, and the event `order.shipped` follows.',
  path: fulfilmentPath,
  body: trackingFields,
  responses: { 200: fulfilmentOfOrder },
  problems: [...changes, 'order-paid-back'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const deliverFulfilment = {
  summary: 'Say that a shipped fulfilment is delivered',
  description: 'The customer has the parcel. The event `order.delivered` follows.',
  path: fulfilmentPath,
  responses: { 200: fulfilmentOfOrder },
  problems: changes,
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const cancelFulfilment = {
  summary: 'Cancel a fulfilment that has not shipped',
  description: 'Unpacks the parcel: its units can go into another one. The order stays as it is.',
  path: fulfilmentPath,
  responses: { 200: fulfilmentOfOrder },
  problems: changes,
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listFulfilments = {
  summary: 'List the fulfilments of an order, oldest first',
  description:
    'Shows a customer the parcels of their own order, a guest with the `Order-Token` those of theirs, and an application with a key those of any order.',
  path: orderPath,
  orderToken: true,
  responses: { 200: z.object({ data: z.array(fulfilment) }) },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const getFulfilment = {
  summary: 'Read a fulfilment',
  description:
    'Shows a customer a parcel of their own order, a guest with the `Order-Token` one of theirs, and an application with a key one of any order.',
  path: fulfilmentPath,
  orderToken: true,
  responses: { 200: fulfilment },
  problems: ['not-found'],
} as const satisfies OperationContract;
