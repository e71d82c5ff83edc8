import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { collect } from '../../infra/local/console/collect.ts';
import type { LogLine } from '../../infra/local/console/log-tail.ts';
import { MetricStore } from '../../infra/local/console/metric-store.ts';
import { metricsOf } from '../../infra/monitoring/metrics.ts';
import { correlated, correlationId } from '../../lib/kernel/correlation.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { addToTrace, emfMeter, logger } from '../../lib/platform/telemetry.ts';

const printed: LogLine[] = [];

beforeAll(() => {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('STAGE', 'staging');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'INFO');
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

test('what a job leads to names its run, and so does its line', async () => {
  const said: LogLine[] = [];
  vi.spyOn(console, 'info').mockImplementation((line: string) => void said.push(JSON.parse(line)));
  const worksFor = async () => ({ worksFor: correlationId() });
  const handler = jobHandler({ name: 'count', databaseRole: null, timeoutSeconds: 5 }, worksFor, () => ({}));
  expect(await handler(undefined, { awsRequestId: '0b5c' } as Context)).toEqual({ worksFor: 'count-0b5c' });
  expect(said).toMatchObject([{ message: 'job done', job: 'count', correlationId: 'count-0b5c' }]);
});

describe('a trace', () => {
  const daemon = createSocket('udp4');
  const taken: string[] = [];
  beforeAll(async () => {
    daemon.on('message', (message) => void taken.push(message.toString()));
    daemon.bind(0, '127.0.0.1');
    await once(daemon, 'listening');
    vi.stubEnv('AWS_XRAY_DAEMON_ADDRESS', `127.0.0.1:${daemon.address().port}`);
  });
  afterAll(() => daemon.close());

  const run = (header: string | undefined, fault = false) => {
    vi.stubEnv('_X_AMZN_TRACE_ID', header);
    addToTrace({
      milliseconds: 250,
      fault,
      annotations: { operation: 'place-order', orderId: undefined, status: 202 },
    });
  };
  const root = '1-5759e988-bd862e3fe1be46a994272793';

  test('that Lambda samples gets what this run worked for', async () => {
    // Neither of these is traced.
    run(undefined);
    run(`Root=${root};Parent=53995c3f42cd8ad8;Sampled=0`);
    run(`Root=${root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:2:3`, true);
    await expect.poll(() => taken.length).toBeGreaterThan(0);
    expect(taken).toHaveLength(1);
    const [header, part] = taken[0]!.split('\n').map((line) => JSON.parse(line));
    expect(header).toEqual({ format: 'json', version: 1 });
    expect(part).toMatchObject({
      name: 'counterfoil',
      type: 'subsegment',
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      trace_id: root,
      parent_id: '53995c3f42cd8ad8',
      fault: true,
      annotations: { operation: 'place-order', status: 202 },
    });
    expect(part.end_time - part.start_time).toBeCloseTo(0.25);
  });
});

test('each line of the log says which request the work is for', () => {
  const said: LogLine[] = [];
  vi.spyOn(console, 'warn').mockImplementation((line: string) => void said.push(JSON.parse(line)));
  const log = logger();
  correlated('req_1', () => log.warn('dependency is down', { dependency: 'states' }));
  log.warn('dependency is down', { dependency: 'states' });
  expect(said).toMatchObject([{ correlationId: 'req_1', dependency: 'states', message: 'dependency is down' }, {}]);
  expect(said[1]).not.toHaveProperty('correlationId');
});
