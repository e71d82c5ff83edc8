import * as z from 'zod/mini';
import { timestamp } from './common.ts';
import type { OperationContract } from './operation.ts';

const part = z.object({ status: z.enum(['up', 'down']), latencyMs: z.number() });

export const health = z.object({
  status: z.enum(['up', 'degraded', 'down']),
  parts: z.object({ database: part, sessions: part, states: part }),
  version: z.string(),
  checkedAt: timestamp,
});
export type Health = z.output<typeof health>;

export const getHealth = {
  summary: 'Read the health of the service',
  description:
    'Answers 200 while the shop takes orders (`up`) or at least serves the catalogue (`degraded`), and 503 when the database does not answer (`down`).',
  responses: { 200: health, 503: health },
  statuses: { 503: 'The database is away.' },
} as const satisfies OperationContract;

export const getOpenapi = {
  summary: 'Read this API as an OpenAPI 3.1 document',
  responses: { 200: z.record(z.string(), z.unknown()) },
  etag: true,
} as const satisfies OperationContract;

export const getDocs = {
  summary: 'Read this API as a web page',
  responses: { 200: z.string() },
  contentType: 'text/html',
  etag: true,
} as const satisfies OperationContract;

export const answerUnrouted = {
  summary: 'Answer what no other route does',
  unpublished: true,
  responses: { 204: null },
  problems: ['route-not-found', 'method-not-allowed'],
} as const satisfies OperationContract;
