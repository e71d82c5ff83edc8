import * as z from 'zod/mini';
import { amount, id, money, page, pageQuery, text, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { lines } from './orders.ts';

export const refundStatuses = ['requested', 'succeeded', 'failed'] as const;

/** Why a partial refund is refused. Stable: shops translate by code. */
export const refundRefusalCodes = [
  'more_than_is_left',
  'nothing_captured',
  /** The provider does not refund this amount in this currency. */
  'amount_invalid',
  /** The card holder disputes the payment at the bank. */
  'disputed',
  'not_refundable',
  /** The card holder's bank did not accept the money. */
  'refund_failed',
] as const;
export type RefundRefusalCode = (typeof refundRefusalCodes)[number];

/** What goes back for units of a line. `amount` is with their shares of the line's discount and tax. */
const refundLine = z.object({
  productId: id('product'),
  quantity: z.int(),
  amount: money,
  discount: money,
  tax: money,
});

export const refund = z.object({
  id: id('refund'),
  orderId: id('order'),
  status: z.enum(refundStatuses),
  amount: money,
  reason: z.string(),
  /** Empty for a refund of an amount that nobody divided. */
  lines: z.array(refundLine),
  shipping: z.nullable(money),
  returnId: z.nullable(id('return')),
  failure: z.nullable(z.object({ code: z.enum(refundRefusalCodes) })),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type Refund = z.output<typeof refund>;

const orderPath = z.strictObject({ orderId: id('order') });

export const requestRefund = {
  summary: 'Refund part or the rest of an order’s payment',
  description:
    'Answers 202 with the refund as soon as the refund is stored. Without `amount` it refunds everything that is left. With `lines` it refunds units of the order that have shipped, with their shares of discount and tax, and never more than was paid for a line; cancel units that have not shipped; with `returnId` the units of that return which arrived; with `shipping` what was paid for shipping, by itself or besides. With `Prefer: wait=N` (at most 20 seconds) it waits for the payment provider and answers 201 with the refund `succeeded` or `failed`, or 202 when neither is known by then. The order stays `confirmed` and keeps its stock; to give everything back, cancel the order.',
  path: orderPath,
  body: z
    .strictObject({
      amount: z.optional(z.extend(money, { amount: amount.check(z.gte(1)) })),
      lines: z.optional(lines),
      returnId: z.optional(id('return')),
      shipping: z.optional(z.boolean()),
      reason: text(200),
    })
    .check(
      z.refine(
        (body) => [body.amount, body.lines, body.returnId].filter((each) => each !== undefined).length <= 1,
        'takes one of amount, lines and returnId',
      ),
      z.refine((body) => body.amount === undefined || !body.shipping, 'takes no shipping besides an amount'),
    ),
  responses: { 201: refund, 202: refund },
  statuses: { 201: 'The refund has ended; its status tells how.', 202: 'The refund is stored and under way.' },
  headers: ['Location'],
  problems: [
    'not-found',
    'order-archived',
    'order-not-refundable',
    'refund-too-large',
    'line-unknown',
    'line-refunded',
    'line-not-shipped',
    'return-status',
    'return-refunded',
  ],
  idempotency: 'required',
  wait: true,
} as const satisfies OperationContract;

export const listRefunds = {
  summary: 'List the refunds of an order, newest first',
  path: orderPath,
  query: z.strictObject(pageQuery),
  responses: { 200: page(refund) },
  problems: ['not-found', 'invalid-cursor'],
} as const satisfies OperationContract;

export const getRefund = {
  summary: 'Read a refund',
  path: z.strictObject({ orderId: id('order'), refundId: id('refund') }),
  responses: { 200: refund },
  problems: ['not-found'],
} as const satisfies OperationContract;
