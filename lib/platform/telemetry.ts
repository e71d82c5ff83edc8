import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics as Emf, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type MetricName, metricNamespace, metrics as specs } from '../contract/deploy/metrics.ts';

export type { Logger } from '@aws-lambda-powertools/logger';

export const serviceName = 'counterfoil';

let shared: Logger | undefined;

/** The process's structured logger. Callers log ids and codes, never bodies, tokens or personal data. */
export function logger(): Logger {
  shared ??= new Logger({ serviceName });
  return shared;
}

/** Counts things under the names of `lib/contract/metrics`; what was counted is written out by `flush`. */
export type Meter = {
  /** Adds one measurement. `label` is the value of the metric's dimension and is required where it has one. */
  count(name: MetricName, value?: number, label?: string): void;
  flush(): void;
};

/** Writes CloudWatch's embedded metric format to standard output, one line for each set of dimensions. */
export function emfMeter(): Meter {
  const plain = new Emf({ namespace: metricNamespace, serviceName });
  const labelled = new Map<string, Emf>();
  return {
    count(name, value = 1, label) {
      const spec: { unit: string; dimension?: string } = specs[name];
      let target = plain;
      if (spec.dimension !== undefined) {
        if (label === undefined) throw new TypeError(`metric ${name} needs its ${spec.dimension}`);
        const key = `${spec.dimension}=${label}`;
        let of = labelled.get(key);
        if (of === undefined) {
          of = new Emf({ namespace: metricNamespace, serviceName });
          of.addDimension(spec.dimension, label);
          labelled.set(key, of);
        }
        target = of;
      }
      target.addMetric(name, MetricUnit[spec.unit as keyof typeof MetricUnit], value);
    },
    flush() {
      if (plain.hasStoredMetrics()) plain.publishStoredMetrics();
      for (const of of labelled.values()) if (of.hasStoredMetrics()) of.publishStoredMetrics();
      labelled.clear();
    },
  };
}
