import type { Prices } from './prices.ts';
import { jobGbSeconds, type Stage } from './stage.ts';
import type { Usage } from './usage.ts';

/** What a service costs in a month, in US dollars: at rest, and for orders. */
export type Line = { service: string; idle: number; orders: number };

export type Cost = {
  lines: Line[];
  idle: number;
  orders: number;
  total: number;
  /** What a thousand orders add. */
  perThousand: number;
  /** Capacity units of Aurora at the peak of a day. */
  peakAcu: number;
};

/** Of a month. */
export const hours = 730;
export const days = 365 / 12;
export const gigabyte = 1e9;
/** The busiest minute of a day has so many times the orders of an average one. */
export const peakFactor = 5;
/** A capacity unit has about a quarter of a processor; above 60 % of it Aurora has grown already. */
const processorsOfAcu = 0.25;
const fill = 0.6;
/** RDS Proxy is billed for 8 units at least. */
const leastProxyAcu = 8;
/** How many rows an order reads or writes past the cache, as operations of storage. */
const ioOfOrder = 40;
/** Metrics that exist in a stage without traffic, and how many traffic creates at most. */
const idleMetrics = 40;
const trafficMetrics = 80;
/** Metrics of time are read twice: what they add up to, and their quantiles. They are about a quarter of all. */
const readsOfMetric = 1.25;
/** Rows are kept for two years before they are compressed to about a fifth. */
const monthsOfRows = 24;

/** What a stage costs a month that takes so many orders a day, each read once. */
export function costOf(stage: Stage, ordersPerDay: number, usage: Usage, prices: Prices): Cost {
  const orders = ordersPerDay * days;
  const millions = (each: number) => (orders * each) / 1e6;
  const averageAcu = acuFor(ordersPerDay, usage, 1);
  const peakAcu = acuFor(ordersPerDay, usage, peakFactor);
  const grown = Math.max(0, averageAcu - stage.minimumAcu);
  const writer = stage.minimumAcu + grown;
  // An order, and whoever looks around for one, wakes a database that pauses for about six minutes.
  const wakes = stage.minimumAcu > 0 ? 0 : 0.5 * Math.min(hours - stage.awakeHours, orders / 10);
  const proxies = stage.proxy ? 1 : 0;
  const rows = (orders * monthsOfRows * usage.rowBytes) / gigabyte;
  const logs = (orders * usage.logBytes) / gigabyte;
  const lines: Line[] = [
    {
      service: 'Aurora: capacity',
      idle: (stage.minimumAcu * stage.instances * hours + 0.5 * stage.awakeHours) * prices.acuHour,
      orders: (grown * stage.instances * hours + wakes) * prices.acuHour,
    },
    {
      service: 'Aurora: storage, I/O, snapshots',
      idle: 0.1 * prices.auroraGb,
      orders: rows * (prices.auroraGb + prices.snapshotGb) + millions(ioOfOrder) * prices.auroraMillionIo,
    },
    {
      service: 'RDS Proxy',
      idle: proxies * Math.max(leastProxyAcu, stage.minimumAcu * stage.instances) * hours * prices.proxyAcuHour,
      orders: proxies * Math.max(0, writer * stage.instances - leastProxyAcu) * hours * prices.proxyAcuHour,
    },
    { service: 'Interface endpoints', idle: stage.endpointZones * hours * prices.endpointHour, orders: 0 },
    {
      service: 'Lambda',
      idle: (stage.jobRuns / 1e6) * prices.lambdaMillion + stage.jobRuns * jobGbSeconds * prices.lambdaGbSecond,
      orders: millions(usage.invocations) * prices.lambdaMillion + orders * usage.gbSeconds * prices.lambdaGbSecond,
    },
    { service: 'API Gateway', idle: 0, orders: millions(usage.requests) * prices.apiMillion },
    { service: 'Step Functions', idle: 0, orders: ((orders * usage.transitions) / 1000) * prices.thousandTransitions },
    {
      service: 'DynamoDB',
      idle: 0,
      orders:
        millions(usage.dynamoReads) * prices.dynamoMillionReads +
        millions(usage.dynamoWrites) * prices.dynamoMillionWrites,
    },
    { service: 'EventBridge', idle: 0, orders: millions(usage.events) * prices.millionEvents },
    {
      service: 'CloudWatch: logs',
      idle: ((stage.jobRuns * 400) / gigabyte) * prices.logsGb,
      orders: logs * (prices.logsGb + (prices.logsGbMonth * stage.logDays) / 30),
    },
    {
      service: 'CloudWatch: alarms, metrics, dashboards',
      idle:
        stage.alarmMetrics * prices.alarmMetric +
        stage.dashboards * prices.dashboard +
        idleMetrics * stage.reportsHourly * prices.metric,
      orders: ordersPerDay === 0 ? 0 : trafficMetrics * prices.metric,
    },
    { service: 'Keys and secrets', idle: stage.keys * prices.key + stage.secrets * prices.secret, orders: 0 },
  ];
  const sum = (of: (line: Line) => number) => lines.reduce((all, line) => all + of(line), 0);
  const [idle, forOrders] = [sum((line) => line.idle), sum((line) => line.orders)];
  return {
    lines,
    idle,
    orders: forOrders,
    total: idle + forOrders,
    perThousand: orders === 0 ? 0 : (forOrders / orders) * 1000,
    peakAcu: Math.max(stage.minimumAcu, peakAcu),
  };
}

/** What Prometheus costs a month when it reads the metrics of a stage that has traffic, each so many minutes. */
export const scrapingCost = (minutes: number, prices: Prices): Line => ({
  service: `CloudWatch: read by Prometheus, ${minutes} min`,
  idle:
    (((idleMetrics + trafficMetrics) * readsOfMetric) / 1000) * ((hours * 60) / minutes) * prices.thousandMetricsRead,
  orders: 0,
});

/** Capacity units that the database needs for orders at a multiple of their average rate. */
export function acuFor(ordersPerDay: number, { databaseMs }: Usage, factor: number): number {
  const processors = ((ordersPerDay / 86_400) * factor * databaseMs) / 1000;
  return processors / processorsOfAcu / fill;
}

/** A limit of an account or a stage, and the orders a day at which the busiest minute meets it. */
export type Quota = { name: string; ordersPerDay: number; change: string };

/** Quotas of an account that is not new, the first that is met first. Their values are AWS's defaults for most regions. */
export function quotasFor(stage: Stage, usage: Usage): Quota[] {
  const daily = (perSecond: number) => Math.floor((perSecond / peakFactor) * 86_400);
  const secondsOfLambda = usage.gbSeconds;
  return [
    {
      name: 'Lambda: 10 concurrent runs of a new account',
      ordersPerDay: daily(10 / secondsOfLambda),
      change: 'ask for 1,000 concurrent runs: quota L-B99A9384',
    },
    {
      name: 'Step Functions: 150 executions started a second',
      ordersPerDay: daily(150),
      change: 'ask for a higher rate of StartExecution',
    },
    {
      name: 'Step Functions: 800 transitions a second',
      ordersPerDay: daily(800 / usage.transitions),
      change: 'ask for a higher rate of state transitions',
    },
    {
      name: 'Lambda: 1,000 concurrent runs',
      ordersPerDay: daily(1000 / secondsOfLambda),
      change: 'ask for more concurrent runs: quota L-B99A9384',
    },
    {
      name: `Aurora: ${stage.maximumAcu} capacity units of this stage`,
      ordersPerDay: daily((stage.maximumAcu * processorsOfAcu * fill * 1000) / usage.databaseMs),
      change: 'raise `capacity` of the profile in infra/profiles.ts, up to 256',
    },
    {
      name: 'API Gateway: 10,000 requests a second',
      ordersPerDay: daily(10_000 / usage.requests),
      change: 'ask for more: quota L-8A5B8E43',
    },
  ].toSorted((one, other) => one.ordersPerDay - other.ordersPerDay);
}
