import * as z from 'zod/mini';
import { feedDays } from '../deploy/retention.ts';
import { slug, timestamp } from './common.ts';
import { importError, importFormats, maxImportBytes } from './imports.ts';
import type { OperationContract } from './operation.ts';

/** How many errors an answer shows: the first. */
export const maxFeedErrors = 100;

export const feedKinds = ['interaction', 'ticket'] as const;
export const ticketStates = ['open', 'waiting', 'closed'] as const;

const source = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,39}$/, 'is not a name such as support'));

/** SHA-256 of an e-mail address in small letters, as hexadecimal digits. */
const emailHash = z
  .string()
  .check(z.regex(/^[0-9a-f]{64}$/, 'is not SHA-256 as 64 hexadecimal digits in small letters'));

/** A row of a feed. It has codes and no text that somebody typed, so that it says nothing of a person but that they were in touch. */
export const feedRow = z
  .strictObject({
    id: z.string().check(z.regex(/^[\w.:-]{1,100}$/, 'is not 1 to 100 letters, digits or _ . : -')),
    kind: z.enum(feedKinds),
    emailHash,
    at: timestamp,
    channel: z.optional(slug),
    topic: z.optional(slug),
    status: z.optional(z.enum(ticketStates)),
    endedAt: z.optional(timestamp),
  })
  .check(
    z.refine(({ kind, status }) => (kind === 'ticket') === (status !== undefined), {
      path: ['status'],
      error: 'is needed for a ticket, and an interaction has none',
    }),
    z.refine(({ kind, endedAt }) => kind === 'ticket' || endedAt === undefined, {
      path: ['endedAt'],
      error: 'belongs to tickets alone',
    }),
  );
export type FeedRow = z.output<typeof feedRow>;

/** What is kept of a row, as its customer and reports see it. */
export const feedEntry = z.object({
  source: z.string(),
  kind: z.enum(feedKinds),
  at: timestamp,
  channel: z.nullable(z.string()),
  topic: z.nullable(z.string()),
  status: z.nullable(z.enum(ticketStates)),
  endedAt: z.nullable(timestamp),
});
export type FeedEntry = z.output<typeof feedEntry>;

export const loadedFeed = z.object({
  source: z.string(),
  receivedAt: timestamp,
  rows: z.object({ total: z.int(), loaded: z.int(), unchanged: z.int(), failed: z.int() }),
  errors: z.array(importError),
});
export type LoadedFeed = z.output<typeof loadedFeed>;

export const loadCustomerFeed = {
  summary: 'Load interactions and tickets of customers from a file',
  description: `Send one JSON object a line (\`application/x-ndjson\`), or a table with a heading (\`text/csv\`): at most 10,000 rows and 4 MB. A row names its customer by the SHA-256 of their e-mail address in small letters. Rows that are wrong or name nobody are in \`errors\`, of which the first ${maxFeedErrors} are shown; all others are loaded. The \`id\` is that of the source: a row that was sent before is brought up to date, so a file can be sent again at any time. Entries show in \`GET /reports/customers/{customerId}\`, and are deleted ${feedDays} days after they happened.`,
  path: z.strictObject({ source }),
  raw: { types: Object.keys(importFormats), maxBytes: maxImportBytes },
  responses: { 200: loadedFeed },
  problems: ['invalid-input'],
} as const satisfies OperationContract;
