import { ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { JobName } from '../../functions/jobs.ts';
import { findingKinds } from '../../lib/contract/findings.ts';
import { type Invariant, invariants } from '../../lib/contract/metrics.ts';
import type { OperationId } from '../../lib/contract/operations.ts';
import type { TableName } from '../../lib/contract/route.ts';
import { awsMetric, flagReasons, ours } from './metric.ts';
import type { Parts } from './parts.ts';

/** One alarm: what is measured, when that is too much, and which page of docs/runbooks says what to do. */
export type AlarmSpec = {
  /** Kebab-case, unique. */
  name: string;
  runbook: string;
  /** What has happened when it rings. */
  means: string;
  metric: IMetric;
  threshold: number;
  /** Rings at or above the threshold, unless below is said. */
  below?: true;
  /** How many of the last periods must be bad. */
  bad?: number;
  of?: number;
  /** Silence is as bad: for what must be reported all the time. */
  silenceIsBad?: true;
};

/** Every alarm of a stage. */
export const alarms = (parts: Parts): AlarmSpec[] => [
  ...brokenInvariants(),
  ...stuckOrders(parts),
  ...disagreements(),
  ...lostMails(),
  ...requests(parts),
  ...identityProvider(),
  ...audit(parts),
  ...jobsThatDoNotRun(parts),
  ...database(parts),
  ...tables(parts),
];

const invariantMeaning: Readonly<Record<Invariant, string>> = {
  'stock-never-oversold': 'A stock level is not the sum of its movements, or more is reserved than there is.',
  'charged-at-most-once': 'An order ended failed or cancelled with its money kept.',
  'confirmed-is-complete': 'A confirmed order has no payment of its total, or stock that is not committed.',
  'every-order-ends': 'An order has not ended within an hour.',
};

const brokenInvariants = (): AlarmSpec[] =>
  invariants.map((invariant) => ({
    name: `invariant-${invariant}`,
    runbook: `invariant-${invariant}`,
    means: invariantMeaning[invariant],
    metric: ours('InvariantViolations', { statistic: 'Maximum', minutes: 15 }, invariant),
    threshold: 1,
  }));

function stuckOrders({ stateMachineArn, deadLetters }: Parts): AlarmSpec[] {
  const executions = (name: 'ExecutionsFailed' | 'ExecutionsTimedOut' | 'ExecutionsAborted' | 'ExecutionThrottled') =>
    awsMetric('AWS/States', name, { StateMachineArn: stateMachineArn }, { statistic: 'Sum', minutes: 5 });
  return [
    {
      name: 'orders-unended',
      runbook: 'orders-unended',
      means: 'An order has been open for more than ten minutes, or nobody looks.',
      metric: ours('OldestUnendedOrder', { statistic: 'Maximum' }),
      threshold: 600,
      bad: 3,
      of: 5,
      silenceIsBad: true,
    },
    {
      name: 'orders-needing-attention',
      runbook: 'orders-needing-attention',
      means: 'An order could not be undone by itself and waits for a person.',
      metric: ours('OrdersNeedingAttention', { statistic: 'Maximum' }),
      threshold: 1,
    },
    {
      name: 'orders-waiting-for-a-person',
      runbook: 'orders-needing-attention',
      means: 'An order has been waiting for a person for four hours or longer; undoing it again did not help.',
      metric: ours('OldestOrderNeedingAttention', { statistic: 'Maximum' }),
      threshold: 4 * 3600,
      bad: 3,
      of: 5,
    },
    {
      name: 'orders-flagged',
      runbook: 'orders-needing-attention',
      means: 'One more order was put before a person.',
      metric: new MathExpression({
        expression: 'SUM(METRICS())',
        usingMetrics: Object.fromEntries(
          flagReasons.map((reason, index) => [`m${index}`, ours('OrdersFlagged', sum(5), reason)]),
        ),
        label: 'orders put before a person',
        period: ours('OrdersFlagged', sum(5), 'undone').period,
      }),
      threshold: 1,
    },
    {
      name: 'saga-failed',
      runbook: 'saga-failed',
      means: 'Executions of the order saga failed, timed out or were aborted.',
      metric: new MathExpression({
        expression: 'FILL(failed, 0) + FILL(timedOut, 0) + FILL(aborted, 0)',
        usingMetrics: {
          failed: executions('ExecutionsFailed'),
          timedOut: executions('ExecutionsTimedOut'),
          aborted: executions('ExecutionsAborted'),
        },
        label: 'executions that ended badly',
        period: executions('ExecutionsFailed').period,
      }),
      threshold: 1,
    },
    {
      name: 'saga-throttled',
      runbook: 'saga-failed',
      means: 'Step Functions holds back executions of the order saga.',
      metric: executions('ExecutionThrottled'),
      threshold: 1,
      bad: 3,
      of: 3,
    },
    {
      name: 'sagas-started-late',
      runbook: 'sagas-started-late',
      means: 'Orders were placed whose saga had to be started by the sweeper.',
      metric: ours('SagasStartedLate', { statistic: 'Sum', minutes: 15 }),
      threshold: 5,
    },
    {
      name: 'schedules-undelivered',
      runbook: 'jobs-not-running',
      means: 'A schedule could not start its job.',
      metric: awsMetric('AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: deadLetters }, maximum(5)),
      threshold: 1,
    },
  ];
}

function disagreements(): AlarmSpec[] {
  const hourly = { statistic: 'Maximum', minutes: 60 };
  return [
    {
      name: 'reconciliation-findings',
      runbook: 'reconciliation',
      means: 'Provider, orders and stock ledger disagree somewhere.',
      metric: new MathExpression({
        expression: 'MAX(METRICS())',
        usingMetrics: Object.fromEntries(
          findingKinds.map((kind, index) => [`m${index}`, ours('ReconciliationFindings', hourly, kind)]),
        ),
        label: 'open findings',
        period: ours('ReconciliationFindings', hourly, 'charge-without-order').period,
      }),
      threshold: 1,
    },
    {
      name: 'reconciliation-mirror-old',
      runbook: 'reconciliation',
      means: 'The provider’s books were not copied whole for three hours, or nobody compares them.',
      metric: ours('MirrorAge', hourly),
      threshold: 3 * 3600,
      bad: 2,
      of: 2,
      silenceIsBad: true,
    },
  ];
}

const lostMails = (): AlarmSpec[] => [
  {
    name: 'mails-given-up',
    runbook: 'mails-given-up',
    means: 'Mails to customers could not be sent for a day and were given up.',
    metric: ours('MailsGivenUp', { statistic: 'Sum', minutes: 60 }),
    threshold: 1,
  },
];

/** Requests that wait for a saga on request are slow on purpose, and stay out; ten are what an alarm may combine. */
const prompt: readonly OperationId[] = [
  'sign-in',
  'get-me',
  'list-products',
  'get-product',
  'create-quote',
  'list-orders',
  'get-order',
  'get-order-timeline',
];

function requests({ apiId }: Parts): AlarmSpec[] {
  const api = (name: 'Count' | '5xx') => awsMetric('AWS/ApiGateway', name, { ApiId: apiId }, sum(5));
  return [
    {
      name: 'server-errors',
      runbook: 'server-errors',
      means: 'More than one request in a hundred was answered with a server error.',
      metric: new MathExpression({
        expression: 'IF(requests > 20, 100 * errors / requests, 0)',
        usingMetrics: { requests: api('Count'), errors: api('5xx') },
        label: 'server errors in %',
        period: api('Count').period,
      }),
      threshold: 1,
      bad: 2,
      of: 3,
    },
    {
      name: 'slow-requests',
      runbook: 'slow-requests',
      means: 'The slowest hundredth of the requests of an operation takes two seconds or more.',
      metric: new MathExpression({
        expression: 'MAX(METRICS())',
        usingMetrics: Object.fromEntries(
          prompt.map((operation, index) => [`m${index}`, ours('Latency', { statistic: 'p99', minutes: 5 }, operation)]),
        ),
        label: 'p99 of the slowest operation',
        period: ours('Latency', { statistic: 'p99', minutes: 5 }, 'get-order').period,
      }),
      threshold: 2000,
      bad: 3,
      of: 3,
    },
    {
      name: 'limiter-fallback',
      runbook: 'limiter-fallback',
      means: 'Requests are limited by each process for itself, because DynamoDB does not answer.',
      metric: ours('LimiterFallback', sum(1)),
      threshold: 1,
      bad: 3,
      of: 5,
    },
    {
      name: 'functions-throttled',
      runbook: 'functions-throttled',
      means: 'Lambda refused to run functions: the account’s concurrency is used up.',
      metric: awsMetric('AWS/Lambda', 'Throttles', {}, sum(5)),
      threshold: 5,
    },
  ];
}

const identityProvider = (): AlarmSpec[] => [
  {
    name: 'issuer-keys-stale',
    runbook: 'issuer-keys-stale',
    means: 'The identity provider’s keys were not fetched for half an hour, or nobody fetches them.',
    metric: ours('IssuerKeysAge', maximum(15)),
    threshold: 1800,
    bad: 2,
    of: 2,
    silenceIsBad: true,
  },
];

/** Run again soon: one failure alone wakes nobody. */
const frequentJobs: ReadonlySet<string> = new Set<JobName>(['sweep-orders', 'watch-orders', 'refresh-issuer-keys']);
function audit({ apiId, undeliveredAccesses, recordAccess }: Parts): AlarmSpec[] {
  const requests = awsMetric('AWS/ApiGateway', 'Count', { ApiId: apiId }, sum(15));
  return [
    {
      name: 'audit-undelivered',
      runbook: 'audit-undelivered',
      means: 'Records of accesses were given up on and wait in a queue.',
      metric: awsMetric(
        'AWS/SQS',
        'ApproximateNumberOfMessagesVisible',
        { QueueName: undeliveredAccesses },
        maximum(5),
      ),
      threshold: 1,
    },
    {
      name: 'audit-unreadable',
      runbook: 'audit-undelivered',
      means: 'Lines of the log that should be records of accesses cannot be read.',
      metric: ours('AccessLinesUnreadable', { statistic: 'Sum', minutes: 5 }),
      threshold: 1,
    },
    {
      name: 'audit-late',
      runbook: 'audit-undelivered',
      means: 'Records of accesses wait for a quarter of an hour until they are taken.',
      metric: awsMetric('AWS/Lambda', 'AsyncEventAge', { FunctionName: recordAccess }, maximum(5)),
      threshold: 15 * 60_000,
      bad: 2,
      of: 2,
    },
    {
      name: 'audit-silent',
      runbook: 'audit-undelivered',
      means: 'Requests are answered, and no access is recorded.',
      metric: new MathExpression({
        expression: 'IF(FILL(requests, 0) > 100 AND FILL(recorded, 0) < 1, 1, 0)',
        usingMetrics: { requests, recorded: ours('AccessesRecorded', { statistic: 'Sum', minutes: 15 }) },
        label: 'requests without a record',
        period: requests.period,
      }),
      threshold: 1,
      bad: 2,
      of: 2,
    },
  ];
}

const hourlyJobs: ReadonlySet<string> = new Set<JobName>(['purge-expired', 'mirror-charges', 'reconcile']);

function jobsThatDoNotRun({ jobs }: Parts): AlarmSpec[] {
  const failures = Object.entries(jobs).map(([name, job]) => ({
    name: `job-${name}-failing`,
    runbook: 'jobs-not-running',
    means: `Runs of the job ${name} fail.`,
    metric: awsMetric('AWS/Lambda', 'Errors', { FunctionName: job }, sum(hourlyJobs.has(name) ? 60 : 15)),
    threshold: frequentJobs.has(name) ? 3 : 1,
  }));
  const silent = (name: JobName, minutes: number, periods: number): AlarmSpec => ({
    name: `job-${name}-silent`,
    runbook: 'jobs-not-running',
    means: `The job ${name} does not run.`,
    metric: awsMetric('AWS/Lambda', 'Invocations', { FunctionName: jobs[name]! }, sum(minutes)),
    threshold: 1,
    below: true,
    bad: periods,
    of: periods,
    silenceIsBad: true,
  });
  return [
    ...failures,
    silent('sweep-orders', 5, 2),
    silent('watch-orders', 5, 2),
    silent('check-invariants', 60, 1),
    silent('mirror-charges', 60, 2),
    silent('reconcile', 60, 2),
  ];
}

function database({ cluster, proxy }: Parts): AlarmSpec[] {
  const ofProxy = { ProxyName: proxy };
  return [
    {
      name: 'proxy-pinned',
      runbook: 'proxy-pinned',
      means: 'RDS Proxy has tied connections to single clients, and can share them no more.',
      metric: awsMetric('AWS/RDS', 'DatabaseConnectionsCurrentlySessionPinned', ofProxy, maximum(1)),
      threshold: 1,
      bad: 5,
      of: 5,
    },
    {
      name: 'proxy-refuses-clients',
      runbook: 'proxy-refuses-clients',
      means: 'Functions, or someone else, fail to log in to RDS Proxy.',
      metric: awsMetric('AWS/RDS', 'ClientConnectionsSetupFailedAuth', ofProxy, sum(5)),
      threshold: 5,
    },
    {
      name: 'proxy-slow-to-lend',
      runbook: 'proxy-slow-to-lend',
      means: 'Functions wait half a second and more for a database connection.',
      // Published in microseconds.
      metric: awsMetric('AWS/RDS', 'DatabaseConnectionsBorrowLatency', ofProxy, { statistic: 'Average', minutes: 1 }),
      threshold: 500_000,
      bad: 3,
      of: 5,
    },
    {
      name: 'database-full',
      runbook: 'database-full',
      means: 'The database has been using nine tenths of the capacity it may grow to.',
      metric: awsMetric(
        'AWS/RDS',
        'ACUUtilization',
        { DBClusterIdentifier: cluster },
        { statistic: 'Maximum', minutes: 5 },
      ),
      threshold: 90,
      bad: 3,
      of: 3,
    },
    {
      name: 'database-deadlocks',
      runbook: 'database-full',
      means: 'Transactions deadlock, again and again.',
      metric: awsMetric('AWS/RDS', 'Deadlocks', { DBClusterIdentifier: cluster }, { statistic: 'Maximum', minutes: 5 }),
      threshold: 0.1,
      bad: 3,
      of: 3,
    },
  ];
}

const tables = (parts: Parts): AlarmSpec[] =>
  (Object.entries(parts.tables) as [TableName, string][]).map(([table, name]) => ({
    name: `table-${table}-throttled`,
    runbook: 'table-throttled',
    means: `DynamoDB holds back requests to the table of ${table}.`,
    metric: new MathExpression({
      expression: 'FILL(reads, 0) + FILL(writes, 0)',
      usingMetrics: {
        reads: awsMetric('AWS/DynamoDB', 'ReadThrottleEvents', { TableName: name }, sum(5)),
        writes: awsMetric('AWS/DynamoDB', 'WriteThrottleEvents', { TableName: name }, sum(5)),
      },
      label: 'throttled requests',
      period: awsMetric('AWS/DynamoDB', 'ReadThrottleEvents', { TableName: name }, sum(5)).period,
    }),
    threshold: 10,
  }));

const sum = (minutes: number) => ({ statistic: 'Sum', minutes });
const maximum = (minutes: number) => ({ statistic: 'Maximum', minutes });

export const comparison = ({ below }: AlarmSpec) =>
  below ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;

export const silence = ({ silenceIsBad }: AlarmSpec) =>
  silenceIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING;
