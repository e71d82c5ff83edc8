import * as z from 'zod/mini';
import { timestamp } from '../contract/api/common.ts';
import { paymentAction } from '../contract/api/payment-action.ts';
import { capturingInput, compensatingInput, placingInput, refundingInput } from './inputs.ts';

/**
 * Result of ChargePayment. With `action` nothing is charged yet: the customer has to act first, and the saga waits for
 * `waitSeconds`.
 */
const charge = z.object({
  provider: z.string(),
  reference: z.string(),
  action: z.optional(paymentAction),
  waitSeconds: z.optional(z.int()),
  /** The money is only held, and until when. */
  authorization: z.optional(z.object({ expiresAt: timestamp })),
});

/** Result of RefundPayment. */
const refund = z.object({
  outcome: z.enum(['refunded', 'voided']),
  provider: z.string(),
  reference: z.nullable(z.string()),
  refundReference: z.nullable(z.string()),
});

/** What a `Catch` leaves in the state: the error's name and, of a Lambda function, JSON as its cause. */
const caught = z.object({ Error: z.string(), Cause: z.optional(z.string()) });
export type Caught = z.output<typeof caught>;

/**
 * What the steps of an order leave in the state, each under a name of its own. `failure` is the error that ended the way
 * forward, `compensationFailure` the last one of the compensation.
 */
const left = {
  reservation: z.optional(z.looseObject({ expiresAt: z.optional(timestamp) })),
  charge: z.optional(charge),
  confirmation: z.optional(z.unknown()),
  failure: z.optional(caught),
  abandonment: z.optional(z.looseObject({ confirmed: z.boolean() })),
  refund: z.optional(refund),
  release: z.optional(z.unknown()),
  compensationFailure: z.optional(caught),
};

/** What a step of `placing` gets: the input and what the steps before it left. */
export const placingState = z.looseObject({ ...placingInput.shape, ...left });
export type PlacingState = z.output<typeof placingState>;

/**
 * What a step gets that compensates in `placing` and in `compensating`. Without a `reason` the order is still being
 * placed.
 */
export const compensationState = z.looseObject({
  ...compensatingInput.shape,
  reason: z.optional(compensatingInput.shape.reason),
  ...left,
});
export type CompensationState = z.output<typeof compensationState>;

/** What a step of `capturing` gets. */
export const capturingState = z.looseObject({
  ...capturingInput.shape,
  capture: z.optional(z.unknown()),
  failure: z.optional(caught),
});
export type CapturingState = z.output<typeof capturingState>;

/** What a step of `refunding` gets. */
export const refundingState = z.looseObject({
  ...refundingInput.shape,
  refund: z.optional(z.object({ refundReference: z.string() })),
  failure: z.optional(caught),
});
export type RefundingState = z.output<typeof refundingState>;

/** Whether a charge was made: one on which the customer still has to act has taken nothing. */
export const isTaken = (made: CompensationState['charge']): boolean => made !== undefined && made.action === undefined;

/** Whether an error leaves open whether the step had its effect. */
export const leavesOpen = (error: string): boolean => silences.has(error);

const silences = new Set([
  'OutcomeUnknown',
  'DeadlineExceeded',
  'States.Timeout',
  'Lambda.Unknown',
  'Sandbox.Timedout',
]);

/** Message of the error that a Lambda function threw; empty when the cause is not its JSON. */
export function messageOf({ Cause }: Caught): string {
  try {
    const message = (JSON.parse(Cause ?? '') as { errorMessage?: unknown } | null)?.errorMessage;
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}
