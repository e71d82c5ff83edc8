import * as z from 'zod/mini';
import { id, text, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { maxLines, maxQuantity, orderPath } from './orders.ts';

export const returnStatuses = ['requested', 'received', 'rejected'] as const;

/** Why goods come back. Codes, so that what customers write about themselves is not kept. */
export const returnReasons = [
  'damaged',
  'defective',
  'wrong-item',
  'not-as-described',
  'too-late',
  'unwanted',
] as const;

const count = z.int().check(z.gte(0), z.lte(maxQuantity));
const quantity = z.int().check(z.gte(1), z.lte(maxQuantity));

const returnLine = z.object({
  productId: id('product'),
  quantity: z.int(),
  reason: z.enum(returnReasons),
  /** Units that went back to the shelf, and units that came back but cannot be sold. */
  restocked: z.int(),
  writtenOff: z.int(),
});
export type ReturnLine = z.output<typeof returnLine>;

export const orderReturn = z.object({
  id: id('return'),
  orderId: id('order'),
  status: z.enum(returnStatuses),
  lines: z.array(returnLine),
  rejection: z.nullable(z.string()),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type OrderReturn = z.output<typeof orderReturn>;

/** No product twice: a line says how many of it. */
const oncePerProduct = z.refine<readonly { productId: string }[]>(
  (lines) => new Set(lines.map(({ productId }) => productId)).size === lines.length,
  'names a product twice',
);

const returnPath = z.strictObject({ orderId: id('order'), returnId: id('return') });
const decisions = ['not-found', 'order-archived', 'return-status'] as const;

export const requestReturn = {
  summary: 'Ask to send units of an order back',
  description:
    'A customer asks for their own order, and a guest with the `Order-Token` for theirs, by an application with `orders:place`; an application with a key and `returns:manage` asks on behalf of the customer of any order. Only units that were shipped, and are in no other return, can come back. It moves neither goods nor money: an application says what arrived, and refunds it.',
  path: orderPath,
  orderToken: true,
  body: z.strictObject({
    lines: z
      .array(z.strictObject({ productId: id('product'), quantity, reason: z.enum(returnReasons) }))
      .check(z.minLength(1), z.maxLength(maxLines), oncePerProduct),
  }),
  responses: { 201: orderReturn },
  headers: ['Location'],
  problems: ['not-found', 'forbidden', 'order-archived', 'line-unknown', 'return-too-large'],
  idempotency: 'required',
} as const satisfies OperationContract;

export const receiveReturn = {
  summary: 'Say what of a return arrived, and what becomes of it',
  description:
    'For each product, `restock` units go back to the shelf and can be sold again; `writeOff` units came back and cannot. The ledger has a movement for both. Units that did not arrive can be returned later. It gives no money back: request a refund with this `returnId`.',
  path: returnPath,
  body: z.strictObject({
    lines: z
      .array(
        z.strictObject({ productId: id('product'), restock: z._default(count, 0), writeOff: z._default(count, 0) }),
      )
      .check(
        z.minLength(1),
        z.maxLength(maxLines),
        oncePerProduct,
        z.refine((lines) => lines.some(({ restock, writeOff }) => restock + writeOff > 0), 'has no unit'),
      ),
  }),
  responses: { 200: orderReturn },
  problems: [...decisions, 'line-unknown', 'return-too-large'],
  idempotency: 'required',
} as const satisfies OperationContract;

export const rejectReturn = {
  summary: 'Reject a return',
  description: 'The goods stay with the customer, who can ask again. The customer sees the reason.',
  path: returnPath,
  body: z.strictObject({ reason: text(200) }),
  responses: { 200: orderReturn },
  problems: decisions,
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const listReturns = {
  summary: 'List the returns of an order, oldest first',
  description:
    'Shows a customer the returns of their own order, a guest with the `Order-Token` those of theirs, and an application with a key those of any order.',
  path: orderPath,
  orderToken: true,
  responses: { 200: z.object({ data: z.array(orderReturn) }) },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const getReturn = {
  summary: 'Read a return',
  description:
    'Shows a customer a return of their own order, a guest with the `Order-Token` one of theirs, and an application with a key one of any order.',
  path: returnPath,
  orderToken: true,
  responses: { 200: orderReturn },
  problems: ['not-found'],
} as const satisfies OperationContract;
