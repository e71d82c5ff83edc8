import { type MetricName, metricNamespace } from '../../contract/deploy/metrics.ts';
import { prometheusOf } from '../../contract/deploy/prometheus.ts';

/** A measurement: what is added to the name of its metric, its labels, and its value. */
export type Sample = { suffix?: string; labels: Readonly<Record<string, string>>; value: number };

/** The samples of one metric. `type` replaces that of the metric's own form. */
export type Family = { metric: MetricName; type?: 'summary'; samples: readonly Sample[] };

/** The text format of Prometheus 0.0.4, metrics in the order of their names. */
export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

export const textOf = (families: readonly Family[]): string =>
  families
    .toSorted((one, other) => (one.metric < other.metric ? -1 : 1))
    .map(familyText)
    .join('');

function familyText({ metric, type, samples }: Family): string {
  const { name, type: own } = prometheusOf(metric);
  const lines = samples.map(({ suffix = '', labels, value }) => {
    const list = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${suffix}{${list.join(',')}} ${value}\n`;
  });
  return `# HELP ${name} ${metric} of the namespace ${metricNamespace}.\n# TYPE ${name} ${type ?? own}\n${lines.join('')}`;
}

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));
