import type { OperationContract } from '../../lib/contract/api/operation.ts';
import type { Tag } from '../../lib/contract/api/operations.ts';
import { maxWaitSeconds } from '../../lib/contract/api/orders.ts';

/** What holds for every operation. Paragraphs and lists of a little Markdown, which the docs page shows too. */
export const conventions = `Counterfoil takes the orders of a shop: it prices them, reserves stock, charges the card and confirms, or compensates it all.

- **Data** is JSON with camelCase names. Times are RFC 3339 in UTC. Money is \`{ "amount": 1999, "currency": "EUR" }\`, in the smallest unit of its currency: this is 19.99 €.
- **Credentials**: each caller is a registered application. A server sends its key as \`Authorization: Bearer …\`; a mobile app or a page names itself by \`Client-Id\`, and sends the token of a session once its customer has signed in. What it may do is told by its scopes.
- **Problems** are \`application/problem+json\` (RFC 9457). Branch on \`code\`; quote \`requestId\` when you ask for help; \`errors\` points at each wrong piece of input.
- **Retries**: send the same \`Idempotency-Key\` with each attempt at the same thing. A repeat is answered like the first time, with \`Idempotency-Replayed: true\`, and nothing happens twice. Keys are kept for at least 24 hours, each caller’s apart.
- **Waiting**: \`POST /orders\` answers 202 at once. With \`Prefer: wait=N\` (N up to ${maxWaitSeconds}) it waits for the order to end and answers 201 with its final state.
- **Lists** come newest first (manual review’s oldest first), in pages: pass \`nextCursor\` as \`cursor\` for the next one, with the same filter.
- **Versions**: answers of single things carry an \`ETag\`. \`If-None-Match\` saves sending what you have; \`If-Match\` refuses a change (412) when somebody else was faster.
- **Limits**: \`RateLimit\` tells what is left. Beyond it comes 429 with \`Retry-After\`.`;

/** Groups of operations, in the order in which to read them. */
export const tags: { name: Tag; description: string }[] = [
  { name: 'Customers', description: 'Signing up, and what is known of a customer.' },
  { name: 'Sessions', description: 'Signing in and out.' },
  { name: 'Catalogue', description: 'What is for sale. Any application with the scope may read it.' },
  { name: 'Stock', description: 'The ledger of what came in, went out and is reserved.' },
  { name: 'Orders', description: 'Pricing, placing, following and cancelling orders. Everybody sees their own alone.' },
  { name: 'Payments', description: 'What moves on an order whose payment waits for its customer.' },
  { name: 'Operations', description: 'What is stuck or disagrees, for those who put it right.' },
  { name: 'Applications', description: 'Who may call, with which keys and what for.' },
  { name: 'Audit', description: 'Who read or changed what, and what each application asks for.' },
  { name: 'System', description: 'Readiness, and this description.' },
];

export const parameterNotes: Readonly<Record<string, string>> = {
  limit: 'Most entries on a page.',
  cursor: '`nextCursor` of the page before, as it came.',
  status: 'Only orders in this status.',
  kind: 'Only findings of this kind.',
  state: 'Findings that are open, that were cleared, or both.',
  resource: 'Only accesses that named this id.',
  application: 'Only requests of this application.',
  customer: 'Only requests of this customer; of `GET /audit/readers`, requests that named this customer.',
  operation: 'Only requests for this operation, by its id in this document.',
  from: 'The first moment to look at.',
  to: 'The moment to look until; now when not said.',
  olderThan: 'Only orders that have not changed for so long: `90s`, `15m`, `4h`, `3d`.',
};

const usual: Readonly<Record<number, string>> = { 200: 'Done.', 201: 'Made.', 202: 'Under way.', 204: 'Done.' };

/** What an answer of this status means. */
export const statusNote = ({ statuses }: OperationContract, status: number): string =>
  statuses?.[status] ?? usual[status] ?? 'Done.';
