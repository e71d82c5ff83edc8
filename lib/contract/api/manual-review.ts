import * as z from 'zod/mini';
import { id, money, page, pageQuery, prose, text, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';
import { order, orderStatuses, paymentStatuses, timelineEntry } from './orders.ts';
import { refund } from './refunds.ts';
import { movement } from './stock.ts';

const settled = {
  settledAt: z.nullable(timestamp),
  settledHow: z.nullable(z.enum(['retried', 'resolved'])),
};

/** One stay of an order in manual review; `attempt` is 0 for the saga's own compensation. */
export const manualReview = z.object({
  attempt: z.int(),
  openedAt: timestamp,
  /** How long the order has waited, or had waited when the review was settled. */
  ageSeconds: z.int(),
  fromStatus: z.enum(orderStatuses),
  reason: z.string(),
  steps: z.array(z.string()),
  error: z.string(),
  message: z.string(),
  moneyAtStake: z.extend(money, { certain: z.boolean() }),
  stockAtStake: z.array(
    z.object({
      productId: id('product'),
      sku: z.string(),
      quantity: z.int(),
      state: z.enum(['held', 'committed']),
    }),
  ),
  execution: z.string(),
  ...settled,
});
export type ManualReview = z.output<typeof manualReview>;

/** An order as manual review shows it, with its latest review. */
export const reviewOrder = z.extend(order, { compensationAttempts: z.int(), manualReview: z.nullable(manualReview) });
export type ReviewOrder = z.output<typeof reviewOrder>;

export const attemptResults = ['succeeded', 'failed', 'timed-out', 'under-way'] as const;

/** One call of a step by an execution, without its input and output. */
export const stepAttempt = z.object({
  state: z.string(),
  attempt: z.int(),
  startedAt: timestamp,
  endedAt: z.nullable(timestamp),
  result: z.enum(attemptResults),
  error: z.nullable(z.string()),
  message: z.nullable(z.string()),
});
export type StepAttempt = z.output<typeof stepAttempt>;

export const executionStory = z.object({
  name: z.string(),
  status: z.string(),
  startedAt: timestamp,
  endedAt: z.nullable(timestamp),
  attempts: z.array(stepAttempt),
  /** Whether its whole history was read. */
  complete: z.boolean(),
});
export type ExecutionStory = z.output<typeof executionStory>;

export const operatorAction = z.object({
  id: id('action'),
  at: timestamp,
  keyId: z.string(),
  action: z.enum(['read', 'retry', 'resolve', 'unarchive']),
  outcome: z.nullable(z.enum(['failed', 'cancelled'])),
  note: z.nullable(z.string()),
  refundReference: z.nullable(z.string()),
  requestId: z.string(),
});
export type OperatorAction = z.output<typeof operatorAction>;

export const explanation = z.object({
  order: reviewOrder,
  manualReview: z.array(manualReview),
  timeline: z.array(timelineEntry),
  payments: z.array(
    z.object({
      id: id('payment'),
      provider: z.string(),
      reference: z.string(),
      status: z.enum(paymentStatuses),
      amount: money,
      refunded: money,
      authorizedAt: z.nullable(timestamp),
      expiresAt: z.nullable(timestamp),
      captureRequestedAt: z.nullable(timestamp),
      captureRequestedBy: z.nullable(z.string()),
      capturedAt: z.nullable(timestamp),
      voidedAt: z.nullable(timestamp),
      refundedAt: z.nullable(timestamp),
      refundReference: z.nullable(z.string()),
    }),
  ),
  /** Partial refunds, newest first. */
  refunds: z.array(refund),
  reservations: z.array(
    z.object({
      productId: id('product'),
      sku: z.string(),
      quantity: z.int(),
      state: z.enum(['held', 'committed', 'released', 'returned']),
      expiresAt: timestamp,
    }),
  ),
  stockMovements: z.array(movement),
  events: z.array(
    z.object({ id: id('event'), type: z.string(), occurredAt: timestamp, publishedAt: z.nullable(timestamp) }),
  ),
  /** `null` when Step Functions did not answer. */
  executions: z.nullable(z.array(executionStory)),
  actions: z.array(operatorAction),
  requests: z.array(z.object({ requestId: z.string(), at: timestamp, what: z.string() })),
  /** What is missing from this answer, and why. */
  notes: z.array(z.string()),
});
export type Explanation = z.output<typeof explanation>;

const orderPath = z.strictObject({ orderId: id('order') });
const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a duration such as `90s`, `15m`, `4h` or `3d`. */
export const secondsOf = (duration: string): number =>
  Number(duration.slice(0, -1)) * unitSeconds[duration.at(-1) as keyof typeof unitSeconds];

export const findOrders = {
  summary: 'List the orders in manual review, the longest unchanged first',
  description:
    'Unlike other lists this one starts with the oldest change, because that order needs work first. `olderThan` takes a duration such as `90s`, `15m`, `4h` or `3d`.',
  query: z.strictObject({
    ...pageQuery,
    status: z._default(z.enum(orderStatuses), 'needs_attention'),
    olderThan: z.optional(z.string().check(z.regex(/^[1-9]\d{0,4}[smhd]$/))),
  }),
  responses: { 200: page(reviewOrder) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;

export const explainOrder = {
  summary: 'Explain an order’s current state',
  description:
    'Shows everything known about the order, including each attempt of each saga step. The read itself is recorded in `actions`, with the key and the request id.',
  path: orderPath,
  responses: { 200: explanation },
  problems: ['not-found'],
} as const satisfies OperationContract;

export const retryCompensation = {
  summary: 'Retry the compensation of an order in manual review',
  description:
    'Starts a new compensation: refund, release, close. The order ends failed or cancelled, or returns to manual review. It never goes forward. An order whose payment could not be captured goes back to `confirmed` instead, and is captured again.',
  path: orderPath,
  responses: { 202: reviewOrder },
  statuses: { 202: 'The compensation is under way.' },
  problems: ['not-found', 'order-not-in-review'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const resolveOrder = {
  summary: 'Resolve an order in manual review by hand',
  description:
    'Declares that no money is kept. Held stock goes back, the payment counts as refunded (`refundReference` is the provider’s reference), or as voided if it was never captured, and the order ends: `cancelled` if it was confirmed or being cancelled, `failed` otherwise.',
  path: orderPath,
  body: z.strictObject({
    outcome: z.enum(['failed', 'cancelled']),
    note: prose(2000).check(z.minLength(1)),
    refundReference: z.optional(text(200)),
  }),
  responses: { 200: reviewOrder },
  statuses: { 200: 'The order has ended.' },
  problems: ['not-found', 'order-not-in-review', 'outcome-does-not-fit'],
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const unarchiveOrder = {
  summary: 'Take an order out of the archive',
  description:
    'An old order moves to the archive, where it can be read but not refunded. This puts it back as it was, for at least 30 days. An order that is not archived stays unchanged. The answer is the order; `actions` of its explanation has the record of it.',
  path: orderPath,
  responses: { 200: reviewOrder },
  statuses: { 200: 'The order is not archived.' },
  problems: ['not-found'],
  idempotency: 'accepted',
} as const satisfies OperationContract;
