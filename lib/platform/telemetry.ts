import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger';
import { Metrics as Emf, MetricUnit } from '@aws-lambda-powertools/metrics';
import {
  type Meter,
  metricNamespace,
  ownDimensions,
  serviceName,
  metrics as specs,
} from '../contract/deploy/metrics.ts';
import { correlationId } from '../kernel/correlation.ts';
import type { Logger } from '../kernel/log.ts';
import { clock } from './clock.ts';
import { config, traceOfRun } from './config.ts';

export type { Meter } from '../contract/deploy/metrics.ts';
export type { Logger } from '../kernel/log.ts';

let shared: Logger | undefined;

/** The process's structured logger. */
export function logger(): Logger {
  shared ??= correlating(new PowertoolsLogger({ serviceName }));
  return shared;
}

/** Each line says which API request the work is for. */
function correlating(log: Logger): Logger {
  const by =
    (level: keyof Logger): Logger[keyof Logger] =>
    (message, ...fields) => {
      const id = correlationId();
      log[level](message, ...(id === undefined ? [] : [{ correlationId: id }]), ...fields);
    };
  return { info: by('info'), warn: by('warn'), error: by('error') };
}

/** How many labels a process keeps between requests. */
const mostLabels = 200;

/** A meter that writes CloudWatch's embedded metric format to standard output, one line for each set of dimensions. */
export function emfMeter(): Meter {
  const all = new Map<string, Emf>();
  const emfOf = (own: Readonly<Record<string, string>>): Emf => {
    const key = Object.entries(own).join();
    let emf = all.get(key);
    if (emf === undefined) {
      // Powertools adds the service. Default dimensions stay when metrics are published, so the object serves the next request too.
      const { service: _, ...defaultDimensions } = ownDimensions(config().STAGE, own);
      emf = new Emf({ namespace: metricNamespace, serviceName, defaultDimensions });
      all.set(key, emf);
    }
    return emf;
  };
  return {
    count(name, value = 1, label) {
      const spec: { unit: string; dimension?: string } = specs[name];
      if (spec.dimension !== undefined && label === undefined) {
        throw new TypeError(`metric ${name} needs its ${spec.dimension}`);
      }
      const emf = emfOf(spec.dimension === undefined ? {} : { [spec.dimension]: label! });
      emf.addMetric(name, MetricUnit[spec.unit as keyof typeof MetricUnit], value);
    },
    flush() {
      for (const emf of all.values()) if (emf.hasStoredMetrics()) emf.publishStoredMetrics();
      if (all.size > mostLabels) all.clear();
    },
  };
}

/** Part of a trace: how long the work took that ends now, and by what it can be found. */
export type TracePart = {
  milliseconds: number;
  fault: boolean;
  annotations: Readonly<Record<string, string | number | undefined>>;
};

let socket: Socket | undefined;

/**
 * Adds what this run worked for to its trace in X-Ray, where a stage has traces: Lambda traces functions by itself, and does not know
 * their orders. It does nothing elsewhere. Lambda's daemon takes the part by UDP, so nobody waits for it and nothing fails by it.
 */
export function addToTrace({ milliseconds, fault, annotations }: TracePart): void {
  const trace = traceOfRun();
  if (trace === undefined) return;
  const now = clock.now() / 1000;
  const part = {
    name: serviceName,
    type: 'subsegment',
    id: randomBytes(8).toString('hex'),
    trace_id: trace.root,
    parent_id: trace.parent,
    start_time: now - milliseconds / 1000,
    end_time: now,
    fault,
    annotations: Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== undefined)),
  };
  const [host, port] = trace.daemon.split(':');
  socket ??= createSocket('udp4').unref();
  socket.send(`{"format":"json","version":1}\n${JSON.stringify(part)}`, Number(port), host, () => {});
}
