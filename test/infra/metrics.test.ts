import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, test } from 'vitest';
import { awsMetrics } from '../../infra/monitoring/aws-metrics.ts';
import { customerParts } from '../../lib/contract/api/customer-search.ts';
import { findingKinds } from '../../lib/contract/api/findings.ts';
import { operations } from '../../lib/contract/api/operations.ts';
import { orderParts } from '../../lib/contract/api/order-parts.ts';
import { orderFailureCodes } from '../../lib/contract/api/orders.ts';
import {
  dependencies,
  disablingCauses,
  invariants,
  type MetricName,
  type MetricSpec,
  metricNamespace,
  metrics,
  queues,
  webhookResults,
} from '../../lib/contract/deploy/metrics.ts';
import { objectiveMisses } from '../../lib/contract/deploy/objectives.ts';
import { cacheAnswers } from '../../lib/kernel/cache-aside.ts';
import { ofType, synthesized } from './synthesized.ts';

type Named = { where: string; namespace: string; name: string; dimensions: Record<string, unknown> };

const { monitoring } = synthesized('dev');
const runbooks = new URL('../../docs/runbooks/', import.meta.url);

const alarms = ofType(monitoring, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);

/** The dashboards' JSON, with what CloudFormation fills in later as a word. */
const dashboards: { name: string; widgets: { properties: { title?: string; metrics?: unknown[][] } }[] }[] = ofType(
  monitoring,
  'AWS::CloudWatch::Dashboard',
).map(([, { Properties }]) => {
  const { DashboardBody } = Properties;
  const parts: unknown[] = typeof DashboardBody === 'string' ? [DashboardBody] : DashboardBody['Fn::Join'][1];
  const text = parts.map((part) => (typeof part === 'string' ? part : 'token')).join('');
  return { name: Properties.DashboardName, ...JSON.parse(text) };
});

function namedByAlarms(these = alarms): Named[] {
  return these.flatMap((alarm): Named[] => {
    const all = alarm.Metrics?.flatMap((one: { MetricStat?: { Metric: object } }) => one.MetricStat?.Metric ?? []) ?? [
      alarm,
    ];
    return all.map(
      (one: { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: unknown }[] }) => ({
        where: alarm.AlarmName,
        namespace: one.Namespace,
        name: one.MetricName,
        dimensions: Object.fromEntries((one.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
      }),
    );
  });
}

function named(): Named[] {
  const ofWidgets = dashboards
    .flatMap(({ widgets }) => widgets)
    .flatMap((widget) =>
      (widget.properties.metrics ?? [])
        .flatMap((row) => (typeof row[0] === 'string' ? [row] : searched(row[0])))
        .map((row): Named => {
          const words = row.filter((word): word is string => typeof word === 'string');
          const [namespace, name, ...pairs] = words;
          const dimensions = Object.fromEntries(
            Array.from({ length: pairs.length / 2 }, (_, index) => [pairs[2 * index], pairs[2 * index + 1]]),
          );
          return { where: widget.properties.title!, namespace: namespace!, name: name!, dimensions };
        }),
    );
  return [...namedByAlarms(), ...ofWidgets];
}

/** What a search over a metric's dimension looks for, as a row of a widget with any value. */
function searched(cell: unknown): unknown[][] {
  const { expression = '' } = cell as { expression?: string };
  const found = /^SEARCH\('\{(\w+),(\w+),service,stage\} MetricName="(\w+)" stage="(\w+)"', '(Sum|p\d+)', \d+\)$/.exec(
    expression,
  );
  if (found === null) return [];
  const [, namespace, dimension, name, stage] = found;
  return [[namespace, name, dimension, anyValue, 'service', 'counterfoil', 'stage', stage]];
}

const anyValue = 'any value';

/** What code may say for each dimension of ours. */
const values: Record<string, readonly string[]> = {
  operation: Object.keys(operations),
  reason: orderFailureCodes,
  invariant: invariants,
  dependency: dependencies,
  objective: objectiveMisses,
  result: webhookResults,
  cause: disablingCauses,
  outcome: ['succeeded', 'failed'],
  kind: findingKinds,
  part: [...orderParts, ...customerParts],
  from: cacheAnswers,
  queue: queues,
  // Ids of registered applications, which no widget can know.
  application: [anyValue],
  // Versions of functions, which are made as they are deployed.
  version: [anyValue],
};

function wrong({ namespace, name, dimensions }: Named, ofStage = 'dev'): string | undefined {
  if (namespace === metricNamespace) {
    const spec: MetricSpec | undefined = metrics[name as MetricName];
    if (spec === undefined) return 'is not in lib/contract/deploy/metrics.ts';
    const { service: of, stage, ...rest } = dimensions;
    if (of !== 'counterfoil') return 'has no dimension service';
    if (stage !== ofStage) return `is of the stage ${stage}`;
    if (Object.keys(rest).join() !== (spec.dimension ?? '')) return `has the dimensions ${Object.keys(rest)}`;
    const value = Object.values(rest)[0];
    if (spec.dimension !== undefined && !values[spec.dimension]!.includes(value as string))
      return `has the value ${value}`;
    return undefined;
  }
  const published: Record<string, readonly string[]> | undefined =
    awsMetrics[namespace as keyof typeof awsMetrics]?.metrics;
  if (published === undefined) return 'is of a namespace that is not listed';
  const sets = published[name];
  if (sets === undefined) return 'is not published by AWS';
  return sets.includes(Object.keys(dimensions).toSorted().join())
    ? undefined
    : `is not published by ${Object.keys(dimensions)}`;
}

const mistakesIn = (all: readonly Named[]): string[] =>
  all.flatMap((one) => {
    const mistake = wrong(one);
    return mistake === undefined ? [] : [`${one.where}: ${one.namespace} ${one.name} ${mistake}`];
  });

test('every metric that a widget or alarm names is one that the code emits or AWS publishes', () => {
  const all = named();
  expect(all.length).toBeGreaterThan(200);
  expect(mistakesIn(all)).toEqual([]);
});

test('an alarm of the stack on a metric that nobody emits is refused by its name', () => {
  const template = synthesized('dev', {
    also: (stacks) =>
      new Alarm(stacks.monitoring, 'Planted', {
        alarmName: 'planted',
        metric: new Metric({ namespace: metricNamespace, metricName: 'OrderPlaced', dimensionsMap: { stage: 'dev' } }),
        threshold: 1,
        evaluationPeriods: 1,
      }),
  }).monitoring;
  const theirs = ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
  expect(mistakesIn(namedByAlarms(theirs))).toEqual([
    expect.stringMatching(new RegExp(`^planted: ${metricNamespace} OrderPlaced `)),
  ]);
});

test('alarms that roll a canary back name only metrics that the code emits or AWS publishes', () => {
  const canaries = ofType(synthesized('prod').service, 'AWS::CloudWatch::Alarm').map(
    ([, { Properties }]) => Properties,
  );
  const all = namedByAlarms(canaries);
  expect(all.length).toBeGreaterThan(20);
  const known = ([name, value]: [string, unknown]) => [name, name === 'version' ? anyValue : value];
  const mistakes = all
    .map((one) => ({ ...one, dimensions: Object.fromEntries(Object.entries(one.dimensions).map(known)) }))
    .filter((one) => wrong(one, 'prod') !== undefined);
  expect(mistakes).toEqual([]);
});

describe('a metric that nothing publishes is found out', () => {
  const ours = { where: '', namespace: metricNamespace };
  const own = { service: 'counterfoil', stage: 'dev' };
  test.each<[string, Named]>([
    ['a misspelt name', { ...ours, name: 'OrderPlaced', dimensions: own }],
    ['a forgotten service', { ...ours, name: 'OrdersPlaced', dimensions: { stage: 'dev' } }],
    ['a forgotten stage', { ...ours, name: 'OrdersPlaced', dimensions: { service: 'counterfoil' } }],
    ['another stage', { ...ours, name: 'OrdersPlaced', dimensions: { ...own, stage: 'prod' } }],
    ['a forgotten dimension', { ...ours, name: 'Requests', dimensions: own }],
    ['an operation that is none', { ...ours, name: 'Requests', dimensions: { ...own, operation: 'x' } }],
    [
      'a proxy metric by cluster',
      { where: '', namespace: 'AWS/RDS', name: 'ClientConnections', dimensions: { DBClusterIdentifier: 'x' } },
    ],
    [
      'a namespace of nobody',
      { where: '', namespace: 'AWS/Rds', name: 'CPUUtilization', dimensions: { DBClusterIdentifier: 'x' } },
    ],
  ])('%s', (_, one) => expect(wrong(one)).toBeDefined());
});

test('every metric of the code is looked at by a widget', () => {
  const shown = new Set(
    named()
      .filter(({ namespace }) => namespace === metricNamespace)
      .map(({ name }) => name),
  );
  expect(Object.keys(metrics).filter((name) => !shown.has(name))).toEqual([]);
});

test('every metric of the code is emitted by code', () => {
  const sources = ['functions', 'lib'].flatMap((folder) => {
    const root = new URL(`../../${folder}/`, import.meta.url);
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('deploy/metrics.ts'))
      .map((file) => readFileSync(new URL(file, root), 'utf8'));
  });
  const emitted = new Set(sources.flatMap((text) => [...text.matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, name]) => name)));
  expect(Object.keys(metrics).filter((name) => !emitted.has(name))).toEqual([]);
});

test('the page that says which metric answers which question names metrics that exist', () => {
  const page = readFileSync(new URL('README.md', runbooks), 'utf8');
  const [section] = page.slice(page.indexOf('## Which metric says what')).split('\n## ');
  const names = [...section!.matchAll(/`([A-Z][A-Za-z]+)`/g)].map(([, name]) => name!);
  const known = [...Object.keys(metrics), ...Object.values(awsMetrics).flatMap((each) => Object.keys(each.metrics))];
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => name !== metricNamespace && !known.includes(name))).toEqual([]);
});

test('there is a dashboard for each question', () => {
  const names = ['', '-orders', '-api', '-data', '-events', '-cost'].map((name) => `counterfoil-dev${name}`);
  expect(dashboards.map(({ name }) => name)).toEqual(names);
});

test('every operation has its requests, errors and latency on the dashboard', () => {
  for (const metric of ['Requests', 'ServerErrors', 'Latency']) {
    const seen = named().filter(
      ({ namespace, name, where }) =>
        namespace === metricNamespace && name === metric && !where.startsWith('counterfoil-'),
    );
    expect(new Set(seen.map(({ dimensions }) => dimensions.operation))).toEqual(new Set(Object.keys(operations)));
  }
});

/** What a person sees before an alarm does. */
const procedures = ['failover.md', 'region-loss.md'];

test('every alarm says what to do, on a page that exists, and every other page is an alarm’s', () => {
  const ofProd = ofType(synthesized('prod').monitoring, 'AWS::CloudWatch::Alarm').map(
    ([, { Properties }]) => Properties,
  );
  const pages = [...alarms, ...ofProd].map(
    ({ AlarmDescription }) => /docs\/runbooks\/([a-z-]+\.md)$/.exec(AlarmDescription)?.[1],
  );
  for (const page of pages) expect(page !== undefined && existsSync(new URL(page, runbooks)), String(page)).toBe(true);
  const files = readdirSync(runbooks).filter((file) => file !== 'README.md');
  expect(files.filter((file) => !pages.includes(file))).toEqual(procedures);
  const contents = readFileSync(new URL('README.md', runbooks), 'utf8');
  expect(files.filter((file) => !contents.includes(`](${file})`))).toEqual([]);
});

test('prod pages by one alarm when an error budget burns, and its windows notify nobody', () => {
  const prod = synthesized('prod').monitoring;
  const [, { Properties }] = ofType(prod, 'AWS::CloudWatch::CompositeAlarm')[0]!;
  const { AlarmName, AlarmDescription, AlarmRule, AlarmActions, OKActions } = Properties;
  expect(AlarmName).toBe('counterfoil-prod-objectives-burning');
  expect(AlarmDescription).toMatch(/docs\/runbooks\/objectives-burning\.md$/);
  const [topic] = ofType(prod, 'AWS::SNS::Topic')[0]!;
  expect(AlarmActions).toEqual([{ Ref: topic }]);
  expect(OKActions).toEqual([{ Ref: topic }]);
  const windows = ofType(prod, 'AWS::CloudWatch::Alarm').filter(([, alarm]) =>
    /-\d+m$/.test(alarm.Properties.AlarmName),
  );
  expect(windows.map(([, alarm]) => [alarm.Properties.AlarmActions, alarm.Properties.OKActions])).toEqual(
    Array.from({ length: 4 * 4 }, () => [undefined, undefined]),
  );
  const rule = JSON.stringify(AlarmRule);
  for (const [id] of windows) expect(rule, id).toContain(id);
  expect(ofType(monitoring, 'AWS::CloudWatch::CompositeAlarm')).toEqual([]);
});

test('the guide to deployment and the costs say how many alarms a stage pays for', () => {
  const page = (file: string) => readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');
  // An alarm is billed by the metrics that it watches.
  const watched = namedByAlarms().length;
  expect(page('deploy.md')).toContain(`| ${alarms.length} alarms on ${watched} metrics (10 are free)`);
  expect(page('costs.md')).toContain(`| ${alarms.length} alarms, billed by their ${watched} metrics |`);
});

test('each invariant has an alarm, and a watcher that falls silent rings', () => {
  const names = alarms.map(({ AlarmName }) => AlarmName);
  for (const invariant of invariants) expect(names).toContain(`counterfoil-dev-invariant-${invariant}`);
  const silent = alarms
    .filter(({ TreatMissingData }) => TreatMissingData === 'breaching')
    .map(({ AlarmName }) => AlarmName);
  expect(silent.toSorted()).toEqual([
    'counterfoil-dev-dependency-down',
    'counterfoil-dev-events-late',
    'counterfoil-dev-issuer-keys-stale',
    'counterfoil-dev-job-check-invariants-silent',
    'counterfoil-dev-job-reconcile-silent',
    'counterfoil-dev-job-snapshot-provider-transactions-silent',
    'counterfoil-dev-job-sweep-orders-silent',
    'counterfoil-dev-job-watch-orders-silent',
    'counterfoil-dev-orders-stuck',
    'counterfoil-dev-provider-snapshot-old',
    'counterfoil-dev-read-models-behind',
  ]);
});

test('every alarm rings and clears to the one topic', () => {
  const [topic] = ofType(monitoring, 'AWS::SNS::Topic')[0]!;
  for (const alarm of alarms) {
    expect(alarm.AlarmActions).toEqual([{ Ref: topic }]);
    expect(alarm.OKActions).toEqual([{ Ref: topic }]);
  }
});
