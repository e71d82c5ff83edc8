/** What an alias was called for, in all and by the version that it chose. */
const byVersion = ['FunctionName,Resource', 'ExecutedVersion,FunctionName,Resource'];

/**
 * The metrics of AWS that widgets and alarms may name, by namespace, each with the sets of dimensions that it is
 * published under; `''` is none: over the whole account and region. `source` is the page that lists them.
 */
export const awsMetrics = {
  'AWS/ApiGateway': {
    source: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html',
    metrics: {
      Count: ['ApiId'],
      '4xx': ['ApiId'],
      '5xx': ['ApiId'],
      Latency: ['ApiId'],
      IntegrationLatency: ['ApiId'],
    },
  },
  'AWS/Lambda': {
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html',
    metrics: {
      Invocations: ['FunctionName', '', ...byVersion],
      Errors: ['FunctionName', '', ...byVersion],
      Throttles: ['FunctionName', ''],
      Duration: ['FunctionName', '', ...byVersion],
      AsyncEventAge: ['FunctionName', ''],
      ConcurrentExecutions: ['FunctionName', ''],
    },
  },
  'AWS/States': {
    source: 'https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html',
    metrics: {
      ExecutionsStarted: ['StateMachineArn', 'StateMachineArn,Version', 'Alias,StateMachineArn'],
      ExecutionsSucceeded: ['StateMachineArn'],
      ExecutionsFailed: ['StateMachineArn', 'StateMachineArn,Version', 'Alias,StateMachineArn'],
      ExecutionsTimedOut: ['StateMachineArn'],
      ExecutionsAborted: ['StateMachineArn'],
      ExecutionThrottled: ['StateMachineArn'],
      ExecutionTime: ['StateMachineArn'],
    },
  },
  'AWS/DynamoDB': {
    source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html',
    metrics: {
      ReadThrottleEvents: ['TableName'],
      WriteThrottleEvents: ['TableName'],
      SuccessfulRequestLatency: ['Operation,TableName'],
      SystemErrors: ['Operation,TableName'],
      ConsumedReadCapacityUnits: ['TableName'],
      ConsumedWriteCapacityUnits: ['TableName'],
    },
  },
  'AWS/SQS': {
    source:
      'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html',
    metrics: { ApproximateNumberOfMessagesVisible: ['QueueName'] },
  },
  'AWS/RDS': {
    source:
      'https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html and ' +
      'https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.monitoring.html and ' +
      'https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_PerfInsights.Cloudwatch.html',
    metrics: {
      ServerlessDatabaseCapacity: ['DBClusterIdentifier', 'DBInstanceIdentifier'],
      ACUUtilization: ['DBClusterIdentifier', 'DBInstanceIdentifier'],
      CPUUtilization: ['DBClusterIdentifier', 'DBInstanceIdentifier'],
      DatabaseConnections: ['DBClusterIdentifier', 'DBInstanceIdentifier', 'ProxyName'],
      Deadlocks: ['DBClusterIdentifier', 'DBInstanceIdentifier'],
      CommitLatency: ['DBClusterIdentifier', 'DBInstanceIdentifier'],
      AuroraReplicaLag: ['DBClusterIdentifier', 'DBInstanceIdentifier'],
      VolumeBytesUsed: ['DBClusterIdentifier'],
      DBLoad: ['DBInstanceIdentifier'],
      ClientConnections: ['ProxyName'],
      ClientConnectionsSetupFailedAuth: ['ProxyName'],
      DatabaseConnectionsCurrentlyBorrowed: ['ProxyName'],
      DatabaseConnectionsCurrentlySessionPinned: ['ProxyName'],
      DatabaseConnectionsBorrowLatency: ['ProxyName'],
      DatabaseConnectionsSetupFailed: ['ProxyName'],
      QueryDatabaseResponseLatency: ['ProxyName'],
    },
  },
} as const satisfies Record<string, { source: string; metrics: Record<string, readonly string[]> }>;

export type AwsNamespace = keyof typeof awsMetrics;
export type AwsMetricName<N extends AwsNamespace> = keyof (typeof awsMetrics)[N]['metrics'] & string;
