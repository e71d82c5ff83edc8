import type { OperationContract } from '../../lib/contract/api/operation.ts';
import type { OperationId, Tag } from '../../lib/contract/api/operations.ts';
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
  customerId: 'The id of the customer, which begins with `cus_`.',
  sessionId: 'The id of the session, which begins with `ses_`. It is not the token.',
  identityId: 'The id of the link, which begins with `idn_`.',
  productId: 'The id of the product, which begins with `prd_`. It is not the SKU.',
  orderId: 'The id of the order, which begins with `ord_`.',
  refundId: 'The id of the refund, which begins with `rfd_`.',
  applicationId: 'The id of the application, which begins with `app_`.',
  keyId: 'The id of the key, which begins with `key_`. It is not the key.',
  active: 'Whether the products are on sale. `false` is for the back office.',
  sku: 'Only the product with this SKU.',
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

/** What an operation does beyond its summary, for those whose contract says no more. */
export const operationNotes: Readonly<Partial<Record<OperationId, string>>> = {
  'get-me':
    'Shows the profile. With the ETag you can ask whether it has changed, and change exactly what you have read.',
  'update-me':
    'Changes the fields that are sent; `address: null` removes the address. Send the ETag as `If-Match` so that no other change is lost.',
  'update-customer':
    'For the back office. The customer’s next quotes and orders get the premium discount, or no longer do.',
  'sign-out-everywhere': 'Also refuses the tokens that the customer’s identity provider issued so far.',
  'end-session': 'The next request with its token gets 401.',
  'sign-out':
    'Ends the session of this request. Tokens of an identity provider are not sessions: sign out at the provider.',
  'list-identities': 'Shows by which identity providers the customer can sign in, and when they last did.',
  'create-product': 'The SKU must be new in the shop. The product can be ordered once it is active and has stock.',
  'update-product': 'Changes the fields that are sent. `active: false` takes the product off sale.',
  'list-stock-movements': 'Shows the ledger, newest first, and the level that it adds up to.',
  'create-stock-movement': 'Adds a movement to the ledger: goods that came in or went out, or a correction.',
  'create-quote':
    'Prices a basket as an order would be priced now, with the discount of a signed-in customer. Holds nothing.',
  'list-orders': 'Shows the customer’s own orders, newest first.',
  'get-order':
    'Shows one of the customer’s own orders. An order goes on by itself: ask again until its status is an end.',
  'get-order-timeline': 'Shows what has happened to an order, oldest first, for the customer to follow.',
  'cancel-order':
    'Asks for the cancellation. Whatever was taken goes back; a confirmed order can be cancelled for fourteen days.',
  'list-refunds': 'Shows the partial refunds of an order, newest first.',
  'get-refund': 'Shows one partial refund. It goes on by itself: ask again until its status is not `requested`.',
  'list-applications': 'Shows every application of the shop, newest first.',
  'get-application': 'Shows an application and its keys, without the keys themselves.',
  'delete-key': 'The next request with the key gets 401.',
  'get-openapi': 'Any page may read it.',
  'get-docs': 'The same document for people.',
};
