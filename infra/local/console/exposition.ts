import { type MetricName, metricNamespace, metrics } from '../../../lib/contract/deploy/metrics.ts';
import { prometheusOf } from '../../../lib/contract/deploy/prometheus.ts';
import { type Family, type Sample, textOf } from '../../../lib/operations/metrics/text.ts';
import type { MetricKey } from './metric-store.ts';

/** Upper bounds of the buckets of a histogram, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Series = { labels: Record<string, string>; sum: number; count: number; last: number; buckets: number[] };

/** Adds up what the code measures, as long as the console runs, for who asks in the format of Prometheus. */
export function createExposition() {
  const all = new Map<MetricName, Map<string, Series>>();
  return {
    /** Adds a measurement. Those of AWS are left out: Prometheus has exporters of its own for them. */
    add({ namespace, name, dimensions }: MetricKey, value: number): void {
      if (namespace !== metricNamespace || !Object.hasOwn(metrics, name)) return;
      const metric = name as MetricName;
      const { labels: names, type } = prometheusOf(metric);
      const labels = Object.fromEntries(names.map((label) => [label, dimensions[label] ?? '']));
      const id = Object.values(labels).join('\u0000');
      const series = all.get(metric) ?? new Map<string, Series>();
      all.set(metric, series);
      const one = series.get(id) ?? { labels, sum: 0, count: 0, last: 0, buckets: bounds.map(() => 0) };
      series.set(id, one);
      one.sum += value;
      one.count += 1;
      one.last = value;
      if (type === 'histogram')
        for (const [i, bound] of bounds.entries()) if (value / 1000 <= bound) one.buckets[i]! += 1;
    },
    /** Everything so far, in the text format of Prometheus 0.0.4. */
    text: (): string => textOf([...all].map(family)),
  };
}

function family([metric, series]: [MetricName, Map<string, Series>]): Family {
  const { type } = prometheusOf(metric);
  const samples = [...series.values()].flatMap(({ labels, sum, count, last, buckets }): Sample[] => {
    if (type === 'counter') return [{ labels, value: sum }];
    if (type === 'gauge') return [{ labels, value: last }];
    const bucket = (le: string, value: number) => ({ suffix: '_bucket', labels: { ...labels, le }, value });
    return [
      ...bounds.map((bound, i) => bucket(String(bound), buckets[i]!)),
      bucket('+Inf', count),
      { suffix: '_sum', labels, value: sum / 1000 },
      { suffix: '_count', labels, value: count },
    ];
  });
  return { metric, samples };
}
