import * as z from 'zod/mini';
import { timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

const count = z.int().check(z.gte(0));
/** In milliseconds, accurate to a tenth. */
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
  summary: 'Read an application’s usage: requests, errors and latency',
  description:
    'Counts by operation, in whole hours from the hour of `from`. The default range is the last day. Times cover the handler’s own work and are accurate to a tenth. An unknown or idle application has no operations.',
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
      /** The operation with the highest p99. */
      slowestOperation: z.nullable(z.string()),
      operations: z.array(operationUsage),
    }),
  },
} as const satisfies OperationContract;
