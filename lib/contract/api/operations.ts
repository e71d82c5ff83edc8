import * as applications from './applications.ts';
import * as audit from './audit.ts';
import * as captures from './captures.ts';
import * as catalog from './catalog.ts';
import * as categories from './categories.ts';
import * as coupons from './coupons.ts';
import * as customerAddresses from './customer-addresses.ts';
import * as customerFeeds from './customer-feeds.ts';
import * as customerReports from './customer-reports.ts';
import * as customerSearch from './customer-search.ts';
import * as customers from './customers.ts';
import * as events from './events.ts';
import * as findings from './findings.ts';
import * as fulfilments from './fulfilments.ts';
import * as identities from './identities.ts';
import * as imports from './imports.ts';
import * as manualReview from './manual-review.ts';
import type { OperationContract } from './operation.ts';
import * as orderChanges from './order-changes.ts';
import * as orderDetails from './order-details.ts';
import * as orderParts from './order-parts.ts';
import * as orderSearch from './order-search.ts';
import * as orders from './orders.ts';
import * as payments from './payments.ts';
import * as privacy from './privacy.ts';
import * as refunds from './refunds.ts';
import * as reportExports from './report-exports.ts';
import * as reportSubscriptions from './report-subscriptions.ts';
import * as reports from './reports.ts';
import * as returns from './returns.ts';
import * as sessions from './sessions.ts';
import * as shippingMethods from './shipping-methods.ts';
import * as stock from './stock.ts';
import * as system from './system.ts';
import * as taxRates from './tax-rates.ts';
import * as usage from './usage.ts';
import * as webhooks from './webhooks.ts';

/** The contract files, each with the tag that its operations have in the reference. */
const files = [
  { tag: 'Customers', file: customers },
  { tag: 'Customers', file: customerSearch },
  { tag: 'Customers', file: customerAddresses },
  { tag: 'Customers', file: customerFeeds },
  { tag: 'Customers', file: identities },
  { tag: 'Customers', file: privacy },
  { tag: 'Sessions', file: sessions },
  { tag: 'Catalogue', file: catalog },
  { tag: 'Catalogue', file: categories },
  { tag: 'Catalogue', file: imports },
  { tag: 'Stock', file: stock },
  { tag: 'Pricing', file: shippingMethods },
  { tag: 'Pricing', file: taxRates },
  { tag: 'Pricing', file: coupons },
  { tag: 'Orders', file: orders },
  { tag: 'Orders', file: orderSearch },
  { tag: 'Orders', file: orderParts },
  { tag: 'Orders', file: orderChanges },
  { tag: 'Orders', file: fulfilments },
  { tag: 'Orders', file: returns },
  { tag: 'Orders', file: captures },
  { tag: 'Orders', file: refunds },
  { tag: 'Orders', file: orderDetails },
  { tag: 'Payments', file: payments },
  { tag: 'Events', file: events },
  { tag: 'Events', file: webhooks },
  { tag: 'Reports', file: reports },
  { tag: 'Reports', file: customerReports },
  { tag: 'Reports', file: reportExports },
  { tag: 'Reports', file: reportSubscriptions },
  { tag: 'Operations', file: findings },
  { tag: 'Operations', file: manualReview },
  { tag: 'Applications', file: applications },
  { tag: 'Audit', file: audit },
  { tag: 'Audit', file: usage },
  { tag: 'System', file: system },
] as const;

export type Tag = (typeof files)[number]['tag'];

/** `placeOrder` → `place-order`. */
type Kebab<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : Name;
type OperationsIn<File> = File extends unknown
  ? { [Name in keyof File & string as File[Name] extends OperationContract ? Kebab<Name> : never]: File[Name] }
  : never;
type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Operations = Intersection<OperationsIn<(typeof files)[number]['file']>>;

export type OperationId = keyof Operations;

const isOperation = (value: unknown): value is OperationContract =>
  typeof value === 'object' && value !== null && 'summary' in value && 'responses' in value;
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const found = files.flatMap(({ tag, file }) =>
  Object.entries<unknown>(file).flatMap(([name, contract]) =>
    isOperation(contract) ? [{ id: kebab(name) as OperationId, tag, contract }] : [],
  ),
);

/**
 * Every operation's contract by its id: what the contract files export, `placeOrder` as `place-order`. For generators and
 * tests: a handler imports its own contract alone.
 */
export const operations = Object.fromEntries(found.map(({ id, contract }) => [id, contract])) as Operations;

const tags = new Map(found.map(({ id, tag }) => [id, tag]));

/** The group that an operation belongs to in the reference. */
export const tagOf = (operation: OperationId): Tag => tags.get(operation)!;
