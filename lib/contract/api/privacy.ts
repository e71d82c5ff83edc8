import * as z from 'zod/mini';
import { timestamp } from './common.ts';
import { customerAddress } from './customer-addresses.ts';
import { feedEntry } from './customer-feeds.ts';
import { customer } from './customers.ts';
import { fulfilment } from './fulfilments.ts';
import { identity } from './identities.ts';
import type { OperationContract } from './operation.ts';
import { order, timelineEntry } from './orders.ts';
import { refund } from './refunds.ts';
import { orderReturn } from './returns.ts';
import { ownSession } from './sessions.ts';

/** One request about the customer, as far as it is theirs to know. */
const exportedAccess = z.object({
  at: timestamp,
  operation: z.string(),
  kind: z.enum(['read', 'write']),
  status: z.int(),
  applicationId: z.nullable(z.string()),
  /** Of the customer's own requests. */
  network: z.nullable(z.string()),
});

const exportedMail = z.object({
  kind: z.string(),
  recipient: z.string(),
  createdAt: timestamp,
  sentAt: z.nullable(timestamp),
});

const exportedOrder = z.extend(order, {
  paymentMethod: z.string(),
  timeline: z.array(timelineEntry),
  refunds: z.array(refund),
  fulfilments: z.array(fulfilment),
  returns: z.array(orderReturn),
});

export const customerExport = z.object({
  takenAt: timestamp,
  customer: z.extend(customer, { confirmedAt: z.nullable(timestamp), newEmail: z.nullable(z.string()) }),
  addresses: z.array(customerAddress),
  identities: z.array(identity),
  sessions: z.array(ownSession),
  mails: z.array(exportedMail),
  feedEntries: z.array(feedEntry),
  orders: z.array(exportedOrder),
  accesses: z.array(exportedAccess),
  hasMore: z.boolean(),
  nextCursor: z.nullable(z.string()),
});
export type CustomerExport = z.output<typeof customerExport>;
export type ExportedOrder = CustomerExport['orders'][number];

export const exportMe = {
  summary: 'Export everything that is kept of the signed-in customer',
  description:
    'The answer to a request for access and portability (GDPR articles 15 and 20), as one JSON document: profile, addresses, identities, sessions, mails, what feeds said, orders with payments and refunds, and who read or changed the data when. A document has at most 100 orders and 1,000 requests, newest first; where there are more, `hasMore` is true and `nextCursor` leads to the next document. Needs a sign-in within the last ten minutes. Nothing of the export is stored.',
  query: z.strictObject({ cursor: z.optional(z.string().check(z.minLength(1), z.maxLength(500))) }),
  responses: { 200: customerExport },
  problems: ['invalid-cursor', 'sign-in-again'],
  aboutAccesses: true,
} as const satisfies OperationContract;

export const eraseMe = {
  summary: 'Erase the signed-in customer',
  description:
    'Erases the account and the personal data (GDPR article 17): e-mail, name, addresses, password, identities, sessions and mails. Orders, payments and the audit stay without them, under an id that no longer leads to a person. It cannot be undone. Needs a sign-in within the last ten minutes, and every order of the customer must have ended. The customer gets a last mail.',
  responses: { 204: null },
  problems: ['sign-in-again', 'orders-under-way'],
} as const satisfies OperationContract;
