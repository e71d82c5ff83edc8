import { type MetricName, metricNamespace } from '../../../lib/contract/deploy/metrics.ts';
import { prometheusOf } from '../../../lib/contract/deploy/prometheus.ts';
import type { Dashboard, Term, Widget } from '../console/dashboard.ts';

type Target = { refId: string; expr: string; legendFormat: string };
type Panel = Record<string, unknown>;

/** Grafana's grid has as many columns as CloudWatch's; a row of it is half as high. */
const rowsOf = 2 / 1.5;

/**
 * A dashboard of CloudWatch as one of Grafana over Prometheus. What the code does not measure itself (AWS's metrics, alarms, queries of
 * logs) is left out: Grafana reads CloudWatch by a data source of its own.
 */
export function grafanaDashboard({ name, widgets }: Dashboard): object {
  const title = name.replace(/^counterfoil-[a-z]+-?/, '') || 'today';
  const panels = widgets.flatMap(panelOf);
  return {
    uid: `counterfoil-${title}`,
    title: `Counterfoil: ${title}`,
    tags: ['counterfoil'],
    timezone: 'browser',
    schemaVersion: 39,
    refresh: '10s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'prometheus', type: 'datasource', query: 'prometheus', label: 'Prometheus', hide: 0 },
        { name: 'stage', type: 'query', datasource, query: stages, label: 'Stage', refresh: 1, hide: 0 },
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  };
}

function panelOf(widget: Widget): Panel[] {
  const { x, y, width: w, height } = widget;
  const gridPos = { x, y: Math.round(y * rowsOf), w, h: Math.max(2, Math.round(height * rowsOf)) };
  if (widget.type === 'text')
    return [{ type: 'text', gridPos, options: { mode: 'markdown', content: widget.markdown } }];
  if (widget.type !== 'metric') return [];
  const { terms, title, single, stacked } = widget;
  const targets = targetsOf(terms, single);
  if (targets.length === 0) return [];
  return [
    {
      type: single ? 'stat' : 'timeseries',
      title,
      gridPos,
      datasource,
      targets: targets.map((target, index) => ({ refId: `T${index}`, ...target })),
      fieldConfig: {
        defaults: { min: 0, ...(stacked ? { custom: { stacking: { mode: 'normal' }, fillOpacity: 30 } } : {}) },
        overrides: [],
      },
    },
  ];
}

/** Every stage that Prometheus has metrics of. */
const stages = `label_values(${prometheusOf('DependencyDown').name}, stage)`;

/** So many lines of one metric are asked for at once, by the values of their label. */
const mostLines = 20;

function targetsOf(terms: readonly Term[], single: boolean): Omit<Target, 'refId'>[] {
  const visible = terms.filter((term) => term.visible);
  const [first] = visible;
  const isOne = (term: Term) => term.kind === 'metric' && first?.kind === 'metric' && term.key.name === first.key.name;
  if (first?.kind !== 'metric' || visible.length <= mostLines || !visible.every(isOne)) {
    return visible.flatMap((term) => targetOf(term, terms, single));
  }
  if (first.key.namespace !== metricNamespace) return [];
  const metric = first.key.name as MetricName;
  const { label } = prometheusOf(metric);
  return [{ expr: selected(metric, undefined, first.statistic, single, label), legendFormat: `{{${label}}}` }];
}

/** Which Prometheus: a variable of the dashboard, in Grafana's syntax. */
const datasource = { type: 'prometheus', uid: '$prometheus' };

function targetOf(term: Term, terms: readonly Term[], single: boolean): Omit<Target, 'refId'>[] {
  const expr = term.kind === 'metric' ? promqlOf(term, single) : expressionOf(term.expression, terms, single);
  if (expr === undefined) return [];
  const isSearch = term.kind === 'expression' && term.expression.startsWith('SEARCH');
  return [{ expr, legendFormat: isSearch ? `{{${searchOf(term.expression).label}}}` : term.label }];
}

/** The PromQL of one metric with its statistic; undefined for one of AWS. */
function promqlOf({ key, statistic }: Extract<Term, { kind: 'metric' }>, single: boolean): string | undefined {
  if (key.namespace !== metricNamespace) return undefined;
  const { label } = prometheusOf(key.name as MetricName);
  return selected(
    key.name as MetricName,
    label === undefined ? undefined : `${label}="${key.dimensions[label]}"`,
    statistic,
    single,
  );
}

function selected(
  metric: MetricName,
  own: string | undefined,
  statistic: string,
  single: boolean,
  by?: string,
): string {
  const { name, type } = prometheusOf(metric);
  const labels = `{stage="$stage"${own === undefined ? '' : `, ${own}`}}`;
  const range = single ? '$__range' : '$__rate_interval';
  const percentile = /^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1];
  if (type === 'histogram') {
    const quantile = Number(percentile ?? 50) / 100;
    const buckets = `histogram_quantile(${quantile}, sum by (${['le', ...(by ? [by] : [])].join(', ')}) (rate(${name}_bucket${labels}[${range}])))`;
    // A stage on AWS has quantiles in place of buckets. In milliseconds, as the titles say.
    const given = `max${by ? ` by (${by})` : ''} (${name}${labels.replace('}', `, quantile="${quantile}"}`)})`;
    return `1000 * (${buckets} or ${given})`;
  }
  if (type === 'counter') return `sum${by ? ` by (${by})` : ''} (increase(${name}${labels}[${range}]))`;
  return `max${by ? ` by (${by})` : ''} (max_over_time(${name}${labels}[${range}]))`;
}

function searchOf(expression: string): { label: string; metric: MetricName; statistic: string } {
  const [, label, metric, statistic] =
    /^SEARCH\('\{\w+,(\w+),service,stage\} MetricName="(\w+)" stage="\w+"', '(\w+)'/.exec(expression) ?? [];
  return { label: label!, metric: metric as MetricName, statistic: statistic! };
}

/** Metric math of CloudWatch in PromQL: what dashboards use of it. Undefined when it is about metrics of AWS. */
function expressionOf(expression: string, terms: readonly Term[], single: boolean): string | undefined {
  if (expression.startsWith('SEARCH')) {
    const { label, metric, statistic } = searchOf(expression);
    return selected(metric, undefined, statistic, single, label);
  }
  let known = true;
  const of = (id: string): string => {
    const term = terms.find((each) => each.id === id);
    const expr = term?.kind === 'metric' ? promqlOf(term, single) : undefined;
    known &&= expr !== undefined;
    return expr ?? '';
  };
  const text = expression.replace(
    /FILL\((\w+), (\d+)\)|[a-zA-Z]\w*/g,
    (id: string, filled: string | undefined, filling: string) =>
      filled === undefined ? `(${of(id)})` : `((${of(filled)}) or vector(${filling}))`,
  );
  return known ? text : undefined;
}
