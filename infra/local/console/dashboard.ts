import { compileQuery, type LogTable } from './log-query.ts';
import type { LogLine } from './log-tail.ts';
import { parseMath } from './metric-math.ts';
import { type MetricKey, statisticOf } from './metric-store.ts';

/** A part of a dashboard or alarm that the console cannot draw. */
export class WidgetRefused extends Error {
  override readonly name = 'WidgetRefused';
}

/** One metric or expression. `period` is in milliseconds. */
export type Term = { id: string | undefined; label: string; period: number; visible: boolean; right: boolean } & (
  | { kind: 'metric'; key: MetricKey; statistic: string }
  | { kind: 'expression'; expression: string }
);

type Place = { x: number; y: number; width: number; height: number };
export type Widget = Place &
  (
    | { type: 'text'; markdown: string }
    | { type: 'alarm'; title: string; alarms: string[] }
    | { type: 'log'; title: string; run: (lines: readonly LogLine[]) => LogTable }
    | { type: 'metric'; title: string; single: boolean; stacked: boolean; terms: Term[] }
  );

export type Dashboard = { name: string; widgets: Widget[] };

/** An alarm as CloudFormation has it, with `period` in milliseconds. */
export type AlarmDefinition = {
  name: string;
  description: string;
  terms: Term[];
  below: boolean;
  threshold: number;
  periods: number;
  bad: number;
  silenceIsBad: boolean;
  period: number;
};

/** An alarm made of others: it rings when all alarms of one of the groups do. */
export type CompositeDefinition = { name: string; description: string; anyOf: string[][] };

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation's and CloudWatch's JSON, of any shape
type Json = any;
export type Template = { Resources: Record<string, { Type: string; Properties: Json }> };

/**
 * Every dashboard and alarm of a template, checked to be of what the console draws and evaluates.
 * @throws WidgetRefused, MathRefused, QueryRefused, TypeError when something is not
 */
export function readTemplate({ Resources }: Template): {
  dashboards: Dashboard[];
  alarms: AlarmDefinition[];
  composites: CompositeDefinition[];
} {
  const entries = Object.entries(Resources);
  const ofType = (type: string) => entries.filter(([, resource]) => resource.Type === type);
  const alarms = ofType('AWS::CloudWatch::Alarm');
  const names = new Map(alarms.map(([id, { Properties }]) => [id, nameOf(Properties.AlarmName)]));
  return {
    dashboards: ofType('AWS::CloudWatch::Dashboard').map(([id, { Properties }]) => ({
      name: typeof Properties.DashboardName === 'string' ? Properties.DashboardName : id,
      widgets: (JSON.parse(textOf(Properties.DashboardBody)) as { widgets: Json[] }).widgets.map((widget) =>
        readWidget(widget, names),
      ),
    })),
    alarms: alarms.map(([, { Properties }]) => readAlarm(Properties)),
    composites: ofType('AWS::CloudWatch::CompositeAlarm').map(([, { Properties }]) => ({
      name: nameOf(Properties.AlarmName),
      description: String(Properties.AlarmDescription ?? ''),
      anyOf: readRule(textOf(Properties.AlarmRule), names),
    })),
  };
}

/** `((ALARM("a") AND ALARM("b")) OR (…))`, by names. @throws WidgetRefused for any other form */
function readRule(rule: string, names: Map<string, string>): string[][] {
  const groups = rule.split(' OR ').map((group) => [...group.matchAll(/ALARM\("([^"]+)"\)/g)].map(([, id]) => id!));
  const again = `(${groups.map((ids) => `(${ids.map((id) => `ALARM("${id}")`).join(' AND ')})`).join(' OR ')})`;
  if (again !== rule) throw new WidgetRefused(`the rule ${rule}`);
  return groups.map((ids) => ids.map((id) => names.get(id) ?? id));
}

/** `counterfoil-<stage>-<alarm>` without what is before the alarm's own name. */
const nameOf = (name: unknown): string => String(name).replace(/^counterfoil-[a-z0-9]+-/, '');

/** A text with what only a deployment knows in place of it: an alarm's ARN is its logical id. */
function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  const [separator, parts] = value['Fn::Join'] as [string, Json[]];
  return parts
    .map((part) =>
      typeof part === 'string' ? part : (part['Fn::GetAtt']?.[0] ?? part.Ref ?? part['Fn::ImportValue'] ?? ''),
    )
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part).replaceAll('"', "'")))
    .join(separator);
}

function readWidget({ type, x, y, width, height, properties }: Json, names: Map<string, string>): Widget {
  const place = { x, y, width, height };
  const { title = '', view, ...rest } = properties;
  switch (type) {
    case 'text':
      return { ...place, type, markdown: checked('text', rest, ['markdown', 'background']).markdown };
    case 'alarm': {
      const { alarms } = checked('alarm', rest, ['alarms']);
      return { ...place, type, title, alarms: alarms.map((id: string) => names.get(id) ?? id) };
    }
    case 'log':
      if (view !== 'table') throw new WidgetRefused(`a log widget as ${view}`);
      return { ...place, type, title, run: compileQuery(checked('log', rest, ['region', 'query']).query) };
    case 'metric': {
      if (view !== 'timeSeries' && view !== 'singleValue') throw new WidgetRefused(`a metric widget as ${view}`);
      const known = [
        'region',
        'metrics',
        'stacked',
        'yAxis',
        'setPeriodToTimeRange',
        'period',
        'stat',
        'legend',
        'liveData',
      ];
      const { metrics, stacked = false } = checked('metric', rest, known);
      return { ...place, type, title, single: view === 'singleValue', stacked, terms: metrics.map(readRow) };
    }
    default:
      throw new WidgetRefused(`a widget of the type ${type}`);
  }
}

function checked(type: string, properties: Json, known: readonly string[]): Json {
  const unknown = Object.keys(properties).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new WidgetRefused(`${unknown.join(', ')} of a ${type} widget`);
  return properties;
}

/** `[namespace, name, dimension, value, …, options]`, or `[options]` with an expression. */
function readRow(row: Json[]): Term {
  const options = typeof row.at(-1) === 'object' ? row.at(-1) : {};
  const known = ['label', 'period', 'stat', 'yAxis', 'id', 'visible', 'expression', 'color', 'region'];
  const {
    label,
    period = 300,
    stat = 'Average',
    yAxis = 'left',
    id,
    visible = true,
    expression,
  } = checked('row', options, known);
  const common = { id, period: period * 1000, visible, right: yAxis === 'right' };
  const names = row.filter((part) => typeof part === 'string') as string[];
  if (expression !== undefined) return expressionOf(expression, { ...common, label: label ?? expression });
  const [namespace, name, ...pairs] = names;
  if (
    namespace === undefined ||
    name === undefined ||
    pairs.length % 2 === 1 ||
    names.some((part) => /^\.+$/.test(part))
  ) {
    throw new WidgetRefused(`the row ${JSON.stringify(row)}`);
  }
  const dimensions = Object.fromEntries(
    pairs.flatMap((part, i) => (i % 2 === 0 ? [[part, pairs[i + 1]!]] : [])) as [string, string][],
  );
  statisticOf(stat);
  return { ...common, kind: 'metric', label: label ?? name, key: { namespace, name, dimensions }, statistic: stat };
}

function expressionOf(expression: string, rest: Omit<Term, 'kind'> & { label: string }): Term {
  parseMath(expression);
  return { ...rest, kind: 'expression', expression } as Term;
}

function readAlarm(properties: Json): AlarmDefinition {
  const { AlarmName, AlarmDescription, ComparisonOperator, Threshold, EvaluationPeriods, DatapointsToAlarm } =
    properties;
  const below = { LessThanThreshold: true, GreaterThanOrEqualToThreshold: false }[ComparisonOperator as string];
  if (below === undefined) throw new WidgetRefused(`an alarm that compares by ${ComparisonOperator}`);
  if (properties.TreatMissingData !== 'breaching' && properties.TreatMissingData !== 'notBreaching') {
    throw new WidgetRefused(`an alarm that treats missing data as ${properties.TreatMissingData}`);
  }
  const terms = (properties.Metrics ?? [singleMetric(properties)]).map(alarmTerm) as Term[];
  return {
    name: nameOf(AlarmName),
    description: typeof AlarmDescription === 'string' ? AlarmDescription : '',
    terms,
    below,
    threshold: Threshold,
    periods: EvaluationPeriods,
    bad: DatapointsToAlarm ?? EvaluationPeriods,
    silenceIsBad: properties.TreatMissingData === 'breaching',
    period: Math.max(...terms.map(({ period }) => period)),
  };
}

/** The older form of an alarm on one metric, as a row of the newer one. */
const singleMetric = ({ Namespace, MetricName, Dimensions, Period, Statistic, ExtendedStatistic }: Json): Json => ({
  Id: 'm1',
  Label: MetricName,
  MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat: Statistic ?? ExtendedStatistic },
  ReturnData: true,
});

function alarmTerm({ Id, Label, Expression, MetricStat, ReturnData = true, Period }: Json): Term {
  const common = { id: Id, label: Label ?? Id, visible: ReturnData, right: false };
  if (Expression !== undefined) return expressionOf(Expression, { ...common, period: (Period ?? 0) * 1000 });
  const { Metric, Period: seconds, Stat } = MetricStat;
  statisticOf(Stat);
  const dimensions = Object.fromEntries(
    (Metric.Dimensions ?? []).map(({ Name, Value }: Json) => [Name, textOfValue(Value)]),
  );
  const key = { namespace: Metric.Namespace, name: Metric.MetricName, dimensions };
  return { ...common, kind: 'metric', period: seconds * 1000, key, statistic: Stat };
}

const textOfValue = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
