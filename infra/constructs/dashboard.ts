import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryWidget,
  MathExpression,
  PeriodOverride,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { findingKinds } from '../../lib/contract/api/findings.ts';
import { operations } from '../../lib/contract/api/operations.ts';
import { invariants } from '../../lib/contract/deploy/metrics.ts';
import { failureCodes, sagaFailureCodes } from '../../lib/saga/failures.ts';
import type { AwsMetricName } from './aws-metrics.ts';
import { awsMetric, maximum, ours, oursByValue, sum, waitingIn } from './metric.ts';
import type { MonitoredResources } from './monitored-resources.ts';

/** One dashboard that answers three questions, top to bottom: is it working, are we selling, is anything stuck. */
export function dashboard(
  scope: Construct,
  id: string,
  props: { resources: MonitoredResources; alarms: Alarm[] },
): Dashboard {
  const { resources } = props;
  return new Dashboard(scope, id, {
    dashboardName: `counterfoil-${resources.stage}`,
    defaultInterval: Duration.hours(3),
    periodOverride: PeriodOverride.AUTO,
    widgets: [
      [
        heading(
          'Is it working?',
          'An alarm in red names its page in docs/runbooks; docs/runbooks/README.md lists all.',
        ),
      ],
      [new AlarmStatusWidget({ title: 'Alarms', alarms: props.alarms, width: 24, height: 5 })],
      ...working(resources),
      [
        heading(
          'Are we selling?',
          'Orders by how they ended; a refused card or an empty shelf is an end like another.',
        ),
      ],
      ...selling(),
      [heading('Is anything stuck?', 'All of these must be zero, or be so again within minutes.')],
      ...stuck(resources),
      [
        heading(
          'Who calls?',
          'By application; `none` are requests that named none. What each asks for: `GET /applications/{id}/usage`.',
        ),
      ],
      ...calling(resources),
      [heading('PostgreSQL, RDS Proxy, DynamoDB, Lambda')],
      ...machinery(resources),
    ],
  });
}

const byOperation = (name: 'Requests' | 'ClientErrors' | 'ServerErrors' | 'Latency', statistic: string) =>
  Object.keys(operations).map((operation) => ours(name, { statistic }, operation));

function working({ apiId }: MonitoredResources): IWidget[][] {
  const api = (name: 'Count' | '4xx' | '5xx' | 'Latency', statistic: string, label?: string) =>
    awsMetric('AWS/ApiGateway', name, { ApiId: apiId }, { statistic, ...(label === undefined ? {} : { label }) });
  return [
    [
      graph('Requests by operation', byOperation('Requests', 'Sum'), { stacked: true }),
      graph('Server errors by operation', byOperation('ServerErrors', 'Sum'), { stacked: true }),
      graph('Refused requests by operation', byOperation('ClientErrors', 'Sum'), { stacked: true }),
    ],
    [
      graph('Median latency by operation, ms', byOperation('Latency', 'p50')),
      graph('p99 latency by operation, ms', byOperation('Latency', 'p99')),
      graph('HTTP API', [api('Count', 'Sum'), api('4xx', 'Sum'), api('5xx', 'Sum')], {
        right: [api('Latency', 'p50', 'p50 ms'), api('Latency', 'p99', 'p99 ms')],
      }),
    ],
    [
      graph('Limits hit, and limiter without DynamoDB', [
        ours('RateLimited', sum()),
        ours('ConcurrencyRefused', sum()),
        ours('LimiterFallback', sum()),
        ours('SignInsLocked', sum()),
      ]),
      graph('Age of the identity provider’s keys, s', [ours('IssuerKeysAge', maximum(5))]),
      graph('Mails given up', [ours('MailsGivenUp', sum())]),
    ],
  ];
}

function selling(): IWidget[][] {
  const placed = ours('OrdersPlaced', sum());
  const confirmed = ours('OrdersConfirmed', sum());
  return [
    [
      new SingleValueWidget({
        title: 'Orders',
        metrics: [placed, confirmed, ours('OrdersCancelled', sum()), ours('StockOuts', sum())],
        setPeriodToTimeRange: true,
        width: 16,
        height: 4,
      }),
      new SingleValueWidget({
        title: 'Confirmed of those placed, %',
        metrics: [
          new MathExpression({
            expression: '100 * confirmed / placed',
            usingMetrics: { confirmed, placed },
            label: 'confirmed',
            period: placed.period,
          }),
        ],
        setPeriodToTimeRange: true,
        width: 8,
        height: 4,
      }),
    ],
    [
      graph('Orders placed and how they ended', [placed, confirmed, ours('OrdersCancelled', sum())]),
      graph(
        'Failed orders by reason',
        sagaFailureCodes.map((reason) => ours('OrdersFailed', sum(), reason)),
        { stacked: true },
      ),
      graph('Stock-outs', [ours('StockOuts', sum())]),
    ],
    [
      graph('From placed to confirmed, ms', [
        ours('SagaDuration', { statistic: 'p50', label: 'p50' }),
        ours('SagaDuration', { statistic: 'p99', label: 'p99' }),
      ]),
      graph('Refunds in part', [ours('RefundsSettled', sum(), 'succeeded'), ours('RefundsSettled', sum(), 'failed')]),
    ],
  ];
}

function stuck({ stateMachines, deadLetters }: MonitoredResources): IWidget[][] {
  const executions = (...names: AwsMetricName<'AWS/States'>[]) =>
    Object.entries(stateMachines).flatMap(([machine, arn]) =>
      names.map((name) => {
        const label = `${machine}: ${name}`;
        return awsMetric('AWS/States', name, { StateMachineArn: arn }, { ...sum(), label });
      }),
    );
  return [
    [
      graph('Orders open for long, or in manual review', [
        ours('OrdersUnended', maximum()),
        ours('OrdersInManualReview', maximum()),
      ]),
      graph('Age of the oldest of them, s', [
        ours('OldestUnendedOrder', maximum()),
        ours('OldestManualReview', maximum()),
      ]),
      graph(
        'Broken invariants',
        invariants.map((invariant) => ours('InvariantViolations', maximum(15), invariant)),
      ),
    ],
    [
      graph(
        'Orders put into manual review, by reason',
        failureCodes.map((reason) => ours('ManualReviewsOpened', sum(), reason)),
        { stacked: true },
      ),
      graph('Swept up', [
        ours('SagasStartedLate', sum()),
        ours('ReservationsExpired', sum()),
        ours('CompensationsRetried', sum()),
      ]),
      graph(
        'Saga executions; on the right: failed, timed out, throttled',
        executions('ExecutionsStarted', 'ExecutionsSucceeded'),
        {
          right: executions('ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionThrottled'),
        },
      ),
    ],
    [
      graph('Schedules that could not start their job', [waitingIn(deadLetters, maximum())]),
      graph(
        'Provider, orders and ledger disagree: open findings, repairs',
        findingKinds.map((kind) => ours('ReconciliationFindings', maximum(60), kind)),
        { right: [ours('ReconciliationRepairs', sum(60))] },
      ),
      graph('Age of the copy of the provider’s transactions, s', [ours('ProviderSnapshotAge', maximum(60))]),
    ],
  ];
}

function calling({ httpLog, undeliveredAccesses, recordAccess }: MonitoredResources): IWidget[][] {
  const queryLines = [
    'filter ispresent(accessId)',
    'fields floor(status / 400) as isError, floor(status / 500) as isServerError',
    'stats count(*) as requests, sum(isError) as errors, sum(isServerError) as serverErrors, pct(milliseconds, 50) as p50, pct(milliseconds, 99) as p99 by applicationId, operation',
    'sort requests desc',
    'limit 100',
  ];
  return [
    [
      graph('Requests by application', [oursByValue('ApplicationRequests', sum())], { stacked: true }),
      graph('Refused and failed requests by application', [oursByValue('ApplicationErrors', sum())], { stacked: true }),
      graph('p99 latency by application, ms', [oursByValue('ApplicationLatency', { statistic: 'p99' })]),
    ],
    [
      new LogQueryWidget({
        title: 'Requests by application and operation',
        logGroupNames: [httpLog],
        queryLines,
        width: 24,
        height: 8,
      }),
    ],
    [
      graph('Records of accesses: kept, not readable', [
        ours('AccessesRecorded', sum()),
        ours('AccessLinesUnreadable', sum()),
      ]),
      graph('Records of accesses: age when they are taken, ms', [
        awsMetric('AWS/Lambda', 'AsyncEventAge', { FunctionName: recordAccess }, maximum()),
      ]),
      graph('Records of accesses: batches given up', [waitingIn(undeliveredAccesses, maximum())]),
    ],
  ];
}

function machinery({ cluster, writer, proxy, tables, handlers }: MonitoredResources): IWidget[][] {
  const ofCluster = { DBClusterIdentifier: cluster };
  const ofProxy = { ProxyName: proxy };
  const average = { statistic: 'Average' };
  const each = (name: 'Errors' | 'Throttles') =>
    Object.entries(handlers).map(([label, handler]) =>
      awsMetric('AWS/Lambda', name, { FunctionName: handler }, { statistic: 'Sum', label }),
    );
  const throttled = Object.entries(tables).flatMap(([label, table]) => [
    awsMetric('AWS/DynamoDB', 'ReadThrottleEvents', { TableName: table }, { ...sum(), label: `${label} reads` }),
    awsMetric('AWS/DynamoDB', 'WriteThrottleEvents', { TableName: table }, { ...sum(), label: `${label} writes` }),
  ]);
  const calls = [
    { table: 'sessions', operation: 'GetItem' },
    { table: 'limits', operation: 'UpdateItem' },
  ] as const;
  const onCalls = (name: 'SuccessfulRequestLatency' | 'SystemErrors', statistic: string) =>
    calls.map(({ table, operation }) =>
      awsMetric(
        'AWS/DynamoDB',
        name,
        { TableName: tables[table]!, Operation: operation },
        { statistic, label: `${table} ${operation}` },
      ),
    );
  return [
    [
      graph('Database: capacity units, load in sessions', [
        awsMetric('AWS/RDS', 'ServerlessDatabaseCapacity', ofCluster, average),
        awsMetric('AWS/RDS', 'DBLoad', { DBInstanceIdentifier: writer }, average),
      ]),
      graph('Database: processor and capacity used, %', [
        awsMetric('AWS/RDS', 'CPUUtilization', ofCluster, average),
        awsMetric('AWS/RDS', 'ACUUtilization', ofCluster, average),
      ]),
      graph(
        'Database: connections, commit latency, deadlocks',
        [
          awsMetric('AWS/RDS', 'DatabaseConnections', ofCluster, average),
          awsMetric('AWS/RDS', 'CommitLatency', ofCluster, { ...average, label: 'CommitLatency ms' }),
        ],
        { right: [awsMetric('AWS/RDS', 'Deadlocks', ofCluster, average)] },
      ),
    ],
    [
      graph('Proxy: connections', [
        awsMetric('AWS/RDS', 'ClientConnections', ofProxy, maximum()),
        awsMetric('AWS/RDS', 'DatabaseConnections', ofProxy, maximum()),
        awsMetric('AWS/RDS', 'DatabaseConnectionsCurrentlyBorrowed', ofProxy, maximum()),
        awsMetric('AWS/RDS', 'DatabaseConnectionsCurrentlySessionPinned', ofProxy, maximum()),
      ]),
      graph('Proxy: waiting for a connection and for answers, µs', [
        awsMetric('AWS/RDS', 'DatabaseConnectionsBorrowLatency', ofProxy, average),
        awsMetric('AWS/RDS', 'QueryDatabaseResponseLatency', ofProxy, average),
      ]),
      graph('Proxy: refused', [
        awsMetric('AWS/RDS', 'ClientConnectionsSetupFailedAuth', ofProxy, sum()),
        awsMetric('AWS/RDS', 'DatabaseConnectionsSetupFailed', ofProxy, sum()),
      ]),
    ],
    [
      graph('DynamoDB: latency, ms', onCalls('SuccessfulRequestLatency', 'Average')),
      graph('DynamoDB: held back', throttled),
      graph('DynamoDB: errors of its own', onCalls('SystemErrors', 'Sum')),
    ],
    [
      graph('Functions: errors', each('Errors'), { stacked: true }),
      graph('Functions: held back', each('Throttles'), { stacked: true }),
      graph('Functions: at once, in the whole account', [
        awsMetric('AWS/Lambda', 'ConcurrentExecutions', {}, maximum()),
      ]),
    ],
  ];
}

const heading = (question: string, hint = ''): IWidget =>
  new TextWidget({ markdown: `## ${question}\n${hint}`, width: 24, height: hint === '' ? 1 : 2 });

const graph = (title: string, left: IMetric[], options: { right?: IMetric[]; stacked?: boolean } = {}): IWidget =>
  new GraphWidget({ title, left, ...options, width: 8, height: 6, leftYAxis: { min: 0 } });
