/** List prices of AWS in a region, in US dollars, without free tier, tax, data transfer or discounts for volume. */
export type Prices = {
  /** Aurora Serverless v2, Standard: a capacity unit for an hour. */
  acuHour: number;
  /** Aurora: a GB for a month, a million reads or writes of storage, a GB of snapshots for a month. */
  auroraGb: number;
  auroraMillionIo: number;
  snapshotGb: number;
  /** RDS Proxy: for each capacity unit of the database, and for 8 at least. */
  proxyAcuHour: number;
  /** An interface endpoint in one zone. */
  endpointHour: number;
  /** Lambda on arm64. */
  lambdaMillion: number;
  lambdaGbSecond: number;
  /** HTTP API. */
  apiMillion: number;
  /** Step Functions Standard: a thousand transitions. */
  thousandTransitions: number;
  /** DynamoDB on demand. */
  dynamoMillionReads: number;
  dynamoMillionWrites: number;
  dynamoGb: number;
  /** EventBridge: a million events of one's own. */
  millionEvents: number;
  /** CloudWatch. */
  logsGb: number;
  logsGbMonth: number;
  metric: number;
  alarmMetric: number;
  dashboard: number;
  /** A thousand metrics that are read by GetMetricData. */
  thousandMetricsRead: number;
  /** S3: a GB for a month, a thousand writes. Athena: a TB that it reads. */
  s3Gb: number;
  s3ThousandPuts: number;
  athenaTb: number;
  /** Redshift Serverless: a capacity unit for an hour, a GB for a month. */
  rpuHour: number;
  redshiftGb: number;
  /** KMS and Secrets Manager, each a month. */
  key: number;
  secret: number;
};

/** The year of the price lists that the prices below follow. They were entered by hand: compare them before you decide by them. */
export const pricesAsOf = '2025';

const everywhere = {
  lambdaMillion: 0.2,
  lambdaGbSecond: 0.0000133334,
  thousandTransitions: 0.025,
  millionEvents: 1,
  metric: 0.3,
  alarmMetric: 0.1,
  dashboard: 3,
  thousandMetricsRead: 0.01,
  s3Gb: 0.023,
  s3ThousandPuts: 0.005,
  athenaTb: 5,
  rpuHour: 0.375,
  redshiftGb: 0.024,
  key: 1,
  secret: 0.4,
  logsGbMonth: 0.03,
};

export const prices = {
  'us-east-1': {
    ...everywhere,
    acuHour: 0.12,
    auroraGb: 0.1,
    auroraMillionIo: 0.2,
    snapshotGb: 0.021,
    proxyAcuHour: 0.015,
    endpointHour: 0.01,
    apiMillion: 1,
    dynamoMillionReads: 0.125,
    dynamoMillionWrites: 0.625,
    dynamoGb: 0.25,
    logsGb: 0.5,
  },
  'eu-west-1': {
    ...everywhere,
    acuHour: 0.14,
    auroraGb: 0.11,
    auroraMillionIo: 0.22,
    snapshotGb: 0.021,
    proxyAcuHour: 0.0163,
    endpointHour: 0.011,
    apiMillion: 1.11,
    dynamoMillionReads: 0.1415,
    dynamoMillionWrites: 0.705,
    dynamoGb: 0.283,
    logsGb: 0.57,
  },
  'eu-central-1': {
    ...everywhere,
    acuHour: 0.14,
    auroraGb: 0.119,
    auroraMillionIo: 0.22,
    snapshotGb: 0.0229,
    proxyAcuHour: 0.018,
    endpointHour: 0.012,
    apiMillion: 1.2,
    dynamoMillionReads: 0.1525,
    dynamoMillionWrites: 0.7625,
    dynamoGb: 0.306,
    logsGb: 0.63,
    logsGbMonth: 0.0324,
  },
} as const satisfies Record<string, Prices>;

export type Region = keyof typeof prices;
