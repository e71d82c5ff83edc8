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
  /** How long the handler worked. */
  milliseconds: z.int(),
  requestId: z.string(),
  applicationId: z.nullable(z.string()),
  keyId: z.nullable(z.string()),
  customerId: z.nullable(id('customer')),
  /** The client's network: /24 of an IPv4 address, /48 of an IPv6 address. */
  network: z.nullable(z.string()),
  /** Ids of what the request read, changed, or asked for in vain. */
  resources: z.array(z.string()),
});
export type Access = z.output<typeof access>;

const range = { from: z.optional(timestamp), to: z.optional(timestamp) };

export const listAccesses = {
  summary: 'List who read or changed what, newest first',
  description:
    'Filters by resource (`ord_…`, `cus_…`, `prd_…`, `app_…`, `key_…`, `rfd_…` or `mov_…`), application, customer and operation; all filters must match. The default range is the last 31 days, the longest 400 days. A request appears within seconds on a laptop and within minutes on AWS. This operation is recorded too.',
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
  summary: 'List the applications that read or changed a customer’s data',
  description:
    'Counts the successful requests that named this customer or came from them, by application. The default range is the last 31 days, the longest 400 days.',
  query: z.strictObject({ ...range, customer: id('customer') }),
  responses: {
    200: z.object({
      customerId: id('customer'),
      from: timestamp,
      to: timestamp,
      data: z.array(
        z.object({
          /** Null for requests without an application. */
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
