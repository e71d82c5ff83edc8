import { type MetricName, type MetricSpec, metrics } from '../../lib/contract/deploy/metrics.ts';

/** What a metric is in Prometheus, by its base unit: seconds, bytes, percent. */
export type PrometheusMetric = { name: string; type: 'counter' | 'gauge' | 'histogram'; label: string | undefined };

/**
 * The form of a metric in Prometheus: `Requests` is the counter `counterfoil_requests_total`, `Latency` the histogram
 * `counterfoil_latency_seconds`, `OldestStuckOrder` the gauge `counterfoil_oldest_stuck_order_seconds`.
 */
export function prometheusOf(metric: MetricName): PrometheusMetric {
  const { unit, dimension: label, level }: MetricSpec = metrics[metric];
  const name = `counterfoil_${metric.replace(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase()}`;
  switch (unit) {
    case 'Count':
      return level ? { name, type: 'gauge', label } : { name: `${name}_total`, type: 'counter', label };
    case 'Milliseconds':
      return { name: `${name}_seconds`, type: 'histogram', label };
    case 'Seconds':
    case 'Percent':
    case 'Bytes':
      return { name: `${name}_${unit.toLowerCase()}`, type: 'gauge', label };
  }
}
