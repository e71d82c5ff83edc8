import * as z from 'zod/mini';
import { id, page, pageQuery, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

/** How the provider's transactions, the orders and the stock ledger can disagree: docs/runbooks/reconciliation.md. */
export const findingKinds = [
  'orphaned-charge',
  'charge-twice',
  'order-without-charge',
  'amount-differs',
  'reservation-without-owner',
  'level-differs-from-ledger',
  'books-differ',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export const finding = z.object({
  id: id('finding'),
  kind: z.enum(findingKinds),
  /** Id of the order or product, the provider's reference of the charge, or a day and its currency. */
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
  summary: 'List where provider, orders, stock ledger and reports disagree, newest first',
  description:
    'Shows the findings of the hourly reconciliation, and of the daily one of reports: what disagrees, the figures of both sides, and what to do.',
  query: z.strictObject({
    ...pageQuery,
    kind: z.optional(z.enum(findingKinds)),
    state: z._default(z.enum(['open', 'cleared', 'all']), 'open'),
  }),
  responses: { 200: page(finding) },
  problems: ['invalid-cursor'],
} as const satisfies OperationContract;
