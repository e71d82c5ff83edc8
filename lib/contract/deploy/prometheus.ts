import { type MetricName, type MetricSpec, metrics } from './metrics.ts';

/** What a metric is in Prometheus, by its base unit: seconds, bytes, percent. */
export type PrometheusMetric = {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** Its dimension, if it has one. */
  label: string | undefined;
  /** All labels: `stage`, and its dimension. */
  labels: string[];
};

/**
 * The form of a metric in Prometheus: `Requests` is the counter `counterfoil_requests_total`, `Latency` the histogram
 * `counterfoil_latency_seconds`, `OldestStuckOrder` the gauge `counterfoil_oldest_stuck_order_seconds`.
 */
export function prometheusOf(metric: MetricName): PrometheusMetric {
  const { unit, dimension: label, level }: MetricSpec = metrics[metric];
  const name = `counterfoil_${metric.replace(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase()}`;
  const labelled = { label, labels: ['stage', ...(label === undefined ? [] : [label])] };
  switch (unit) {
    case 'Count':
      return level ? { name, type: 'gauge', ...labelled } : { name: `${name}_total`, type: 'counter', ...labelled };
    case 'Milliseconds':
      return { name: `${name}_seconds`, type: 'histogram', ...labelled };
    case 'Seconds':
    case 'Percent':
    case 'Bytes':
      return { name: `${name}_${unit.toLowerCase()}`, type: 'gauge', ...labelled };
  }
}
