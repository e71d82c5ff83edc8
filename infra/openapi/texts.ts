import type { OperationContract } from '../../lib/contract/api/operation.ts';
import type { OperationId, Tag } from '../../lib/contract/api/operations.ts';
import { maxWaitSeconds } from '../../lib/contract/api/orders.ts';

/** What holds for every operation. Paragraphs and lists of a little Markdown, which the docs page shows too. */
export const conventions = `Counterfoil takes the orders of a shop: it prices them, reserves stock, charges the card and confirms the order. If a step fails, it compensates the steps before.

- **Data** is JSON with camelCase names. Times are RFC 3339 in UTC. Money is \`{ "amount": 1999, "currency": "EUR" }\`, in minor units of the currency: this is 19.99 €.
- **Credentials**: each caller is a registered application. A server sends its key as \`Authorization: Bearer …\`; a mobile app or a page names itself by \`Client-Id\`, and sends the token of a session once its customer has signed in. Its scopes say what it may do.
- **Problems** are \`application/problem+json\` (RFC 9457). Branch on \`code\`; quote \`requestId\` when you ask for help; \`errors\` points to each invalid part of the input.
- **Retries**: send the same \`Idempotency-Key\` with each retry. A repeat gets the first answer, with \`Idempotency-Replayed: true\`, and nothing happens twice. Keys are kept for at least 24 hours. Each caller has its own.
- **Waiting**: \`POST /orders\` answers 202 at once. With \`Prefer: wait=N\` (N up to ${maxWaitSeconds}) it waits until the order has ended and answers 201 with its final state. A repeat waits too, and gets the order as it is then.
- **Lists** are sorted newest first (in manual review, oldest first) and have pages. Send \`nextCursor\` as \`cursor\` with the same filter to get the next page.
- **Versions**: a single resource has an \`ETag\`. With \`If-None-Match\`, you get 304 instead of what you already have. With \`If-Match\`, a change is refused (412) if the resource has changed since you read it.
- **Limits**: \`RateLimit\` says how many requests are left. Then requests get 429 with \`Retry-After\`.`;

const guide = (file: string, description: string) => ({
  url: `https://github.com/counterfoil/counterfoil/blob/main/docs/${file}.md`,
  description,
});

/** Groups of operations, in the order in which to read them, each with the guide to read first. */
export const tags: { name: Tag; description: string; externalDocs: { url: string; description: string } }[] = [
  {
    name: 'Customers',
    description: 'Sign-up, passwords, and the data of a customer.',
    externalDocs: guide('accounts', 'Accounts'),
  },
  {
    name: 'Sessions',
    description: 'Sign in, sign out, and list sessions.',
    externalDocs: guide('identity', 'Sign-in by OpenID Connect'),
  },
  {
    name: 'Catalogue',
    description: 'The products and their categories. Any application with the scope may read them.',
    externalDocs: guide('pricing', 'Pricing'),
  },
  {
    name: 'Stock',
    description: 'The ledger of stock movements and reservations.',
    externalDocs: guide('architecture', 'Architecture'),
  },
  {
    name: 'Pricing',
    description: 'What an order costs besides its goods: shipping methods, tax rates and coupons.',
    externalDocs: guide('pricing', 'How an order is priced'),
  },
  {
    name: 'Orders',
    description: 'Price, place, follow and cancel orders. A customer sees only their own.',
    externalDocs: guide('saga', 'The saga'),
  },
  {
    name: 'Payments',
    description: 'Events that resume an order whose payment waits for its customer.',
    externalDocs: guide('payments', 'Payments'),
  },
  {
    name: 'Events',
    description: 'What happened to orders, refunds and customers, for other systems to follow.',
    externalDocs: guide('events', 'Domain events'),
  },
  {
    name: 'Reports',
    description: 'Figures about the shop, from a copy of the database that says how old it is.',
    externalDocs: guide('analytics', 'Reports'),
  },
  {
    name: 'Operations',
    description: 'Orders in manual review, and findings of reconciliation, for operators.',
    externalDocs: guide('manual-review', 'Manual review'),
  },
  {
    name: 'Applications',
    description: 'Applications, their scopes and their keys.',
    externalDocs: guide('applications', 'Applications'),
  },
  {
    name: 'Audit',
    description: 'Who read or changed what, and the usage of each application.',
    externalDocs: guide('audit', 'Audit'),
  },
  { name: 'System', description: 'Health, and this document.', externalDocs: guide('limits', 'Limits') },
];

export const parameterNotes: Readonly<Record<string, string>> = {
  customerId: 'The id of the customer, which begins with `cus_`.',
  sessionId: 'The id of the session, which begins with `ses_`. It is not the token.',
  addressId: 'The id of the address, which begins with `adr_`.',
  identityId: 'The id of the link, which begins with `idn_`.',
  productId: 'The id of the product, which begins with `prd_`. It is not the SKU.',
  importId: 'The id of the import, which begins with `imp_`.',
  categoryId: 'The id of the category, which begins with `cat_`. It is not the slug.',
  orderId: 'The id of the order, which begins with `ord_`.',
  endpointId: 'The id of the webhook endpoint, which begins with `whe_`.',
  deliveryId: 'The id of the delivery, which begins with `dlv_`.',
  fulfilmentId: 'The id of the fulfilment, which begins with `ful_`.',
  returnId: 'The id of the return, which begins with `ret_`.',
  refundId: 'The id of the refund, which begins with `rfd_`.',
  applicationId: 'The id of the application, which begins with `app_`.',
  exportId: 'The id of the export, which begins with `rex_`.',
  subscriptionId: 'The id of the report subscription, which begins with `rsb_`.',
  keyId: 'The id of the key, which begins with `key_`. It is not the key.',
  code: 'The code that the shop chose.',
  country: 'Only those for this country, an ISO 3166-1 alpha-2 code.',
  active: 'Whether the products are on sale. `false` is for the back office.',
  sku: 'Only the product with this SKU.',
  q: 'Words to search for, at most 200 characters.',
  totalFrom: 'Only orders with at least this total, in minor units.',
  totalTo: 'Only orders with at most this total, in minor units.',
  category: 'Only products in this category, or in one below it: an id of `GET /categories`.',
  brand: 'Only products of this brand, in capitals or not.',
  attribute:
    'Only products with these values of attributes, each in a parameter of its own: `attribute[colour]=blue&attribute[litres]=1.2`. At most 10.',
  priceFrom: 'Only products with at least this price, in minor units. Say which `currency` if the shop has several.',
  priceTo: 'Only products with at most this price, in minor units.',
  fulfilmentStatus: 'Only orders of which so much has shipped. What was not confirmed is `unfulfilled` too.',
  currency: 'Only what has its price or total in this currency.',
  inStock: '`true`: only products that can be ordered now.',
  sort: 'The order: `-createdAt` newest first, which is usual without `q`; `createdAt` oldest first; `price` or `total` least first; `-price` or `-total` most first; `relevance` best match first, which is usual with `q`.',
  include: 'What to show besides, in one parameter with commas, as in `customer,products`.',
  limit: 'The most items on a page.',
  cursor: '`nextCursor` of the previous page, unchanged.',
  after: 'The `next` of the answer before; 0 begins with the first event.',
  type: 'Only events of this type.',
  status: 'Only orders in this status.',
  number: 'Only the order with this number, such as CF-10042.',
  kind: 'Only findings of this kind.',
  state: 'Open findings, cleared findings, or both.',
  source: 'The name of the feed: small letters, digits and dashes, as in `support`.',
  resource: 'Only accesses that named this id.',
  application: 'Only requests of this application.',
  customer: 'Only requests of this customer; of `GET /audit/readers`, requests that named this customer.',
  operation: 'Only requests for this operation, by its id in this document.',
  from: 'The beginning of the period, inclusive.',
  to: 'The end of the period, exclusive; now by default.',
  zone: 'The time zone whose days count, by its name in the IANA database.',
  order: 'The best sellers first, or the worst.',
  by: 'What they are ranked by.',
  days: 'From the sales of how many days the pace follows.',
  groupBy: 'What a row is: a stretch of time, or a property of what was sold.',
  segment: 'Only customers of this segment.',
  inactiveDays: 'Only customers whose last order was at least so many days ago.',
  minSequence:
    'Wait up to two seconds until the answer has every event of the order up to this one: the `version` that you saw last.',
  email: 'Only the customer with this e-mail address, or their orders.',
  olderThan: 'Only orders that have not changed for so long: `90s`, `15m`, `4h`, `3d`.',
};

const usual: Readonly<Record<number, string>> = {
  200: 'Success. The body has the result.',
  201: 'Created. The body shows it.',
  202: 'Accepted. It goes on after the answer.',
  204: 'Carried out. The answer has no body.',
};

/** What an answer of this status means. */
export const statusNote = ({ statuses }: OperationContract, status: number): string =>
  statuses?.[status] ?? usual[status] ?? 'The body has the result.';

/** What an operation does beyond its summary, for those whose contract says no more. */
export const operationNotes: Readonly<Partial<Record<OperationId, string>>> = {
  'list-tax-rates': 'Lists all rates, those of the past and of the future too; with `country`, those of one country.',
  'get-coupon': 'Shows a coupon and how many orders use it. The code is the same in upper and lower case.',
  'list-coupons': 'Lists all coupons, those that have ended too.',
  'get-me':
    'Shows the profile. With the ETag you can ask whether it has changed, and change exactly what you have read.',
  'update-me':
    'Changes the fields that are sent; `address: null` removes the address. Send the ETag as `If-Match` so that no other change is lost.',
  'get-customer':
    'For the back office. An application without `customers:read` cannot read it. The request is recorded in the audit.',
  'sign-out-everywhere': 'Also refuses the tokens that the customer’s identity provider issued so far.',
  'end-session': 'The next request with its token gets 401.',
  'sign-out':
    'Ends the session of this request. Tokens of an identity provider are not sessions: sign out at the provider.',
  'list-identities': 'Shows by which identity providers the customer can sign in, and when they last did.',
  'create-product':
    'The SKU must be new in the shop. The product can be ordered once it is active and has stock. With `options` it is sold as its variants: add each with `POST /products/{productId}/variants`.',
  'update-product':
    'Changes the fields that are sent, of a product or a variant. `active: false` takes it off sale, with its variants. Change category, brand and tax class of variants, and their options, at their product.',
  'create-category': 'Adds a category below `parentId`, or at the top without one.',
  'update-category':
    'Changes the fields that are sent. A new `parentId`, or null for the top, moves the category with all below it. Products stay in it.',
  'list-stock-movements': 'Shows the ledger, newest first, and the level that it adds up to.',
  'update-stock-level': 'Sets the threshold of the event `stock.low`; the stock itself changes by movements alone.',
  'create-stock-movement': 'Adds a movement to the ledger: goods that came in or went out, or a correction.',
  'create-quote':
    'Prices a basket as an order would be priced now, with the discount of a signed-in customer. Holds nothing.',
  'get-order-timeline':
    'Shows what has happened to an order, oldest first: to its customer, or to an application with a key.',
  'cancel-order':
    'Asks for the cancellation. Whatever was taken goes back; a confirmed order can be cancelled for fourteen days.',
  'get-capture':
    'Shows whether the payment of an order is taken. A requested capture goes on by itself: ask again until its status is not `authorized`.',
  'list-refunds': 'Shows the partial refunds of an order, newest first.',
  'get-refund': 'Shows one partial refund. It goes on by itself: ask again until its status is not `requested`.',
  'list-applications': 'Shows every application of the shop, newest first.',
  'get-application': 'Shows an application and its keys, without the keys themselves.',
  'delete-key': 'The next request with the key gets 401.',
  'get-openapi': 'Any page may read it.',
  'get-docs': 'The same document for people.',
};
