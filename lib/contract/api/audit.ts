import * as z from 'zod/mini';
import { id, page, pageQuery, timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

const applicationId = z.string().check(z.regex(/^app_[0-9a-f]{32}$/));

/** One request that a handler answered or refused. */
export const access = z.object({
  id: id('access'),
  at: timestamp,
  operation: z.string(),
  kind: z.enum(['read', 'write']),
  status: z.int(),
  problem: z.nullable(z.string()),
  /** Of the handler’s own work. */
  milliseconds: z.int(),
  requestId: z.string(),
  applicationId: z.nullable(z.string()),
  keyId: z.nullable(z.string()),
  customerId: z.nullable(id('customer')),
  /** The client's address without what tells it from its neighbours: /24 of IPv4, /48 of IPv6. */
  network: z.nullable(z.string()),
  /** Ids of what was read or changed, or was asked for and refused. */
  resources: z.array(z.string()),
});
export type Access = z.output<typeof access>;

const range = { from: z.optional(timestamp), to: z.optional(timestamp) };

export const listAccesses = {
  summary: 'Who read or changed what, newest first',
  description:
    'Of a resource (`ord_…`, `cus_…`, `prd_…`, `app_…`, `key_…`, `rfd_…` or `mov_…`), of an application, or by a customer; of several, what fits all. The last 31 days when nothing is said; at most 400 days at once. A request is here within seconds on a laptop and within minutes on AWS. Asking is recorded too.',
  query: z.strictObject({
    ...pageQuery,
    ...range,
    resource: z.optional(z.string().check(z.regex(/^[a-z]{3}_[0-9a-f]{32}$/))),
    application: z.optional(applicationId),
    customer: z.optional(id('customer')),
    operation: z.optional(z.string().check(z.regex(/^[a-z][a-z-]{0,99}$/))),
  }),
  responses: { 200: page(access) },
  problems: ['invalid-cursor'],
  aboutAccesses: true,
} as const satisfies OperationContract;

export const listReaders = {
  summary: 'Which applications read or changed a customer’s data',
  description:
    'Every application whose requests named this customer or were made by them, and were not refused; the last 31 days when nothing is said, at most 400 days at once.',
  query: z.strictObject({ ...range, customer: id('customer') }),
  responses: {
    200: z.object({
      customerId: id('customer'),
      from: timestamp,
      to: timestamp,
      data: z.array(
        z.object({
          /** Null for requests that named none. */
          applicationId: z.nullable(z.string()),
          reads: z.int(),
          writes: z.int(),
          first: timestamp,
          last: timestamp,
        }),
      ),
    }),
  },
  aboutAccesses: true,
} as const satisfies OperationContract;
