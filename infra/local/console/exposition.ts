import { type MetricName, metricNamespace, metrics } from '../../../lib/contract/deploy/metrics.ts';
import { prometheusOf } from '../../monitoring/prometheus.ts';
import type { MetricKey } from './metric-store.ts';

/** Upper bounds of the buckets of a histogram, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Series = { labels: string[]; sum: number; count: number; last: number; buckets: number[] };

/** Adds up what the code measures, as long as the console runs, for who asks in the format of Prometheus. */
export function createExposition() {
  const all = new Map<MetricName, Map<string, Series>>();
  return {
    /** Adds a measurement. Those of AWS are left out: Prometheus has exporters of its own for them. */
    add({ namespace, name, dimensions }: MetricKey, value: number): void {
      if (namespace !== metricNamespace || !Object.hasOwn(metrics, name)) return;
      const metric = name as MetricName;
      const { labels: names, type } = prometheusOf(metric);
      const labels = names.map((label) => `${label}="${escaped(dimensions[label] ?? '')}"`);
      const series = all.get(metric) ?? new Map<string, Series>();
      all.set(metric, series);
      const one = series.get(labels.join()) ?? { labels, sum: 0, count: 0, last: 0, buckets: bounds.map(() => 0) };
      series.set(labels.join(), one);
      one.sum += value;
      one.count += 1;
      one.last = value;
      if (type === 'histogram')
        for (const [i, bound] of bounds.entries()) if (value / 1000 <= bound) one.buckets[i]! += 1;
    },
    /** Everything so far, in the text format of Prometheus 0.0.4. */
    text: (): string =>
      [...all]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(family)
        .join(''),
  };
}

function family([metric, series]: [MetricName, Map<string, Series>]): string {
  const { name, type } = prometheusOf(metric);
  const lines = [...series.values()].flatMap((one) => {
    const line = (suffix: string, number: number, more: string[] = []) =>
      `${name}${suffix}{${[...one.labels, ...more].join(',')}} ${number}`;
    if (type === 'counter') return [line('', one.sum)];
    if (type === 'gauge') return [line('', one.last)];
    return [
      ...bounds.map((bound, i) => line('_bucket', one.buckets[i]!, [`le="${bound}"`])),
      line('_bucket', one.count, ['le="+Inf"']),
      line('_sum', one.sum / 1000),
      line('_count', one.count),
    ];
  });
  return `# HELP ${name} ${metric} of the namespace ${metricNamespace}.\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));
