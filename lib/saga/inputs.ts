import * as z from 'zod/mini';
import { amount, currency, id } from '../contract/api/common.ts';

/** With the API request that asked for it, if one did. */
const order = { orderId: id('order'), amount, currency, correlationId: z.optional(z.string()) };
/** Absent: the payment is captured at checkout. */
const captureAt = z.optional(z.enum(['shipment']));
const payment = z.object({ provider: z.string(), reference: z.string() });

/** Input of infra/saga/placing.asl.json; `amount` in minor units of `currency`. */
export const placingInput = z.object({ ...order, paymentMethod: z.string(), captureAt });
export type PlacingInput = z.output<typeof placingInput>;

/** Why an execution of infra/saga/compensating.asl.json runs. */
export const reasons = ['cancellation', 'retry', 'orphaned-charge'] as const;

/**
 * Input of infra/saga/compensating.asl.json. `payment` is there where money was taken. `attempt` comes with `retry` and
 * counts the retries of this order's compensation from 1.
 */
export const compensatingInput = z.object({
  ...order,
  reason: z.enum(reasons),
  attempt: z.optional(z.int().check(z.gte(1))),
  payment: z.optional(payment),
  captureAt,
});
export type CompensatingInput = z.output<typeof compensatingInput>;

/** Input of infra/saga/capturing.asl.json; `attempt` starts at 1. `captureAmount` is what is captured; absent: the whole. */
export const capturingInput = z.object({
  ...order,
  captureAmount: z.optional(amount),
  paymentId: id('payment'),
  attempt: z.int(),
  payment,
});
export type CapturingInput = z.output<typeof capturingInput>;

/** Input of infra/saga/refunding.asl.json; `amount` is the part to refund, `attempt` starts at 1. */
export const refundingInput = z.object({ ...order, refundId: id('refund'), attempt: z.int(), payment });
export type RefundingInput = z.output<typeof refundingInput>;
