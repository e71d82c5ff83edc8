import { feedEvents } from '../../lib/contract/api/events.ts';
import type { Schema } from '../../lib/contract/docs/document.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';

/**
 * What each property of the API means, in the reader's terms. A name means the same everywhere, except where
 * `inSchema` has another meaning for it. A test refuses a property without a note, and a note without a property.
 */
const everywhere: Readonly<Record<string, string>> = {
  accesses: 'Requests that came from the customer or were about them, newest first; at most 1,000 in a document.',
  action: 'What was done, or what is to be done.',
  actions: 'What operators did with this order, oldest first.',
  active: 'Whether the product is on sale.',
  address: 'Where the customer lives; null when it is not known.',
  advice: 'What to do about the finding.',
  ageSeconds: 'How long the order has waited, in seconds.',
  alt: 'What the picture shows, for who cannot see it.',
  amount: 'Minor units of the currency: 1999 with EUR is 19.99 €, 1999 with JPY is 1999 ¥.',
  applicationId: 'The application that it belongs to or came from.',
  at: 'When it happened, in UTC (RFC 3339).',
  attempt: 'Which attempt this is, starting at 1.',
  attributes: 'What can be said of the product by name: text, a number, true or false. At most 50, and 8 KB as JSON.',
  attempts: 'Every attempt of every step, in the order in which they began.',
  availability:
    '`in_stock`; `low` at `lowStockAt` or below it; `out_of_stock` when none can be ordered. Orders under way count as taken.',
  available: 'Units that can still be ordered: on hand and not reserved.',
  body: 'The first 2 KB of what was answered.',
  brand: 'Who makes it, as customers know it; null when it is not known.',
  billingAddress: 'Who pays, if it is another address than the one that the order goes to; null when nobody said.',
  capturedAt: 'When the payment was captured.',
  categoryId: 'The category that it is in, besides those above that one; null when it is in none.',
  certain: 'Whether the provider has confirmed the amount; false when it never answered.',
  changed: 'The fields that changed.',
  checkedAt: 'When the health was checked.',
  city: 'City or town.',
  clearedAt: 'When the finding was no longer there; null while it is open.',
  clientErrors: 'Requests that were answered with a status from 400 to 499.',
  clientSecret: 'What Stripe.js needs to let the customer act: `stripe.handleNextAction({ clientSecret })`.',
  code: 'A word to branch on. It does not change, other than the text beside it.',
  compensationAttempts: 'How often the compensation was run.',
  company: 'The company at the address.',
  complete: 'Whether this is the whole history; false when it was too long.',
  confirmedAt: 'When the customer confirmed the e-mail address; null when they have not.',
  contact: 'The e-mail address of who answers for the application. Mails about its webhook endpoints go there.',
  costPrice:
    'What one unit costs the shop. Only applications with a key and the scope `catalog:write` or `reports:read` see it; it is left out for all others, and while it is not known.',
  couponCode: 'The coupon that the customer used; null when none.',
  country: 'ISO 3166-1 alpha-2 code, for example AT.',
  createdBy: 'The key that made it; null when it was made as the stage was set up, or by hand.',
  createdAt: 'When it was created, in UTC (RFC 3339).',
  currency: 'ISO 4217 code, for example EUR.',
  current: 'Whether this is the session of the request.',
  customer: 'The profile of the customer.',
  customerId: 'The customer that it belongs to.',
  data: 'The items, newest first.',
  database: 'PostgreSQL, which everything but the reading of credentials needs.',
  description: 'Text about the product, of several lines; null when there is none.',
  detail: 'A sentence for a person. Show it, and branch on the code beside it.',
  details: 'What was compared, by the kind of the finding.',
  disabledBecause:
    'Why it is disabled: by its `owner`, because it answered 410 (`gone`), or because nothing was taken for three days (`failing`); null while it is active.',
  discount:
    'What is taken off: for an order off the subtotal, null when nothing is; for a line its share of that. The shares sum to the discount.',
  email: 'An e-mail address, in lower case.',
  endedAt: 'When it ended; null while it runs.',
  error: 'The name of the error; null when there was none.',
  errors: 'Each piece of the input that is not valid.',
  eventId: 'The event that was sent. It is the `webhook-id` of each request.',
  events: 'The domain events of the order, oldest first.',
  execution: 'The name of the execution that asked for the manual review; null when there was none.',
  executions: 'The executions of the order’s saga, oldest first.',
  expiresAt: 'When it ends, in UTC (RFC 3339); null when it does not.',
  failingSince: 'Since when every attempt failed; null when the last one succeeded.',
  failure: 'Why it failed; null when it has not.',
  first: 'When the application did so first in this time.',
  firstSeen: 'When the finding was seen first.',
  from: 'The beginning of the time that is covered, inclusive.',
  fromStatus: 'The status that the order had before manual review.',
  hasMore: 'Whether there are more items than these: then `nextCursor` leads to them.',
  headers: 'Header fields that each request has besides, with names in lower case; at most 5.',
  id: 'Identifies it. Its prefix names its kind, and ids sort by the time of their creation.',
  identities: 'The users of identity providers that are linked to the customer.',
  idToken: 'An ID token of the identity provider, as it came (a JWT).',
  identityClientIds: 'Client ids that the identity provider knows the application by.',
  images: 'Pictures, in the order in which to show them; at most 20, and 16 KB as JSON.',
  included: 'What `include` asked for. A part that is missing is null; one that was not asked for is left out.',
  issuer: 'The identity provider, as its tokens name it (`iss`).',
  key: 'The key itself. It is shown this once: store it now.',
  keyId: 'The application key that was used; null for a caller without one.',
  keys: 'The keys of the application, newest first. The keys themselves are not shown again.',
  kind: 'What kind it is of.',
  last: 'When the application did so last in this time.',
  lastAttempt: 'What came of the last attempt; null before the first.',
  lastSeen: 'When the finding was seen last.',
  lastUsedAt: 'When it was used last, to the hour for a key; null when it never was.',
  latencyMs: 'How long the check took, in milliseconds.',
  level: 'The stock level after the movement.',
  line1: 'Street and number.',
  line2: 'What else the address needs, for example a floor.',
  lines: 'The products and how many of each.',
  linkedAt: 'When the identity was linked.',
  lowStockAt: 'From how many available units on the stock counts as low, which is an event; 0 when it never does.',
  mails: 'The mails that were sent.',
  manualReview: 'Why the order waits for an operator, and what is at stake; null when it does not.',
  message: 'The message of the error; null when there was none.',
  metadata:
    'What your application keeps with it: any JSON object of at most 4 KB. It is not searched. Who reads the product reads this too.',
  milliseconds: 'How long the request took, in milliseconds.',
  missing: 'The parts that `include` asked for and that did not come; empty when all came. Left out without `include`.',
  moneyAtStake: 'What the provider may still hold of the customer’s money; null when nothing.',
  name: 'A name in one line, with a visible character and no control characters.',
  network:
    'The network of the caller: the /24 of an IPv4 address, the /48 of an IPv6 address; null when it is not known.',
  newEmail: 'The address that the customer asked to change to and has not confirmed; null when there is none.',
  newPassword: 'The new password, of 8 to 128 characters. Common passwords and those about the customer are refused.',
  nextAttemptAt: 'When the next attempt is due; null when there is none.',
  nextCursor: 'Send it as `cursor` to get the next page; null on the last one.',
  nonce: 'The nonce that you sent to the identity provider. It is compared with the one in the ID token.',
  note: 'What the operator wrote.',
  notes: 'What the explanation could not find out, in sentences.',
  number: 'The number of the order for people, such as CF-10042. It stays as it is. Numbers may skip some.',
  occurredAt: 'When it occurred, in UTC (RFC 3339).',
  onHand: 'Units in the warehouse, reserved ones included.',
  openedAt: 'When the order went into manual review.',
  operation: 'The id of the operation.',
  operations: 'The same figures for each operation.',
  order: 'The order as `GET /orders/{orderId}` shows it.',
  rateLimit: 'Requests a second at most, from 1 to 100. What is above waits. `null` for as many as can be sent.',
  ordered: 'Whether later events of an order, customer or product are held back until an earlier one was taken.',
  orderId: 'The order that it belongs to; null when it belongs to none.',
  orders: 'Orders, newest first.',
  origins: 'Origins whose pages may call for the application, for example https://shop.example.',
  outcome: 'How it ended.',
  p50Milliseconds: 'Half of the requests took at most so many milliseconds.',
  p99Milliseconds: 'All but one in a hundred requests took at most so many milliseconds.',
  parts: 'What the service needs, each by itself.',
  password: 'A password of 8 to 128 characters. Common passwords and those about the customer are refused.',
  parentId: 'The category above it; null for one at the top.',
  path: 'Where to send the outcome, in the session that placed the order.',
  payment: 'The payment of the order; null while nothing is captured.',
  archived:
    'Whether the order is old and in the archive. It reads as before, but nothing about it changes there: an operator can take it out.',
  paymentAction:
    'What the customer must do before the payment goes on, while the order is `pending_payment`; else null.',
  paymentMethod: 'A payment method of the provider.',
  paymentId: 'The payment.',
  payments: 'The payments of the order; at most one.',
  phone: 'A telephone number.',
  placedBy: 'The application that placed the order for somebody else; null when its buyer did.',
  position: 'The place of the event in the feed.',
  postalCode: 'Postal code as it is written in the country.',
  premium: 'Whether the customer gets the premium discount.',
  readModel: 'How far the copy that was read has followed the events.',
  replay: 'Whether an event of the past was sent again.',
  secret: 'The secret that requests are signed with. It is shown once.',
  suspended: 'Whether the shop has suspended the account. Nobody signs in to it then.',
  price: 'What one unit costs.',
  problem: 'The code of the problem that was answered; null for a success.',
  productId: 'The product.',
  provider: 'Who charged: `stripe` or `simulated`.',
  publishedAt: 'When the event was published; null when it was not yet.',
  quantity: 'How many units.',
  rateClass: 'Which limits the application has.',
  reads: 'How often the application read data of the customer.',
  reason: 'Why it was done, in words or a code.',
  reverseCharge: 'Whether the buyer owes the tax instead of the shop, as a business with a verified VAT number does.',
  shipping: 'What the shipping costs, after a coupon for free shipping; null when no shipping method was chosen.',
  received: 'True: the event was taken.',
  reference: 'The provider’s own id of it.',
  refundReference: 'The provider’s own id of the refund; null when there is none.',
  refunded: 'How much went back so far.',
  refundedAt: 'When the payment was refunded; null when it was not.',
  refunds: 'The partial refunds of the order, newest first.',
  region: 'State, province or county, where addresses have one.',
  repair: 'What was done about the finding by itself; null when nothing was.',
  requestId: 'The id of the request, as `X-Request-Id` had it: quote it when you ask for help.',
  requests: 'How many requests there were.',
  reservations: 'The stock that is or was held for the order.',
  reserved: 'Units that are held for orders.',
  resources: 'Ids of what the request read or changed, at most 250.',
  result: 'How the attempt ended; null while it runs.',
  recipient: 'The address that the mail went to.',
  refundId: 'The partial refund.',
  registeredBy: 'The application that registered it; null when it was registered as the stage was set up.',
  scopes: 'What the application may do.',
  sentAt: 'When it was sent; null when it was not.',
  serverErrors: 'Requests that were answered with a status from 500.',
  sessions: 'DynamoDB, which holds sessions, keys and rate counters.',
  settledAt: 'When the manual review ended; null while the order waits.',
  settledHow: 'How the manual review ended; null while the order waits.',
  shippingAddress: 'Where the order goes; null when nobody said.',
  sku: 'Your own number of the product, unique in the shop.',
  slug: 'Its name in an address: small letters, digits and dashes, once among siblings.',
  slowestOperation: 'The operation with the largest `p99Milliseconds`; null when there were no requests.',
  startedAt: 'When it began.',
  state: 'The state that it is in, or the state of the state machine.',
  states: 'Step Functions, which runs the sagas.',
  status: 'Where it stands.',
  steps: 'The steps of the compensation that did not finish.',
  stockAtStake: 'The stock that is still held for the order.',
  stockMovements: 'The movements of stock for the order, oldest first.',
  subject: 'The id of what the finding is about: an order, a charge or a product.',
  subtotal: 'The sum of the lines, before the discount.',
  taxClass: 'How it is taxed: the name of a tax class of the shop, `standard` unless you say otherwise.',
  tax: 'The tax: of an order with all lines and the shipping, null when the shop does not compute tax; of a line or the shipping its share. The shares sum to the tax of the order.',
  taxRate: 'The rate of the tax in millionths: 190000 is 19 %. Null when the shop does not compute tax.',
  takenAt: 'When the export was made, in UTC (RFC 3339).',
  timeline: 'What has happened to the order, oldest first.',
  to: 'The end of the time that is covered, exclusive.',
  token: 'The token. A session’s is shown this once; an e-mailed one works once.',
  total:
    'What there is to pay: for an order the subtotal less the discount, with the shipping, and with the tax where prices do not include it; for a line the unit price times the quantity, before discount and tax.',
  type: 'What kind it is of.',
  unitPrice: 'What one unit cost when the order was placed.',
  updatedAt: 'When it was changed last, in UTC (RFC 3339).',
  url: 'The address that events are sent to. It has HTTPS and the port 443 or 8443, and leads to the internet.',
  vatNumber: 'The VAT number of the company, with the country in front: ATU12345678.',
  version: 'Counts the changes. The ETag carries it, for `If-Match`.',
  weight: 'Grams with packaging; null when it is not known.',
  what: 'What the request did to the order.',
  writes: 'How often the application changed data of the customer.',
};

const orderStatus = [
  'Where the order stands:',
  '`pending` placed, nothing is held yet;',
  '`reserved` its stock is held, the payment is next;',
  '`pending_payment` the customer must act on the payment (`paymentAction`), as long as the stock is held;',
  '`confirmed` paid and its stock committed: the successful end;',
  '`failed` it could not be filled, and everything was given back (`failure` says why): an end;',
  '`cancelling` its customer cancelled it, and the compensation runs;',
  '`cancelled` the compensation is done: an end;',
  '`needs_attention` it could not be compensated and waits for an operator, who leads it to `failed`, `cancelled` or `confirmed`.',
  'The way forward is `pending` → `reserved` → (`pending_payment` →) `confirmed`. Each of them leads to `failed`,',
  '`cancelling` or `needs_attention` when something goes wrong or the customer cancels.',
].join(' ');

const paymentMethod = [
  'The id of a payment method: with Stripe, one that Stripe.js made. Where payments are simulated:',
  '`pm_card_visa` is charged; `pm_card_chargeDeclined` is declined as `card_declined`; `pm_card_insufficientFunds` is declined',
  'as `insufficient_funds`; `pm_requiresAction` waits for the customer, whom `POST /simulated-payments/{orderId}` plays;',
  '`pm_timeoutOnce` is charged and loses its first answer; `pm_timeoutAlways` never answers, so that the order ends in',
  '`needs_attention`; anything else is declined as `payment_method_invalid`.',
].join(' ');

const orderMetadata =
  'What your application keeps with the order: any JSON object of at most 4 KB. Keep no personal data in it. It is not searched.';

/** Other meanings, by the name of the schema and of the property. */
const inSchema: Readonly<Record<string, string>> = {
  'Order.customerId': 'The customer whose order it is; null for a guest.',
  'OrderWithParts.customerId': 'The customer whose order it is; null for a guest.',
  'ReviewOrder.customerId': 'The customer whose order it is; null for a guest.',
  'PlaceOrderRequest.customerId': 'The customer to order for. For applications with a key.',
  'Order.status': orderStatus,
  'OrderWithParts.status': orderStatus,
  'OrderWithParts.included.customer': 'The profile, as `GET /customers/me` shows it.',
  'OrderWithParts.included.products':
    'The products of the order as the catalogue has them now, in the order of the lines. Those that are no longer on sale are not among them.',
  'OrderWithParts.missing.part': 'The part that did not come.',
  'OrderWithParts.missing.reason':
    '`timed-out` it took too long; `unavailable` it failed, or failed a moment ago and is not asked again yet. Ask again later.',
  'ProductImage.url': 'Where the picture is, over HTTPS.',
  'ListCategoriesResponse.data': 'The categories, each followed by those below it.',
  'Category.level': 'How deep it is in the tree: 1 for the top, at most 5.',
  'Category.position': 'Where it stands among its siblings: smaller ones come first.',
  'CreateCategoryRequest.position': 'Where it stands among its siblings: smaller ones come first.',
  'UpdateCategoryRequest.position': 'Where it stands among its siblings: smaller ones come first.',
  'ReviewOrder.status': orderStatus,
  'GetOrderDetailsResponse.data': 'The order.',
  'OrderDetails.sequence': 'The sequence of the last event of the order that is in this answer.',
  'OrderDetails.status': 'The status that the last event announced.',
  'OrderDetails.customer': 'The customer as they are now; null without `customers:read`, and once they are erased.',
  'OrderDetails.failure': 'The code of the failure, of an order that failed or is in manual review.',
  'OrderDetails.refunds': 'Partial refunds, oldest first.',
  'OrderDetails.refunds.reason': 'Why the provider refused it; null when it did not.',
  'OrderDetails.timeline': 'The events of the order, oldest first.',
  'OrderDetails.timeline.sequence': 'The sequence of the event.',
  'OrderDetails.timeline.correlationId': 'The API request that led to it; null when none did.',
  'OrderDetails.placedAt': 'When the order was placed.',
  'OrderDetails.changedAt': 'When the last of these events happened.',
  'ReadModelFreshness.asOf': 'The answer has everything that happened before this moment.',
  'ReadModelFreshness.lagSeconds': 'How long ago that was.',
  'ReadModelFreshness.position': 'The position in the feed of the last event in it.',
  'PlaceOrderRequest.paymentMethod': paymentMethod,
  'OrderAddress.name': 'Who gets it.',
  'OrderAddress.postalCode': 'As the country writes it. The twenty largest economies need one, in their form.',
  'Order.contact': 'How to reach whoever placed the order; null when they did not say.',
  'Order.note': 'What the customer wrote for the shop; null when they wrote nothing.',
  'Order.metadata': orderMetadata,
  'OrderWithParts.contact': 'How to reach whoever placed the order; null when they did not say.',
  'OrderWithParts.note': 'What the customer wrote for the shop; null when they wrote nothing.',
  'OrderWithParts.metadata': orderMetadata,
  'ReviewOrder.contact': 'How to reach whoever placed the order; null when they did not say.',
  'ReviewOrder.note': 'What the customer wrote for the shop; null when they wrote nothing.',
  'ReviewOrder.metadata': orderMetadata,
  'UpdateOrderRequest.contact': 'How to reach whoever placed the order; a guest’s order keeps an e-mail address.',
  'UpdateOrderRequest.note': 'What the customer wrote for the shop.',
  'UpdateOrderRequest.metadata': orderMetadata,
  'PlaceOrderRequest.contact': 'How to reach whoever placed the order; null when they did not say.',
  'PlaceOrderRequest.note': 'What the customer wrote for the shop; null when they wrote nothing.',
  'PlaceOrderRequest.metadata': orderMetadata,

  'ExportMeResponse.mails': 'The mails to the customer’s address of the last 30 days, without their text.',
  'ExportMeResponse.orders': 'Orders with all that happened to them, newest first; at most 100 in a document.',
  'ExportMeResponse.sessions': 'The sessions that are open, newest first.',
  'ListEventsResponse.data': 'The events, oldest first.',
  'ListEventsResponse.next': 'Send it as `after` the next time, once you have handled these.',
  'ListEventsResponse.hasMore': 'Whether there are more events already.',
  'ReplayWebhookEventsRequest.to': 'The end of the time, exclusive; now when it is missing.',
  'ReplayWebhookEventsResponse.events': 'How many events are sent again.',
  'ReplayWebhookEventsResponse.next': 'Send it as `from` to go on; null when that was all.',
  'ListWebhookEndpointsResponse.data': 'The endpoints, oldest first.',
  'Health.version': 'The release that is running.',
  'Health.status':
    '`up`; `degraded` when orders cannot be placed but the catalogue is served; `down` when the database is away.',
  'DetailsChangedEntry.detail': 'Which fields, and who changed them.',
  'DetailsChangedEntry.detail.by': 'Who changed it: the customer, the guest with the token, or an application.',
  'OrderPlacedEntry.detail': 'The status that the order began with, and what there was to pay.',
  'StockReservedEntry.detail': 'Until when the stock is held.',
  'PaymentCapturedEntry.detail': 'Which payment was captured.',
  'StockCommittedEntry.detail': 'Nothing more.',
  'PaymentRefundedEntry.detail':
    'Of the whole payment `paymentId`; of a part of it `refundId` and `amount`, which the refund of that id gave back.',
  'RefundFailedEntry.detail': 'Which partial refund failed.',
  'StockReleasedEntry.detail': 'Nothing more.',
  'StockReturnedEntry.detail': 'Nothing more.',
  'StatusChangedEntry.detail': 'The statuses before and after.',
  'StatusChangedEntry.detail.from': 'The status before.',
  'StatusChangedEntry.detail.to': 'The status after.',
  'StatusChangedEntry.detail.reason':
    'Why, where something went wrong: the code of the failure; `retry` when an operator ran the compensation again, `resolved` when one ended the order.',
  'Identity.email': 'The address that the identity provider reported last; null when it reported none.',
  'StockMovement.quantity': 'By how many units the stock on hand changes; negative when units leave.',
  'StockMovement.reserved': 'By how many units the reserved stock changes.',
  'CreateStockMovementRequest.quantity':
    'Units that came in, or, negative, that went out. Stock never falls below what is reserved.',
  'RequestRefundRequest.amount': 'What goes back; all that is left of the payment when it is missing.',
  'SignUpRequest.password':
    'A password of 8 to 128 characters. Leave it out where e-mails must be confirmed: it is chosen with the mailed token.',
  'ChangePasswordRequest.password': 'The current password.',
  'RequestEmailChangeRequest.password': 'The current password.',
  'RequestEmailChangeRequest.email': 'The e-mail address to change to.',
  'PasswordSignIn.password': 'The password of the account.',
  'OrderShipping.method': 'The code of the shipping method.',
  'OrderTax.included': 'Whether prices, discount and shipping include the tax. If not, the total has it on top.',
  'Problem.status': 'The HTTP status, again.',
  'Problem.errors.detail': 'The second half of a sentence about what `pointer` names.',
};

/** What a schema stands for. Requests and answers say which operation they belong to. */
const schemaNotes: Readonly<Record<string, string>> = {
  Problem: 'The body of every error (RFC 9457).',
  Address: 'A postal address.',
  OrderAddress: 'Where an order goes, or who pays for it.',
  OrderContact: 'How to reach whoever placed an order.',
  Category: 'A category of products.',
  Customer: 'A customer. Applications without `customers:read` do not see e-mail, name and address.',
  Discount: 'What is taken off an order, and why.',
  OrderShipping: 'What the shipping costs.',
  OrderTax: 'The tax of an order.',
  Health: 'Whether the service works, and what it needs.',
  Identity: 'A user of an identity provider that is linked to a customer.',
  ManualReview: 'Why an order waits for an operator.',
  Money: 'An amount of money in minor units. Never a fraction.',
  OperatorAction: 'What an operator did with an order in manual review.',
  Order: 'An order. Prices and names are those of the moment in which it was placed.',
  OrderWithParts: 'An order, and what `include` asked for besides.',
  OrderPlacedEntry: 'The order was placed.',
  DetailsChangedEntry: 'What the order says besides its lines changed.',
  StockReservedEntry: 'Its stock was reserved.',
  PaymentCapturedEntry: 'Its payment was captured.',
  StockCommittedEntry: 'Its stock was taken.',
  PaymentRefundedEntry: 'Its payment was given back, or a part of it.',
  RefundFailedEntry: 'The provider refused a partial refund.',
  StockReleasedEntry: 'Its reserved stock was released.',
  StockReturnedEntry: 'Its committed stock was returned.',
  StatusChangedEntry: 'Its status changed.',
  PasswordSignIn: 'Sign-in by e-mail and password.',
  IdTokenSignIn: 'Sign-in by an id token of the identity provider.',
  StripePaymentAction: 'What to do with Stripe.js.',
  SimulatedPaymentAction: 'What to do where payments are simulated.',
  OrderExplanation: 'Everything that explains the current state of an order.',
  OrderLine: 'One product of an order or quote, with its price.',
  Price: 'The price of one unit, in minor units.',
  Product: 'A product of the catalogue.',
  ListedProduct: 'A product of the catalogue, and whether it can be ordered.',
  ProductImage: 'A picture of a product.',
  Quote: 'What a basket would cost now. Nothing is held.',
  Refund: 'A partial refund of an order’s payment.',
  ReviewOrder: 'An order as operators see it.',
  OrderDetails: 'An order as its events tell it, with its customer as they are now.',
  ReadModelFreshness: 'How far a copy has followed the events.',
  SagaExecution: 'One execution of an order’s saga, with every attempt.',
  Session: 'A session of the signed-in customer.',
  StockLevel: 'The stock of a product, in units.',
  StockMovement: 'One entry of the stock ledger. Entries never change.',
  TimelineEntry: 'One thing that happened to an order.',
};

/** The events of the feed say themselves what they tell. */
const eventNotes = new Map(Object.keys(feedEvents).map((name, index) => [name, domainEvents[index]!.description]));

export const propertyNote = (schema: string, path: string): string | undefined =>
  inSchema[`${schema}.${path}`] ?? everywhere[path.split('.').at(-1)!];

export const schemaNote = (schema: string): string | undefined =>
  schemaNotes[schema] ??
  eventNotes.get(schema) ??
  /^(.+?)(Request|Response)$/.exec(schema)?.slice(1).reduce(describeBody);

/** `CreateProduct`, `Request` → "The body of create-product." */
function describeBody(operation: string, part: string): string {
  const id = operation.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  return part === 'Request' ? `What \`${id}\` takes.` : `What \`${id}\` answers.`;
}

/** Every note that is written for a name or place, for the test that each is used. */
export const notedNames = {
  everywhere: Object.keys(everywhere),
  inSchema: Object.keys(inSchema),
  schemas: Object.keys(schemaNotes),
};

/** Adds the notes to a named schema and the properties in it. What says something about itself already keeps that. */
export function withNotes(name: string, schema: Schema): Schema {
  const note = schemaNote(name);
  return { ...(note === undefined ? {} : { description: note }), ...(annotate(name, '', schema) as Schema) };
}

function annotate(name: string, path: string, node: unknown): unknown {
  if (Array.isArray(node)) return node.map((each) => annotate(name, path, each));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === 'properties'
        ? annotateProperties(name, path, value as Record<string, Schema>)
        : annotate(name, path, value),
    ]),
  );
}

function annotateProperties(name: string, path: string, properties: Record<string, Schema>) {
  return Object.fromEntries(
    Object.entries(properties).map(([property, schema]) => {
      const place = path === '' ? property : `${path}.${property}`;
      const note = propertyNote(name, place);
      const { description: own, ...rest } = annotate(name, place, schema) as Schema & { description?: string };
      const texts = own === undefined || own === 'No control characters.' ? (note ?? own) : own;
      return [property, { ...rest, ...(texts === undefined ? {} : { description: texts }) }];
    }),
  );
}
