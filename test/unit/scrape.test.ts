import { type CloudWatchClient, type GetMetricDataCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import { beforeEach, expect, test } from 'vitest';
import { run } from '../../functions/jobs/serve-metrics.ts';
import { metricSource } from '../../lib/operations/metrics/cloudwatch.gateway.ts';
import { mayScrape } from '../../lib/operations/metrics/credential.ts';
import { scrape } from '../../lib/operations/metrics/scrape.ts';

const midnight = Date.UTC(2031, 0, 2);
const now = midnight + 9 * 3600_000 + 30_000;

type Query = {
  Id: string;
  MetricStat: {
    Metric: { MetricName: string; Dimensions: { Name: string; Value: string }[] };
    Stat: string;
    Period: number;
  };
};
type Asked = { from: number; to: number; queries: Query[] };
let asked: Asked[];
let listed: { MetricName: string; Dimensions: { Name: string; Value: string }[] }[];
/** What CloudWatch has, by metric, the value of its dimension, and the statistic. */
let measured: Record<string, number>;

const of = (MetricName: string, own: Record<string, string> = {}) => ({
  MetricName,
  Dimensions: Object.entries({ service: 'counterfoil', stage: 'prod', ...own }).map(([Name, Value]) => ({
    Name,
    Value,
  })),
});
const keyOf = ({ MetricStat: { Metric, Stat } }: Query) =>
  [Metric.MetricName, ...Metric.Dimensions.slice(2).map(({ Value }) => Value), Stat].join(' ');

/** CloudWatch with small pages. */
const client = {
  async send(command: unknown) {
    if (command instanceof ListMetricsCommand) {
      expect(command.input).toMatchObject({ Namespace: 'Counterfoil', Dimensions: [{ Name: 'stage', Value: 'prod' }] });
      const first = Number(command.input.NextToken ?? 0);
      const NextToken = first + 300 < listed.length ? String(first + 300) : undefined;
      return { Metrics: listed.slice(first, first + 300), NextToken };
    }
    const { input } = command as GetMetricDataCommand;
    const queries = input.MetricDataQueries as Query[];
    expect(queries.length).toBeLessThanOrEqual(500);
    const page = Number(input.NextToken ?? 0);
    if (page === 0) asked.push({ from: Number(input.StartTime), to: Number(input.EndTime), queries });
    const half = Math.ceil(queries.length / 2);
    const values = (query: Query) => (measured[keyOf(query)] === undefined ? [] : [measured[keyOf(query)]!, -1]);
    return {
      MetricDataResults: queries
        .slice(page * half, (page + 1) * half)
        .map((each) => ({ Id: each.Id, Values: values(each) })),
      NextToken: page === 0 && queries.length > 1 ? '1' : undefined,
    };
  },
} as unknown as CloudWatchClient;
const read = (at = now) => scrape(metricSource(client, 'prod'), 'prod', { now: () => at });

beforeEach(() => {
  asked = [];
  measured = {};
  listed = [];
});

test('counts are of the day, levels are the newest, times have quantiles', async () => {
  listed = [
    of('Requests', { operation: 'place-order' }),
    of('OldestStuckOrder'),
    of('Latency', { operation: 'place-order' }),
    of('OrdersPlaced'),
    of('OfAnEarlierRelease'),
    of('Requests', { path: '/orders' }),
  ];
  measured = {
    'Requests place-order Sum': 1200,
    'OldestStuckOrder Maximum': 310,
    'Latency place-order Sum': 48_000,
    'Latency place-order SampleCount': 1200,
    'Latency place-order p50': 35,
    'Latency place-order p99': 240,
  };
  expect(await read()).toBe(`# HELP counterfoil_latency_seconds Latency of the namespace Counterfoil.
# TYPE counterfoil_latency_seconds summary
counterfoil_latency_seconds_sum{stage="prod",operation="place-order"} 48
counterfoil_latency_seconds_count{stage="prod",operation="place-order"} 1200
counterfoil_latency_seconds{stage="prod",operation="place-order",quantile="0.5"} 0.035
counterfoil_latency_seconds{stage="prod",operation="place-order",quantile="0.99"} 0.24
# HELP counterfoil_oldest_stuck_order_seconds OldestStuckOrder of the namespace Counterfoil.
# TYPE counterfoil_oldest_stuck_order_seconds gauge
counterfoil_oldest_stuck_order_seconds{stage="prod"} 310
# HELP counterfoil_requests_total Requests of the namespace Counterfoil.
# TYPE counterfoil_requests_total counter
counterfoil_requests_total{stage="prod",operation="place-order"} 1200
`);
  const [day, recent] = asked;
  expect(day).toMatchObject({ from: midnight, to: now });
  expect(new Set(day!.queries.map(({ MetricStat }) => MetricStat.Period))).toEqual(new Set([86_400]));
  expect(recent).toMatchObject({ from: now - 65 * 60_000, to: now });
  expect(recent!.queries.map(({ MetricStat }) => MetricStat.Period)).toEqual([60, 300, 300]);
});

test('a stage with more metrics than CloudWatch answers at once is read in parts', async () => {
  listed = Array.from({ length: 700 }, (_, n) => of('ApplicationRequests', { application: `app_${n}` }));
  for (let n = 0; n < 700; n++) measured[`ApplicationRequests app_${n} Sum`] = n;
  const text = await read(midnight);
  expect(text.match(/^counterfoil_application_requests_total\{/gm)).toHaveLength(700);
  expect(text).toContain('application="app_699"} 699\n');
  expect(asked.map(({ queries }) => queries.length)).toEqual([500, 200]);
  for (const { from, to } of asked) expect(to).toBeGreaterThan(from);
});

test('a token is shown as a bearer, and each of two is taken', () => {
  const tokens = ['one-token-of-the-stage', 'the-next-token'];
  for (const token of tokens) expect(mayScrape(`Bearer ${token}`, tokens)).toBe(true);
  for (const given of [
    undefined,
    '',
    'Bearer ',
    'Bearer another',
    `Basic ${tokens[0]}`,
    tokens[0],
    `Bearer ${tokens.join(' ')}`,
  ])
    expect(mayScrape(given, tokens), given).toBe(false);
});

test('whoever has no token learns nothing, and CloudWatch is not asked', async () => {
  let reads = 0;
  const deps = { tokens: async () => ['the-token'], read: async () => `read ${++reads}`, now: () => time };
  let time = now;
  const ask = (authorization?: string) =>
    run(deps, { headers: { ...(authorization === undefined ? {} : { authorization }) } });
  expect(await ask()).toMatchObject({ statusCode: 401, headers: { 'www-authenticate': 'Bearer' } });
  expect(await ask('Bearer wrong')).toMatchObject({ statusCode: 401 });
  expect(reads).toBe(0);
  expect(await ask('Bearer the-token')).toMatchObject({ statusCode: 200, body: 'read 1' });
  time += 10_000;
  expect(await ask('Bearer the-token')).toMatchObject({ body: 'read 1' });
  time += 10_000;
  expect(await ask('Bearer the-token')).toMatchObject({ body: 'read 2' });
});
