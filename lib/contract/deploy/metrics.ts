/** The CloudWatch namespace of the product's metrics. */
export const metricNamespace = 'Counterfoil';

/** The value of the dimension `service`. */
export const serviceName = 'counterfoil';

/** All dimensions of a metric of a stage: two stages in one account do not add up. */
export const ownDimensions = (stage: string, own: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  service: serviceName,
  stage,
  ...own,
});

export type MetricSpec = {
  unit: 'Count' | 'Milliseconds' | 'Seconds' | 'Percent' | 'Bytes';
  dimension?: string;
  /** A count of what there is, and not of what happens. */
  level?: true;
};

/**
 * Every metric that the code emits, with its one dimension besides `service` and `stage`. A test checks that widgets and alarms name
 * only these and metrics of AWS.
 */
export const metrics = {
  Requests: { unit: 'Count', dimension: 'operation' },
  ClientErrors: { unit: 'Count', dimension: 'operation' },
  ServerErrors: { unit: 'Count', dimension: 'operation' },
  VersionErrors: { unit: 'Count', dimension: 'version' },
  Latency: { unit: 'Milliseconds', dimension: 'operation' },
  ApplicationRequests: { unit: 'Count', dimension: 'application' },
  ApplicationErrors: { unit: 'Count', dimension: 'application' },
  ApplicationLatency: { unit: 'Milliseconds', dimension: 'application' },
  AccessesRecorded: { unit: 'Count' },
  AccessLinesUnreadable: { unit: 'Count' },
  ObjectiveMisses: { unit: 'Count', dimension: 'objective' },
  RateLimited: { unit: 'Count' },
  ConcurrencyRefused: { unit: 'Count' },
  LimiterFallback: { unit: 'Count' },
  SignInsFailed: { unit: 'Count' },
  SignInsLocked: { unit: 'Count' },
  MailsGivenUp: { unit: 'Count' },
  OldestUnsentMail: { unit: 'Seconds' },
  PartsMissing: { unit: 'Count', dimension: 'part' },
  OrdersPlaced: { unit: 'Count' },
  UnpaidOrdersRefused: { unit: 'Count' },
  OrdersConfirmed: { unit: 'Count' },
  OrdersCancelled: { unit: 'Count' },
  OrdersFailed: { unit: 'Count', dimension: 'reason' },
  ManualReviewsOpened: { unit: 'Count', dimension: 'reason' },
  CapturesSettled: { unit: 'Count', dimension: 'outcome' },
  OldestOpenCapture: { unit: 'Seconds' },
  RefundsSettled: { unit: 'Count', dimension: 'outcome' },
  StockOuts: { unit: 'Count' },
  SagaDuration: { unit: 'Milliseconds' },
  SagasStartedLate: { unit: 'Count' },
  ReservationsExpired: { unit: 'Count' },
  CompensationsRetried: { unit: 'Count' },
  OrdersStuck: { unit: 'Count', level: true },
  OldestStuckOrder: { unit: 'Seconds' },
  OrdersInManualReview: { unit: 'Count', level: true },
  OldestManualReview: { unit: 'Seconds' },
  InvariantViolations: { unit: 'Count', dimension: 'invariant', level: true },
  ChecksLag: { unit: 'Seconds' },
  OldestUncheckedRow: { unit: 'Seconds' },
  RestoreTestAge: { unit: 'Seconds' },
  ReconciliationFindings: { unit: 'Count', dimension: 'kind', level: true },
  ReconciliationRepairs: { unit: 'Count' },
  ProviderSnapshotAge: { unit: 'Seconds' },
  EventsPublished: { unit: 'Count' },
  OldestUnpublishedEvent: { unit: 'Seconds' },
  ReadModelLag: { unit: 'Seconds' },
  WebhookAttempts: { unit: 'Count', dimension: 'result' },
  OldestDueDelivery: { unit: 'Seconds' },
  QueueDepth: { unit: 'Count', dimension: 'queue', level: true },
  WebhookEndpointsDisabled: { unit: 'Count', dimension: 'cause' },
  ReaderLag: { unit: 'Seconds' },
  WarehouseLoads: { unit: 'Count' },
  WarehouseRows: { unit: 'Count' },
  WarehouseLoadTime: { unit: 'Seconds' },
  WarehouseAge: { unit: 'Seconds' },
  WarehouseFindings: { unit: 'Count', level: true },
  CacheReads: { unit: 'Count', dimension: 'from' },
  IssuerKeysAge: { unit: 'Seconds' },
  DependencyDown: { unit: 'Count', dimension: 'dependency', level: true },
  LoginTime: { unit: 'Milliseconds' },
  ConnectionsUsed: { unit: 'Percent' },
  OldestTransaction: { unit: 'Seconds' },
  LockWaits: { unit: 'Count', level: true },
  LongestLockWait: { unit: 'Seconds' },
  DatabaseSize: { unit: 'Bytes' },
  FreezeAge: { unit: 'Percent' },
  TablesUnvacuumed: { unit: 'Count', level: true },
  SlowStatements: { unit: 'Count' },
  UnusedIndexes: { unit: 'Count', level: true },
  MissingIndexes: { unit: 'Count', level: true },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof metrics;

/** Counts things. What was counted is written out by `flush`. */
export type Meter = {
  /** Adds a measurement. `label` is the value of the metric's dimension, and required where it has one. */
  count(name: MetricName, value?: number, label?: string): void;
  flush(): void;
};

/** Values of the `result` dimension: what came of an attempt to send a webhook. */
export const webhookResults = ['succeeded', 'retried', 'given-up'] as const;
/** Values of the `cause` dimension: why a webhook endpoint was disabled, but for its owner. */
export const disablingCauses = ['gone', 'failing'] as const;

/** Values of the `queue` dimension that are in the database. */
export const databaseQueues = ['events', 'mails', 'imports', 'exports'] as const;
export type DatabaseQueue = (typeof databaseQueues)[number];
/** Values of the `queue` dimension: what waits for a job. Queues of what failed are SQS's, which counts them itself. */
export const queues = [...databaseQueues, 'webhooks'] as const;

/** Values of the `dependency` dimension: what functions cannot do without. */
export const dependencies = ['database', 'reader', 'sessions', 'states'] as const;
export type Dependency = (typeof dependencies)[number];

/** Values of the `invariant` dimension. */
export const invariants = [
  'stock-never-oversold',
  'charged-at-most-once',
  'confirmed-is-complete',
  'every-order-ends',
  'lines-add-up',
  'coupons-within-limits',
] as const;
export type Invariant = (typeof invariants)[number];
