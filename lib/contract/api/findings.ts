import * as z from 'zod/mini';
import { id, page, pageQuery, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

/** What can be wrong between the provider's transactions, the orders and the stock ledger. docs/runbooks/reconciliation.md. */
export const findingKinds = [
  'orphaned-charge',
  'charge-twice',
  'order-without-charge',
  'amount-differs',
  'reservation-without-owner',
  'level-differs-from-ledger',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export const finding = z.object({
  id: id('finding'),
  kind: z.enum(findingKinds),
  /** Id of the order or product, or the provider's reference of the charge. */
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
  advice: z.string(),
  repair: z.nullable(z.enum(['started', 'done', 'failed'])),
  firstSeen: timestamp,
  lastSeen: timestamp,
  clearedAt: z.nullable(timestamp),
});
export type Finding = z.output<typeof finding>;

export const listFindings = {
  summary: 'Where provider, orders and stock ledger disagree, newest first',
  description: 'What the hourly reconciliation found: what is wrong, both sides’ numbers, and what to do about it.',
  query: z.strictObject({
    ...pageQuery,
    kind: z.optional(z.enum(findingKinds)),
    state: z._default(z.enum(['open', 'cleared', 'all']), 'open'),
  }),
  responses: { 200: page(finding) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;
