import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { JobName } from '../../../functions/jobs.ts';
import type { TableName } from '../../../lib/contract/deploy/tables.ts';
import { awsMetric, maximum, sum, waitingIn } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import type { AlarmSpec } from './spec.ts';

/** These run again within minutes, so that one failure alone is no alarm. */
const frequentJobs: ReadonlySet<string> = new Set<JobName>([
  'sweep-orders',
  'watch-orders',
  'check-health',
  'refresh-issuer-keys',
  'publish-events',
  'wake-webhooks',
  'send-reports',
  'run-report-exports',
]);
const hourlyJobs: ReadonlySet<string> = new Set<JobName>([
  'purge-expired',
  'snapshot-provider-transactions',
  'reconcile',
  'load-warehouse',
]);

export function jobRuns({ jobs, deadLetters }: Monitored): AlarmSpec[] {
  const failures = Object.entries(jobs).map(([name, job]) => ({
    name: `job-${name}-failing`,
    runbook: /-warehouse$/.test(name) ? 'warehouse-late' : 'jobs-not-running',
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
    silent('snapshot-provider-transactions', 60, 2),
    silent('reconcile', 60, 2),
    {
      name: 'schedules-undelivered',
      runbook: 'jobs-not-running',
      means: 'A schedule could not start its job.',
      metric: waitingIn(deadLetters, maximum(5)),
      threshold: 1,
    },
  ];
}

export function database({ cluster, proxy }: Monitored): AlarmSpec[] {
  return [
    ...(proxy === undefined ? [] : ofTheProxy({ ProxyName: proxy })),
    ...(cluster === undefined ? [] : ofTheCluster({ DBClusterIdentifier: cluster })),
  ];
}

const ofTheCluster = (ofCluster: { DBClusterIdentifier: string }): AlarmSpec[] => [
  {
    name: 'database-full',
    runbook: 'database-full',
    means: 'The database uses nine tenths of its maximum capacity.',
    metric: awsMetric('AWS/RDS', 'ACUUtilization', ofCluster, maximum(5)),
    threshold: 90,
    bad: 3,
    of: 3,
  },
  {
    name: 'database-deadlocks',
    runbook: 'database-full',
    means: 'Transactions deadlock repeatedly.',
    metric: awsMetric('AWS/RDS', 'Deadlocks', ofCluster, maximum(5)),
    threshold: 0.1,
    bad: 3,
    of: 3,
  },
];

const ofTheProxy = (ofProxy: { ProxyName: string }): AlarmSpec[] => [
  {
    name: 'proxy-pinned',
    runbook: 'proxy-pinned',
    means: 'RDS Proxy has pinned database connections to single clients and cannot share them.',
    metric: awsMetric('AWS/RDS', 'DatabaseConnectionsCurrentlySessionPinned', ofProxy, maximum()),
    threshold: 1,
    bad: 5,
    of: 5,
  },
  {
    name: 'proxy-refuses-clients',
    runbook: 'proxy-refuses-clients',
    means: 'Logins to RDS Proxy fail.',
    metric: awsMetric('AWS/RDS', 'ClientConnectionsSetupFailedAuth', ofProxy, sum(5)),
    threshold: 5,
  },
  {
    name: 'proxy-slow-to-lend',
    runbook: 'proxy-slow-to-lend',
    means: 'Functions wait half a second or longer for a database connection.',
    // Published in microseconds.
    metric: awsMetric('AWS/RDS', 'DatabaseConnectionsBorrowLatency', ofProxy, { statistic: 'Average', minutes: 1 }),
    threshold: 500_000,
    bad: 3,
    of: 5,
  },
];

/** Whether reports are of today. */
export const reader = ({ reader: instance, ours }: Monitored): AlarmSpec[] => [
  {
    name: 'reports-behind',
    runbook: 'reader-behind',
    means: 'Reports are answered from data that are a minute old or older.',
    metric: ours('ReaderLag', maximum()),
    threshold: 60,
    bad: 3,
    of: 5,
  },
  ...(instance === undefined
    ? []
    : [
        {
          name: 'reader-behind',
          runbook: 'reader-behind',
          means: 'The database’s reader is a minute behind its writer, or does not say how far.',
          // Published in milliseconds.
          metric: awsMetric('AWS/RDS', 'AuroraReplicaLag', { DBInstanceIdentifier: instance }, maximum()),
          threshold: 60_000,
          bad: 3,
          of: 5,
          silenceIsBad: true,
        } as const,
      ]),
];

/** Whether history is loaded and right, in a stage that has a warehouse. */
export const warehouse = ({ jobs, ours }: Monitored): AlarmSpec[] =>
  jobs['load-warehouse'] === undefined
    ? []
    : [
        {
          name: 'warehouse-late',
          runbook: 'warehouse-late',
          means:
            'For three hours nothing has been loaded into the warehouse: reports read more and more from the database.',
          metric: ours('WarehouseLoads', sum(60)),
          threshold: 1,
          below: true,
          bad: 3,
          of: 3,
          silenceIsBad: true,
        },
        {
          name: 'warehouse-wrong',
          runbook: 'warehouse-late',
          means: 'The warehouse does not have what the database has.',
          metric: ours('WarehouseFindings', maximum(60)),
          threshold: 1,
        },
      ];

export const tables = (resources: Monitored): AlarmSpec[] =>
  (Object.entries(resources.tables) as [TableName, string][]).map(([table, name]) => ({
    name: `table-${table}-throttled`,
    runbook: 'table-throttled',
    means: `DynamoDB throttles requests to the table ${table}.`,
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
