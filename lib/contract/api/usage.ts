import * as z from 'zod/mini';
import { timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

const count = z.int().check(z.gte(0));
/** In milliseconds, at most a tenth off. */
const duration = z.number().check(z.gte(0));

export const operationUsage = z.object({
  operation: z.string(),
  requests: count,
  clientErrors: count,
  serverErrors: count,
  p50Milliseconds: duration,
  p99Milliseconds: duration,
});
export type OperationUsage = z.output<typeof operationUsage>;

export const getUsage = {
  summary: 'What an application asked for, how often it failed and how long it took',
  description:
    'By operation, in whole hours from the one that `from` is in; the last day when nothing is said. Times are of the handler’s own work and at most a tenth off. An application that asked for nothing, or that there is not, has no operations.',
  path: z.strictObject({ applicationId: z.string().check(z.regex(/^(app_[0-9a-f]{32}|none)$/)) }),
  query: z.strictObject({ from: z.optional(timestamp), to: z.optional(timestamp) }),
  responses: {
    200: z.object({
      applicationId: z.string(),
      from: timestamp,
      to: timestamp,
      requests: count,
      clientErrors: count,
      serverErrors: count,
      /** By its p99. */
      slowestOperation: z.nullable(z.string()),
      operations: z.array(operationUsage),
    }),
  },
} as const satisfies OperationContract;
