import { describe, expect, test } from 'vitest';
import { collect } from '../../infra/local/console/collect.ts';
import { readTemplate, WidgetRefused } from '../../infra/local/console/dashboard.ts';
import { compileQuery, QueryRefused } from '../../infra/local/console/log-query.ts';
import { evaluateMath, MathRefused, type MathScope } from '../../infra/local/console/metric-math.ts';
import { type Grid, MetricStore } from '../../infra/local/console/metric-store.ts';
import { drawOverview } from '../../infra/local/console/overview.ts';

const placed = { namespace: 'Counterfoil', name: 'OrdersPlaced', dimensions: { service: 'counterfoil' } };
const grid: Grid = { from: 0, to: 3000, period: 1000 };
const entries = (series: ReadonlyMap<number, number>) => [...series];

describe('a metric', () => {
  const store = new MetricStore();
  for (const [time, value] of [
    [100, 4],
    [900, 1],
    [400, 7],
    [2500, 5],
    [3000, 99],
  ] as const) {
    store.add(placed, time, value);
  }

  test.each([
    ['Sum', [12, 5]],
    ['SampleCount', [3, 1]],
    ['Average', [4, 5]],
    ['Maximum', [7, 5]],
    ['Minimum', [1, 5]],
    ['p50', [4, 5]],
    ['p99', [7, 5]],
  ])('has the statistic %s for each period with a sample', (statistic, [first, third]) => {
    expect(entries(store.read(placed, statistic, grid))).toEqual([
      [0, first],
      [2000, third],
    ]);
  });

  test('has nothing where nothing was measured, and refuses a statistic that it does not know', () => {
    expect(store.read({ ...placed, name: 'Other' }, 'Sum', grid).size).toBe(0);
    expect(() => store.read(placed, 'TM(10%:90%)', grid)).toThrow(TypeError);
  });

  test('is found by its name and exactly its dimensions', () => {
    const by = { ...placed, dimensions: { service: 'counterfoil', application: 'app_1' } };
    store.add(by, 1, 1);
    expect(store.find('Counterfoil', 'OrdersPlaced', ['application', 'service'])).toEqual([by]);
    expect(store.find('Counterfoil', 'OrdersPlaced', ['service'])).toEqual([placed]);
  });

  test('forgets what is older than three hours when much is measured', () => {
    const short = new MetricStore();
    const hour = 3600_000;
    for (let i = 0; i <= 8; i++) short.add(placed, i * hour, 1);
    const all = { from: 0, to: 9 * hour, period: 9 * hour };
    expect([...short.read(placed, 'Sum', all).values()][0]).toBeLessThanOrEqual(6);
  });
});

describe('metric math', () => {
  const series = (...points: (number | null)[]) =>
    new Map(points.flatMap((point, i) => (point === null ? [] : [[i, point] as const])));
  const metrics = { a: series(1, 2, null), b: series(0, 4, 6), none: series() };
  const scope: MathScope = {
    times: [0, 1, 2],
    metric: (id) => metrics[id as keyof typeof metrics],
    metrics: () => Object.entries(metrics).map(([label, each]) => ({ label, series: each })),
    search: (expression) => [{ label: expression, series: metrics.b }],
  };
  const points = (expression: string) => {
    const value = evaluateMath(expression, scope);
    if (typeof value === 'number' || Array.isArray(value)) return value;
    return scope.times.map((time) => value.get(time) ?? null);
  };

  test.each([
    ['1 + 2 * 3 - 4 / 2', 5],
    ['(1 + 2) * -3', -9],
    ['a + b', [1, 6, null]],
    ['100 * b / a', [0, 200, null]],
    ['a / b', [null, 0.5, null]],
    ['FILL(a, 0) + FILL(none, 7)', [8, 9, 7]],
    ['IF(b > 3, 100 * a, 0)', [0, 200, null]],
    ['IF(FILL(a, 0) > 0 AND FILL(b, 0) < 1, 1, 0)', [1, 0, 0]],
    ['b >= 4 || b == 0', [1, 1, 1]],
    ['SUM(METRICS())', [1, 6, 6]],
    ['MAX(METRICS())', [1, 4, 6]],
    ['MIN([a, b])'.replace(/[[\]]/g, ''), [0, 2, 6]],
    ['AVG(a, b)', [0.5, 3, 6]],
  ])('%s', (expression, result) => {
    expect(points(expression)).toEqual(result);
  });

  test('a search gives its series with their labels', () => {
    expect(points(`SEARCH('{X,y} MetricName="z"', 'Sum', 60)`)).toMatchObject([{ label: '{X,y} MetricName="z"' }]);
  });

  test.each(['RATE(a)', 'a +', 'unknown', 'a ? b', '(a', 'FILL(a)', 'SUM(a)', "'text'", 'a b', 'METRICS() + 1'])(
    'refuses %s',
    (expression) => {
      expect(() => evaluateMath(expression, scope)).toThrow(MathRefused);
    },
  );
});

describe('a query of the log', () => {
  const lines = [
    { accessId: 'acc_1', applicationId: 'app_1', operation: 'place-order', status: 201, milliseconds: 10 },
    { accessId: 'acc_2', applicationId: 'app_1', operation: 'place-order', status: 503, milliseconds: 30 },
    { accessId: 'acc_3', applicationId: null, operation: 'get-health', status: 404, milliseconds: 5 },
    { message: 'job done' },
  ];

  test('counts, sums and orders as Logs Insights does', () => {
    const run = compileQuery(`SOURCE '/http' | filter ispresent(accessId)
| fields floor(status / 400) as isError, floor(status / 500) as isServerError
| stats count(*) as requests, sum(isError) as errors, sum(isServerError) as serverErrors, pct(milliseconds, 50) as p50, pct(milliseconds, 99) as p99 by applicationId, operation
| sort requests desc
| limit 1`);
    expect(run(lines)).toEqual({
      columns: ['applicationId', 'operation', 'requests', 'errors', 'serverErrors', 'p50', 'p99'],
      rows: [['app_1', 'place-order', 2, 1, 1, 10, 30]],
    });
  });

  test.each([
    'filter status > 400 | stats count(*) as n by status',
    'stats avg(milliseconds) as a by operation',
    'fields @timestamp | stats count(*) as n by operation',
    'parse message /x/ | stats count(*) as n by operation',
    'filter ispresent(accessId)',
  ])('refuses %s', (query) => {
    expect(() => compileQuery(query)).toThrow(QueryRefused);
  });
});

describe('a definition that cannot be drawn', () => {
  const template = (widget: object) => ({
    Resources: {
      Board: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: { DashboardBody: JSON.stringify({ widgets: [widget] }) },
      },
    },
  });
  const metric = (properties: object) =>
    template({ type: 'metric', properties: { view: 'timeSeries', ...properties } });

  test.each([
    ['type', template({ type: 'explorer', properties: {} })],
    ['view', metric({ view: 'pie', metrics: [] })],
    ['property', metric({ metrics: [], annotations: {} })],
    [
      'shorthand',
      metric({
        metrics: [
          ['A', 'B', 'c', 'd'],
          ['.', '.', '.', 'e'],
        ],
      }),
    ],
    ['option of a row', metric({ metrics: [['A', 'B', { rate: 1 }]] })],
  ])('is refused by its %s', (_, refused) => {
    expect(() => readTemplate(refused)).toThrow(WidgetRefused);
  });

  test('is refused by its statistic and its expression', () => {
    expect(() => readTemplate(metric({ metrics: [['A', 'B', { stat: 'IQM' }]] }))).toThrow(TypeError);
    expect(() => readTemplate(metric({ metrics: [[{ expression: 'ANOMALY_DETECTION_BAND(m1)' }]] }))).toThrow(
      MathRefused,
    );
  });
});

describe('what is logged', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  const store = new MetricStore();
  const emf = {
    _aws: {
      Timestamp: now - 1000,
      CloudWatchMetrics: [{ Namespace: 'Counterfoil', Dimensions: [['service']], Metrics: [{ Name: 'OrdersPlaced' }] }],
    },
    service: 'counterfoil',
    OrdersPlaced: [1, 1],
  };
  const timestamp = new Date(now - 1000).toISOString();
  for (const line of [
    emf,
    { message: 'request', timestamp, accessId: 'acc_1', operation: 'place-order', status: 503, milliseconds: 12 },
    { message: 'step refused', timestamp, step: 'ChargePayment' },
    { message: 'job done', timestamp: new Date(now + 3600_000).toISOString(), job: 'sweep-orders', milliseconds: 3 },
    { message: 'something else', timestamp, job: 'sweep-orders' },
  ]) {
    collect(store, line, now);
  }
  const sum = (namespace: string, name: string, dimensions: Record<string, string>) =>
    [
      ...store.read({ namespace, name, dimensions }, 'Sum', { from: now - 5000, to: now + 1, period: 5001 }).values(),
    ][0];

  test('is measured as CloudWatch would', () => {
    expect(sum('Counterfoil', 'OrdersPlaced', { service: 'counterfoil' })).toBe(2);
    expect(sum('AWS/ApiGateway', '5xx', { ApiId: 'local' })).toBe(1);
    expect(sum('AWS/ApiGateway', '4xx', { ApiId: 'local' })).toBe(0);
    expect(sum('AWS/Lambda', 'Errors', { FunctionName: 'saga/charge-payment' })).toBe(1);
    expect(sum('AWS/Lambda', 'Invocations', { FunctionName: 'jobs/sweep-orders' })).toBe(1);
    expect(sum('AWS/Lambda', 'Errors', { FunctionName: 'http/place-order' })).toBe(0);
  });

  const alarmOf = (properties: object) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: 'counterfoil-local-test',
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      EvaluationPeriods: 1,
      Threshold: 2,
      Namespace: 'Counterfoil',
      MetricName: 'OrdersPlaced',
      Dimensions: [{ Name: 'service', Value: 'counterfoil' }],
      Period: 60,
      Statistic: 'Sum',
      ...properties,
    },
  });
  const board = {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: {
      DashboardBody: {
        'Fn::Join': [
          '',
          [
            '{"widgets":[{"type":"alarm","properties":{"title":"Alarms","alarms":["',
            { 'Fn::GetAtt': ['A', 'Arn'] },
            '"]}}]}',
          ],
        ],
      },
    },
  };
  const stateOf = (properties: object, since = 0) => {
    const defined = readTemplate({ Resources: { A: alarmOf(properties), Board: board } });
    const { dashboards: drawn } = drawOverview({ store, lines: () => [], ...defined, since }, '5', now);
    return (drawn[0]!.widgets[0] as { alarms: { state: string }[] }).alarms[0]!.state;
  };

  test.each([
    ['rings from its threshold on', {}, 'alarm'],
    ['is quiet below it', { Threshold: 3 }, 'ok'],
    ['needs as many bad periods as it says', { EvaluationPeriods: 2 }, 'ok'],
    ['is quiet without data', { MetricName: 'OrdersStuck' }, 'ok'],
    ['rings without data where silence is bad', { MetricName: 'OrdersStuck', TreatMissingData: 'breaching' }, 'alarm'],
    ['is of what nothing measures here', { Namespace: 'AWS/RDS', MetricName: 'Deadlocks' }, 'unmeasured'],
  ])('an alarm %s', (_, properties, state) => {
    expect(stateOf(properties)).toBe(state);
  });

  test('an alarm on silence waits as long as the stack is young', () => {
    expect(stateOf({ MetricName: 'OrdersStuck', TreatMissingData: 'breaching' }, now - 10_000)).toBe('waiting');
  });
});
