import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger';
import { Metrics as Emf, MetricUnit } from '@aws-lambda-powertools/metrics';
import {
  type Meter,
  metricNamespace,
  ownDimensions,
  serviceName,
  metrics as specs,
} from '../contract/deploy/metrics.ts';
import type { Logger } from '../kernel/log.ts';
import { config } from './config.ts';

export type { Meter } from '../contract/deploy/metrics.ts';
export type { Logger } from '../kernel/log.ts';

let shared: Logger | undefined;

/** The process's structured logger. */
export function logger(): Logger {
  shared ??= new PowertoolsLogger({ serviceName });
  return shared;
}

/** How many labels a process keeps between requests. */
const mostLabels = 200;

/** A meter that writes CloudWatch's embedded metric format to standard output, one line for each set of dimensions. */
export function emfMeter(): Meter {
  // Powertools adds the service itself. A default dimension stays when the metrics are published, so an object serves the next request too.
  const emf = (own?: Record<string, string>) => {
    const { service: _, ...defaultDimensions } = ownDimensions(config().STAGE, own);
    return new Emf({ namespace: metricNamespace, serviceName, defaultDimensions });
  };
  const plain = emf();
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
          of = emf({ [spec.dimension]: label });
          labelled.set(key, of);
        }
        target = of;
      }
      target.addMetric(name, MetricUnit[spec.unit as keyof typeof MetricUnit], value);
    },
    flush() {
      if (plain.hasStoredMetrics()) plain.publishStoredMetrics();
      for (const of of labelled.values()) if (of.hasStoredMetrics()) of.publishStoredMetrics();
      if (labelled.size > mostLabels) labelled.clear();
    },
  };
}
