import { type TableName, type TableRow, tables } from './tables.ts';

/** How long something is kept, why so long, and what ends it: a job by its name, or one of `keepers`. */
export type Retention = { kept: string; why: string; by: string };

/** What ends a record besides jobs. */
export const keepers = {
  nobody: 'nobody: kept for good',
  operations: 'the operation that replaces or deletes it',
  ttl: 'DynamoDB, by the item’s expiry',
  migrations: 'migrations',
  cloudWatch: 'CloudWatch Logs',
  eventBridge: 'EventBridge',
  sqs: 'SQS',
  s3: 'S3, by the bucket’s lifecycle',
} as const;

/** Published events stay in the outbox for so many days. */
export const eventDays = 30;
/** An import that has ended is shown for so many days. */
export const importDays = 30;
/** What a feed says of a customer is kept for so many days after it happened. */
export const feedDays = 730;
/** An export that has ended is kept for so many days, and its file too. */
export const reportExportDays = 7;
/** What became of a due time of a report subscription is shown for so many days. */
export const reportRunDays = 90;
/** States of the warehouse: all of so many days, and of so many the last of each. What was erased is in them until then. */
export const warehouseKeeps = { everyStateDays: 2, dailyStateDays: 35 } as const;
/** Answers of Athena lie in the bucket for so many days. */
export const athenaResultDays = 7;
/** What was deleted from a bucket with versions can be had back for so many days. */
export const deletedFileDays = 7;
/** A sign-up that nobody confirms is kept for so many days. */
export const unconfirmedDays = 7;

const forGood = (why: string): Retention => ({ kept: 'for good', why, by: keepers.nobody });
const withOrder: Retention = {
  kept: '`ARCHIVE_AFTER_MONTHS` (24) after the order’s last change',
  why: 'goes with its order',
  by: 'archive-records',
};
const idempotency: Retention = {
  kept: '`IDEMPOTENCY_KEY_SECONDS` (48 hours)',
  why: 'a client may repeat a request that long',
  by: 'purge-expired',
};
const auditMonths = (why: string): Retention => ({ kept: '`AUDIT_MONTHS` (13) months', why, by: 'rotate-audit' });
const archived = forGood('accounting, and customers who ask');

/** Every table of PostgreSQL; a partition has the rule of its parent. */
export const postgresRetention: Readonly<Record<string, Retention>> = {
  'customers.customers': {
    kept: `until erased; ${unconfirmedDays} days if the e-mail is never confirmed where that is required`,
    why: 'the account; the emptied row stays, because orders name it',
    by: 'purge-expired',
  },
  'customers.email_tokens': { kept: 'until the token expires', why: 'a link in a mail', by: 'purge-expired' },
  'customers.mails': { kept: '30 days, without text', why: 'limits on mails; proof of notices', by: 'purge-expired' },
  'customers.identities': { kept: 'until unlinked or erased', why: 'sign-in', by: keepers.operations },
  'customers.idempotency_keys': idempotency,
  'customers.addresses': {
    kept: 'until deleted, or the customer is erased',
    why: 'customers choose them for orders',
    by: keepers.operations,
  },
  'customers.feeds': forGood('one row for each source; says when it came last'),
  'customers.feed_entries': {
    kept: `${feedDays} days after it happened or ended, or until the customer is erased`,
    why: 'reports show how a customer was in touch',
    by: 'purge-expired',
  },
  'catalog.products': forGood('orders and ledgers name them'),
  'catalog.categories': forGood('products and shops name them'),
  'catalog.words': forGood('corrects words of searches; one row for each word of the catalogue'),
  'catalog.idempotency_keys': idempotency,
  'catalog.imports': {
    kept: '30 days after it ended, without its file',
    why: 'says what became of it',
    by: 'purge-expired',
  },
  'stock.levels': forGood('one row for each product'),
  'stock.movements': {
    kept: 'whole months, `ARCHIVE_AFTER_MONTHS` (24) and until their orders are archived',
    why: 'the ledger; opening balances take the place of what is archived',
    by: 'archive-records',
  },
  'stock.reservations': withOrder,
  'orders.status_transitions': forGood('part of the schema'),
  'orders.orders': { ...withOrder, why: 'customers’ and operators’ daily work, refunds, warranty' },
  'orders.lines': withOrder,
  'orders.timeline': withOrder,
  'orders.manual_reviews': withOrder,
  'orders.idempotency_keys': idempotency,
  'orders.review_idempotency_keys': idempotency,
  'orders.fulfilments': withOrder,
  'orders.returns': withOrder,
  'orders.fulfilment_idempotency_keys': idempotency,
  'pricing.shipping_methods': { kept: 'until deleted', why: 'what customers choose from', by: keepers.operations },
  'pricing.tax_rates': { kept: 'until deleted', why: 'taxes orders', by: keepers.operations },
  'pricing.coupons': forGood('orders name them'),
  'pricing.coupon_uses': { kept: 'until the order fails or is cancelled', why: 'counts', by: keepers.operations },
  'pricing.coupon_customers': forGood('limits how often a customer uses a coupon'),
  'payments.payments': withOrder,
  'payments.refunds': withOrder,
  'payments.idempotency_keys': idempotency,
  'reports.subscriptions': {
    kept: 'until deleted, or its application is',
    why: 'who gets which report when',
    by: keepers.operations,
  },
  'reports.runs': { kept: `${reportRunDays} days`, why: 'says what was sent', by: 'purge-expired' },
  'reports.exports': { kept: `${reportExportDays} days after it ended`, why: 'leads to its file', by: 'purge-expired' },
  'reports.idempotency_keys': idempotency,
  'outbox.events': { kept: `${eventDays} days after publishing`, why: 'replay from hot rows', by: 'archive-records' },
  'monitor.findings': forGood('a repair is made once for all times; findings are few'),
  'monitor.opening_balances': {
    kept: 'until the movements behind them are archived',
    why: 'checks start from them',
    by: 'archive-records',
  },
  'monitor.checks': forGood('one row for each check'),
  'monitor.restore_tests': forGood('one row for each test of a backup'),
  'read_models.generations': forGood('one row for each read model'),
  'read_models.customers': { kept: 'until erased', why: 'orders and mails name customers', by: keepers.operations },
  'read_models.order_details': forGood('the back office finds old orders too; it can be built anew'),
  'monitor.violations': { kept: 'until the row is in order', why: 'alarms', by: 'check-invariants' },
  'audit.accesses': auditMonths('who read or changed what'),
  'audit.touched': auditMonths('the same, by resource'),
  'audit.usage': auditMonths('what applications used'),
  'audit.operator_actions': forGood('what operators did with money and stock'),
  'archive.pages': archived,
  'archive.order_keys': archived,
  'archive.unarchived': { kept: 'until the order is archived again', why: 'keeps it out', by: 'archive-records' },
  'archive.cut_overs': forGood('says since when the shop sells in place of the one that moved in'),
  'archive.events': forGood('the feed can be read from its beginning'),
  'archive.ledger_pages': forGood('opening balances of the ledger, and its history'),
  'migrations.applied': { kept: 'while the migration is applied', why: 'the schema’s version', by: keepers.migrations },
};

const expiring = (kept: string, why: string): Retention => ({ kept, why, by: keepers.ttl });
const owned = (why: string): Retention => ({ kept: 'until its owner deletes it', why, by: keepers.operations });

/** Every table of DynamoDB. A global index keeps what its table keeps, and has a rule of its own, named `table/index`. */
export const dynamoRetention: Readonly<Record<TableName, Retention> & Record<string, Retention>> = {
  cache: expiring('an hour; pointers a day after the last change', 'answers of the catalogue'),
  sessions: expiring('`SESSION_IDLE_SECONDS` (a day) unused, `SESSION_MAX_SECONDS` (30 days) at most', 'sign-in'),
  limits: expiring('minutes; networks that somebody signed in from 90 days', 'rate limits and failed sign-ins'),
  applications: owned('who may call'),
  appKeys: owned('who may call'),
  charges: forGood('the simulated provider’s transactions, in stages that try things'),
  awaitedPayments: expiring('until the reservation of the order ends', 'resumes the saga'),
  webhookEvents: expiring('30 days', 'a repeated event of Stripe is noticed'),
  providerCharges: expiring('90 days', 'reconciliation'),
  webhookEndpoints: owned('where webhooks go'),
  webhookDeliveries: expiring('30 days', 'applications look at deliveries and retry them'),
  webhookQueue: expiring('until delivered or given up, 30 days at most', 'attempts of webhooks'),
  issuerKeys: {
    kept: 'until the issuer is read again',
    why: 'one item for each issuer',
    by: 'refresh-issuer-keys',
  },
  notices: forGood('one item for each alarm and target'),
  identities: { kept: 'until unlinked or erased', why: 'sign-in', by: keepers.operations },
};

/** Whether DynamoDB itself ends the items of a table. */
export const expires = (table: TableName): boolean => (tables[table] as TableRow).ttlAttribute !== undefined;

type LogRule = Retention & { groups: RegExp };
const logDays = '14 days in `dev`, 365 in `prod`';

/** Log groups by their names; `stage` stands for the stage's name. Each group has one rule. */
export const logRetention: Readonly<Record<string, LogRule>> = {
  functions: {
    groups: /^\/counterfoil\/stage\/(http|jobs|saga|consumers|streams|deploy)(\/|$)/,
    kept: logDays,
    why: 'errors and alarms; no personal data',
    by: keepers.cloudWatch,
  },
  access: {
    groups: /^\/counterfoil\/stage\/access$/,
    kept: logDays,
    why: 'attacks and faults',
    by: keepers.cloudWatch,
  },
  executions: {
    groups: /^\/aws\/vendedlogs\/states\/counterfoil-stage-(order-|restore-test)/,
    kept: logDays,
    why: 'errors of sagas and of restore tests',
    by: keepers.cloudWatch,
  },
  database: { groups: /^\/aws\/rds\//, kept: logDays, why: 'slow statements and errors', by: keepers.cloudWatch },
  network: { groups: /^RejectedTraffic$/, kept: logDays, why: 'rejected traffic', by: keepers.cloudWatch },
};

/** Queues, event archives and buckets, by the ids of their constructs. */
export const otherRetention: Readonly<Record<string, Retention>> = {
  Undelivered: { kept: '14 days', why: 'somebody looks why, and sends again', by: keepers.sqs },
  DeadLetters: { kept: '14 days', why: 'somebody looks why', by: keepers.sqs },
  ReportFilesBucket: { kept: `${reportExportDays} days`, why: 'applications fetch their exports', by: keepers.s3 },
  WarehouseBucket: {
    kept: `every state ${warehouseKeeps.everyStateDays} days, the last of a day ${warehouseKeeps.dailyStateDays} days, the newest for good; answers of Athena ${athenaResultDays} days`,
    why: 'reports of years; an erased customer’s pseudonym stays as long in old states',
    by: 'check-warehouse',
  },
  Archive: { kept: `${eventDays} days`, why: 'replay on the bus', by: keepers.eventBridge },
};
