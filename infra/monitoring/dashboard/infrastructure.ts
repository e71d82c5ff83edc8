import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { dependencies } from '../../../lib/contract/deploy/metrics.ts';
import { awsMetric, maximum, sum } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import { cached } from './requests.ts';
import { graph } from './widgets.ts';

/** PostgreSQL and what stands before and behind it. */
export function data(resources: Monitored): IWidget[][] {
  const { cluster, writer, proxy, ours } = resources;
  return [
    ...(cluster === undefined
      ? []
      : [ofTheCluster({ DBClusterIdentifier: cluster }, { DBInstanceIdentifier: writer! })]),
    [
      graph('Database: connections used, age of the oldest rows, % of their limits', [
        ours('ConnectionsUsed', maximum()),
        ours('FreezeAge', maximum()),
      ]),
      graph(
        'Database: oldest transaction, longest wait for a lock, s; on the right: waits',
        [ours('OldestTransaction', maximum()), ours('LongestLockWait', maximum())],
        { right: [ours('LockWaits', maximum())] },
      ),
      graph(
        'Database: runs of slow statements; on the right: tables without vacuum, unused and missing indexes',
        [ours('SlowStatements', sum())],
        {
          right: [
            ours('TablesUnvacuumed', maximum()),
            ours('UnusedIndexes', maximum()),
            ours('MissingIndexes', maximum()),
          ],
        },
      ),
    ],
    [
      graph(
        'What functions depend on and does not answer',
        dependencies.map((name) => ours('DependencyDown', maximum(), name)),
      ),
      graph('Database: a new log-in, ms', [ours('LoginTime', maximum())]),
      graph('Database: size, bytes', [ours('DatabaseSize', maximum())]),
    ],
    ...(proxy === undefined ? [] : [ofTheProxy({ ProxyName: proxy })]),
    cached(resources),
    [
      graph('Reports: age of the reader’s data, s', [ours('ReaderLag', maximum())]),
      graph('Warehouse: loads; on the right: age of history in reports, s', [ours('WarehouseLoads', sum(60))], {
        right: [ours('WarehouseAge', maximum())],
      }),
      graph(
        'Warehouse: rows of a load; on the right: its time, s, and findings',
        [ours('WarehouseRows', maximum(60))],
        {
          right: [ours('WarehouseLoadTime', maximum(60)), ours('WarehouseFindings', maximum(60))],
        },
      ),
    ],
  ];
}

function ofTheCluster(
  ofCluster: { DBClusterIdentifier: string },
  ofWriter: { DBInstanceIdentifier: string },
): IWidget[] {
  const average = { statistic: 'Average' };
  return [
    graph('Database: capacity units, active sessions', [
      awsMetric('AWS/RDS', 'ServerlessDatabaseCapacity', ofCluster, average),
      awsMetric('AWS/RDS', 'DBLoad', ofWriter, average),
    ]),
    graph('Database: CPU and capacity in use, %', [
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
  ];
}

function ofTheProxy(ofProxy: { ProxyName: string }): IWidget[] {
  const average = { statistic: 'Average' };
  return [
    graph('Proxy: connections', [
      awsMetric('AWS/RDS', 'ClientConnections', ofProxy, maximum()),
      awsMetric('AWS/RDS', 'DatabaseConnections', ofProxy, maximum()),
      awsMetric('AWS/RDS', 'DatabaseConnectionsCurrentlyBorrowed', ofProxy, maximum()),
      awsMetric('AWS/RDS', 'DatabaseConnectionsCurrentlySessionPinned', ofProxy, maximum()),
    ]),
    graph('Proxy: wait for a connection, time of a query, µs', [
      awsMetric('AWS/RDS', 'DatabaseConnectionsBorrowLatency', ofProxy, average),
      awsMetric('AWS/RDS', 'QueryDatabaseResponseLatency', ofProxy, average),
    ]),
    graph('Proxy: failed logins, failed connections', [
      awsMetric('AWS/RDS', 'ClientConnectionsSetupFailedAuth', ofProxy, sum()),
      awsMetric('AWS/RDS', 'DatabaseConnectionsSetupFailed', ofProxy, sum()),
    ]),
  ];
}

/** DynamoDB and Lambda. */
export function infrastructure({ tables, handlers }: Monitored): IWidget[][] {
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
      graph('DynamoDB: latency, ms', onCalls('SuccessfulRequestLatency', 'Average')),
      graph('DynamoDB: throttled requests', throttled),
      graph('DynamoDB: system errors', onCalls('SystemErrors', 'Sum')),
    ],
    [
      graph('Functions: errors', each('Errors'), { stacked: true }),
      graph('Functions: throttled', each('Throttles'), { stacked: true }),
      graph('Functions: concurrent runs in the account', [
        awsMetric('AWS/Lambda', 'ConcurrentExecutions', {}, maximum()),
      ]),
    ],
  ];
}
