import type { DatabaseRole } from '../lib/contract/deploy/roles.ts';
import type { FileAction, StateGrants } from '../lib/contract/deploy/route.ts';
import type { TableGrants } from '../lib/contract/deploy/tables.ts';

export type Job = {
  name: string;
  /** File under functions/, without its ending. */
  handler: string;
  /**
   * EventBridge Scheduler expression; `on-deploy` runs before new code serves, `on-restore` when a test has restored a
   * backup, `on-alarm` when an alarm has changed, and `on-request` when HTTP asks for its answer.
   */
  schedule: `rate(${string})` | `cron(${string})` | 'on-deploy' | 'on-restore' | 'on-alarm' | 'on-request';
  databaseRole: DatabaseRole | null;
  /** Login roles of other rooms, which it asks for what it works with. */
  asks?: readonly DatabaseRole[];
  /** Reads the payment provider's transactions: gets its key and, for the simulated one, its table. */
  provider: boolean;
  /** Asks the identity provider, and so stands outside the network. */
  identity?: true;
  /** Sends mails where a sender is configured. */
  mails?: true;
  /** Writes mails, which the job send-mails sends. */
  writesMails?: true;
  /** Tells people of alarms, and so reads their addresses. */
  tells?: true;
  /** Reads the stage's metrics, for who has its token; is there only where a stage has one. */
  readsMetrics?: true;
  /** What it does with the files of exported reports. */
  reportFiles?: readonly FileAction[];
  /** Asks the database's reader. */
  readsReader?: true;
  /** Asks the warehouse where the stage has one; or writes it, and is there only where a stage has one. */
  warehouse?: 'reads' | 'writes';
  /** More memory than most need. */
  memoryMb?: number;
  /** Publishes domain events to the bus. */
  publishes?: true;
  /** Tells the read models of work. */
  wakesReadModels?: true;
  /** Tells senders of webhooks of work. */
  wakesWebhooks?: true;
  /** What the handler does with the state machines. */
  states?: StateGrants;
  tables?: TableGrants;
  timeoutSeconds: number;
};

const rows = {
  migrate: {
    handler: 'jobs/migrate',
    schedule: 'on-deploy',
    databaseRole: 'migrator',
    provider: false,
    timeoutSeconds: 840,
  },
  // What a migration leaves to be done with the rows that are there. Most of the time it looks and finds nothing.
  'migrate-data': {
    handler: 'jobs/migrate-data',
    schedule: 'rate(5 minutes)',
    databaseRole: 'migrator',
    provider: false,
    timeoutSeconds: 280,
  },
  'sweep-orders': {
    handler: 'jobs/sweep-orders',
    schedule: 'rate(1 minute)',
    databaseRole: 'saga',
    provider: false,
    states: {
      placing: ['StartExecution', 'DescribeExecution', 'SendTaskSuccess'],
      compensating: ['StartExecution', 'DescribeExecution'],
      capturing: ['StartExecution', 'DescribeExecution'],
      refunding: ['StartExecution', 'DescribeExecution'],
    },
    tables: { awaitedPayments: ['UpdateItem'] },
    timeoutSeconds: 55,
  },
  'watch-orders': {
    handler: 'jobs/watch-orders',
    schedule: 'rate(1 minute)',
    databaseRole: 'monitor',
    provider: false,
    timeoutSeconds: 30,
  },
  'check-health': {
    handler: 'jobs/check-health',
    schedule: 'rate(1 minute)',
    databaseRole: 'monitor',
    readsReader: true,
    provider: false,
    states: {
      placing: ['DescribeStateMachine'],
      compensating: ['DescribeStateMachine'],
      capturing: ['DescribeStateMachine'],
      refunding: ['DescribeStateMachine'],
    },
    tables: { sessions: ['GetItem'] },
    timeoutSeconds: 30,
  },
  'check-invariants': {
    handler: 'jobs/check-invariants',
    schedule: 'rate(15 minutes)',
    databaseRole: 'monitor',
    provider: false,
    timeoutSeconds: 120,
  },
  'check-restored-copy': {
    handler: 'jobs/check-restored-copy',
    schedule: 'on-restore',
    databaseRole: 'monitor',
    provider: false,
    timeoutSeconds: 840,
  },
  'purge-expired': {
    handler: 'jobs/purge-expired',
    schedule: 'rate(1 hour)',
    databaseRole: 'jobs',
    provider: false,
    timeoutSeconds: 120,
  },
  'archive-records': {
    handler: 'jobs/archive-records',
    schedule: 'cron(45 * * * ? *)',
    databaseRole: 'jobs',
    provider: false,
    timeoutSeconds: 120,
  },
  'run-imports': {
    handler: 'jobs/run-imports',
    schedule: 'rate(1 minute)',
    databaseRole: 'catalog_api',
    provider: false,
    tables: { cache: ['UpdateItem'] },
    timeoutSeconds: 55,
  },
  'send-mails': {
    handler: 'jobs/send-mails',
    schedule: 'rate(1 minute)',
    databaseRole: 'mailer',
    provider: false,
    mails: true,
    timeoutSeconds: 55,
  },
  'send-reports': {
    handler: 'jobs/send-reports',
    schedule: 'rate(1 minute)',
    databaseRole: 'report_sender',
    asks: ['reporting'],
    readsReader: true,
    warehouse: 'reads',
    writesMails: true,
    provider: false,
    tables: { applications: ['GetItem'] },
    timeoutSeconds: 120,
  },
  'run-report-exports': {
    handler: 'jobs/run-report-exports',
    schedule: 'rate(1 minute)',
    databaseRole: 'report_exporter',
    readsReader: true,
    warehouse: 'reads',
    reportFiles: ['PutObject'],
    provider: false,
    timeoutSeconds: 300,
    // 200,000 rows and their file take up to 0.9 GB.
    memoryMb: 2048,
  },
  'rotate-audit': {
    handler: 'jobs/rotate-audit',
    schedule: 'cron(40 2 * * ? *)',
    databaseRole: 'jobs',
    provider: false,
    timeoutSeconds: 60,
  },
  // After the hour in which most of what it loads was settled.
  'load-warehouse': {
    handler: 'jobs/load-warehouse',
    schedule: 'cron(50 * * * ? *)',
    databaseRole: 'warehouse',
    readsReader: true,
    warehouse: 'writes',
    provider: false,
    memoryMb: 3008,
    timeoutSeconds: 870,
  },
  'check-warehouse': {
    handler: 'jobs/check-warehouse',
    schedule: 'cron(10 3 * * ? *)',
    databaseRole: 'warehouse',
    readsReader: true,
    warehouse: 'writes',
    provider: false,
    memoryMb: 3008,
    timeoutSeconds: 870,
  },
  // By the clock and not by rates, so that the comparison comes after the copy that it needs.
  'snapshot-provider-transactions': {
    handler: 'jobs/snapshot-provider-transactions',
    schedule: 'cron(5 * * * ? *)',
    databaseRole: null,
    provider: true,
    tables: { providerCharges: ['GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'] },
    timeoutSeconds: 600,
  },
  reconcile: {
    handler: 'jobs/reconcile',
    schedule: 'cron(25 * * * ? *)',
    databaseRole: 'reconciler',
    provider: false,
    states: { placing: ['DescribeExecution'], compensating: ['StartExecution', 'DescribeExecution'] },
    tables: { providerCharges: ['GetItem', 'BatchGetItem', 'Query'] },
    timeoutSeconds: 600,
  },
  // After midnight in UTC, when the day is settled and copied.
  'reconcile-books': {
    handler: 'jobs/reconcile-books',
    schedule: 'cron(35 3 * * ? *)',
    databaseRole: 'reconciler',
    asks: ['reporting'],
    readsReader: true,
    warehouse: 'reads',
    provider: false,
    tables: { providerCharges: ['GetItem', 'BatchGetItem', 'Query'] },
    timeoutSeconds: 600,
  },
  // Also woken when a saga begins or ends, and so at most seconds behind an order. The schedule catches everything else.
  'publish-events': {
    handler: 'jobs/publish-events',
    schedule: 'rate(1 minute)',
    databaseRole: 'publisher',
    provider: false,
    publishes: true,
    // Events that no endpoint wants call nobody.
    tables: { webhookEndpoints: ['Scan'] },
    wakesReadModels: true,
    timeoutSeconds: 55,
  },
  // Applications are in DynamoDB, whoever changes them; the outbox is not.
  'announce-applications': {
    handler: 'jobs/announce-applications',
    schedule: 'rate(1 minute)',
    databaseRole: 'application_events',
    provider: false,
    tables: { applications: ['Scan'] },
    timeoutSeconds: 30,
  },
  'wake-webhooks': {
    handler: 'jobs/wake-webhooks',
    schedule: 'rate(1 minute)',
    databaseRole: null,
    provider: false,
    tables: { webhookEndpoints: ['Scan', 'UpdateItem'], webhookQueue: ['Query'] },
    wakesWebhooks: true,
    timeoutSeconds: 30,
  },
  // Outside the network, because chats and receivers are on the internet.
  'send-notices': {
    handler: 'jobs/send-notices',
    schedule: 'on-alarm',
    databaseRole: null,
    provider: false,
    tells: true,
    tables: { notices: ['GetItem', 'UpdateItem'] },
    timeoutSeconds: 45,
  },
  // Answers Prometheus. It is no operation of the API: it knows neither orders nor applications.
  'serve-metrics': {
    handler: 'jobs/serve-metrics',
    schedule: 'on-request',
    databaseRole: null,
    provider: false,
    readsMetrics: true,
    timeoutSeconds: 29,
  },
  'refresh-issuer-keys': {
    handler: 'jobs/refresh-issuer-keys',
    schedule: 'rate(5 minutes)',
    databaseRole: null,
    provider: false,
    identity: true,
    tables: { issuerKeys: ['GetItem', 'PutItem'] },
    timeoutSeconds: 30,
  },
} as const satisfies Record<string, Omit<Job, 'name'>>;

export type JobName = keyof typeof rows;

/** Whether a job runs by itself, again and again. */
export const isScheduled = ({ schedule }: Pick<Job, 'schedule'>): boolean => !schedule.startsWith('on-');

/** THE schedule table: job → handler, schedule, database role. */
export const jobs = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, { name, ...row }]),
) as unknown as Readonly<Record<JobName, Job>>;
