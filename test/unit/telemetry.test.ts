import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { collect } from '../../infra/local/console/collect.ts';
import type { LogLine } from '../../infra/local/console/log-tail.ts';
import { MetricStore } from '../../infra/local/console/metric-store.ts';
import { metricsOf } from '../../infra/monitoring/metrics.ts';
import { emfMeter } from '../../lib/platform/telemetry.ts';

const printed: LogLine[] = [];

beforeAll(() => {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('STAGE', 'staging');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  // Powertools then writes to the console that can be listened to.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(JSON.parse(line)));
});
beforeEach(() => void printed.splice(0));
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** What a dashboard or alarm of a stage finds in the printed lines. */
function seenBy(stage: string, name: 'OrdersPlaced' | 'Requests', value?: string): number | undefined {
  const store = new MetricStore();
  for (const line of printed) collect(store, line, Date.now());
  const { namespace, metricName, dimensions = {} } = metricsOf(stage).ours(name, { statistic: 'Sum' }, value);
  const grid = { from: 0, to: Date.now() + 1000, period: Date.now() + 1000 };
  return [...store.read({ namespace, name: metricName, dimensions }, 'Sum', grid).values()][0];
}

test('what a stage counts is found by its own dashboards and alarms, and by those of no other stage', () => {
  const meter = emfMeter();
  meter.count('OrdersPlaced');
  meter.count('Requests', 2, 'place-order');
  meter.flush();
  expect(seenBy('staging', 'OrdersPlaced')).toBe(1);
  expect(seenBy('staging', 'Requests', 'place-order')).toBe(2);
  expect(seenBy('prod', 'OrdersPlaced')).toBeUndefined();
  expect(seenBy('prod', 'Requests', 'place-order')).toBeUndefined();
});

test('the stage stays with a metric from one request to the next', () => {
  const meter = emfMeter();
  for (const count of [1, 2]) {
    meter.count('OrdersPlaced', count);
    meter.count('Requests', count, 'get-order');
    meter.flush();
  }
  expect(seenBy('staging', 'OrdersPlaced')).toBe(3);
  expect(seenBy('staging', 'Requests', 'get-order')).toBe(3);
});
