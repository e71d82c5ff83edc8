import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { awsMetric, sum } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import { graph } from './widgets.ts';

/** What AWS bills by use. */
export function cost({ apiId, cluster, tables, stateMachines, handlers }: Monitored): IWidget[][] {
  const hourly = sum(60);
  const units = (name: 'ConsumedReadCapacityUnits' | 'ConsumedWriteCapacityUnits') =>
    Object.entries(tables).map(([label, table]) =>
      awsMetric('AWS/DynamoDB', name, { TableName: table }, { ...hourly, label }),
    );
  const each = (name: 'Invocations' | 'Duration') =>
    Object.entries(handlers).map(([label, handler]) =>
      awsMetric('AWS/Lambda', name, { FunctionName: handler }, { ...hourly, label }),
    );
  return [
    [
      ...(cluster === undefined ? [] : ofTheCluster({ DBClusterIdentifier: cluster })),
      graph('Requests an hour', [awsMetric('AWS/ApiGateway', 'Count', { ApiId: apiId }, hourly)]),
    ],
    [
      graph('Lambda: runs an hour', each('Invocations'), { stacked: true }),
      graph('Lambda: milliseconds an hour', each('Duration'), { stacked: true }),
      graph(
        'Step Functions: executions an hour',
        Object.entries(stateMachines).map(([label, arn]) =>
          awsMetric('AWS/States', 'ExecutionsStarted', { StateMachineArn: arn }, { ...hourly, label }),
        ),
        { stacked: true },
      ),
    ],
    [
      graph('DynamoDB: read units an hour', units('ConsumedReadCapacityUnits'), { stacked: true }),
      graph('DynamoDB: write units an hour', units('ConsumedWriteCapacityUnits'), { stacked: true }),
    ],
  ];
}

const ofTheCluster = (ofCluster: { DBClusterIdentifier: string }): IWidget[] => [
  graph('Aurora: capacity units', [
    awsMetric('AWS/RDS', 'ServerlessDatabaseCapacity', ofCluster, { statistic: 'Average', minutes: 60 }),
  ]),
  graph('Aurora: storage, bytes', [
    awsMetric('AWS/RDS', 'VolumeBytesUsed', ofCluster, { statistic: 'Average', minutes: 60 }),
  ]),
];
