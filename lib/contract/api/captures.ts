import * as z from 'zod/mini';
import { id, money, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { orderPath, orderStatuses, paymentStatuses } from './orders.ts';

/** The payment of an order, as far as its capture goes. */
export const paymentCapture = z.object({
  orderId: id('order'),
  orderStatus: z.enum(orderStatuses),
  paymentId: id('payment'),
  status: z.enum(paymentStatuses),
  amount: money,
  /** When the authorization ends; `null` when the payment was captured at checkout. */
  expiresAt: z.nullable(timestamp),
  requestedAt: z.nullable(timestamp),
  requestedBy: z.nullable(z.string()),
  capturedAt: z.nullable(timestamp),
});
export type PaymentCapture = z.output<typeof paymentCapture>;

export const requestCapture = {
  summary: 'Capture the authorized payment of an order',
  description:
    'For shops that authorize at checkout and capture at shipment. The first shipment captures by itself; this captures before that, or without one. Takes the whole amount, once: a payment that is captured already is answered with 200. Answers 202 as soon as the capture is requested. With `Prefer: wait=N` (at most 20 seconds) it waits for the payment provider and answers 200 with the payment `captured`, or with the order in manual review because the provider refused.',
  path: orderPath,
  responses: { 200: paymentCapture, 202: paymentCapture },
  statuses: { 200: 'The capture has ended.', 202: 'The capture is requested and under way.' },
  headers: ['Location'],
  problems: ['not-found', 'order-archived', 'order-not-capturable'],
  idempotency: 'accepted',
  wait: true,
} as const satisfies OperationContract;

export const getCapture = {
  summary: 'Read the capture of an order’s payment',
  path: orderPath,
  responses: { 200: paymentCapture },
  problems: ['not-found'],
} as const satisfies OperationContract;
