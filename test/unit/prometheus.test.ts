import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createExposition } from '../../infra/local/console/exposition.ts';
import { type MetricName, metrics, ownDimensions } from '../../lib/contract/deploy/metrics.ts';
import { prometheusOf } from '../../lib/contract/deploy/prometheus.ts';

test.each<[MetricName, string, string]>([
  ['Requests', 'counterfoil_requests_total', 'counter'],
  ['SagaDuration', 'counterfoil_saga_duration_seconds', 'histogram'],
  ['OldestStuckOrder', 'counterfoil_oldest_stuck_order_seconds', 'gauge'],
  ['OrdersInManualReview', 'counterfoil_orders_in_manual_review', 'gauge'],
  ['ConnectionsUsed', 'counterfoil_connections_used_percent', 'gauge'],
  ['DatabaseSize', 'counterfoil_database_size_bytes', 'gauge'],
])('%s is %s in Prometheus', (metric, name, type) => expect(prometheusOf(metric)).toMatchObject({ name, type }));

test('no two metrics have one name, and each is one that Prometheus allows', () => {
  const names = Object.keys(metrics).map((metric) => prometheusOf(metric as MetricName).name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^counterfoil_[a-z]+(_[a-z]+)*$/);
});

test('what was measured is exposed: sums of counters, the last of gauges, buckets of durations', () => {
  const exposition = createExposition();
  const add = (name: string, value: number, dimensions: Record<string, string> = {}, stage = 'local') =>
    exposition.add({ namespace: 'Counterfoil', name, dimensions: ownDimensions(stage, dimensions) }, value);
  add('Requests', 1, { operation: 'place-order' });
  add('Requests', 1, { operation: 'place-order' });
  add('Requests', 7, { operation: 'place-order' }, 'staging');
  add('ApplicationRequests', 1, { application: 'a"\\\n' });
  add('OldestStuckOrder', 9);
  add('OldestStuckOrder', 3);
  add('SagaDuration', 300);
  add('SagaDuration', 20_000);
  add('NobodyKnows', 1);
  exposition.add({ namespace: 'AWS/Lambda', name: 'Errors', dimensions: {} }, 1);
  expect(exposition.text().split('\n')).toEqual([
    '# HELP counterfoil_application_requests_total ApplicationRequests of the namespace Counterfoil.',
    '# TYPE counterfoil_application_requests_total counter',
    'counterfoil_application_requests_total{stage="local",application="a\\"\\\\\\n"} 1',
    '# HELP counterfoil_oldest_stuck_order_seconds OldestStuckOrder of the namespace Counterfoil.',
    '# TYPE counterfoil_oldest_stuck_order_seconds gauge',
    'counterfoil_oldest_stuck_order_seconds{stage="local"} 3',
    '# HELP counterfoil_requests_total Requests of the namespace Counterfoil.',
    '# TYPE counterfoil_requests_total counter',
    'counterfoil_requests_total{stage="local",operation="place-order"} 2',
    'counterfoil_requests_total{stage="staging",operation="place-order"} 7',
    '# HELP counterfoil_saga_duration_seconds SagaDuration of the namespace Counterfoil.',
    '# TYPE counterfoil_saga_duration_seconds histogram',
    ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25].map(
      (le) => `counterfoil_saga_duration_seconds_bucket{stage="local",le="${le}"} 0`,
    ),
    ...[0.5, 1, 2.5, 5, 10].map((le) => `counterfoil_saga_duration_seconds_bucket{stage="local",le="${le}"} 1`),
    'counterfoil_saga_duration_seconds_bucket{stage="local",le="+Inf"} 2',
    'counterfoil_saga_duration_seconds_sum{stage="local"} 20.3',
    'counterfoil_saga_duration_seconds_count{stage="local"} 2',
    '',
  ]);
});

const boards = ['today', 'orders', 'api', 'data', 'events'];

test.each(boards)('the dashboard %s of Grafana asks for what is exposed', (board) => {
  const file = new URL(`../../examples/grafana/${board}.json`, import.meta.url);
  const { uid, panels } = JSON.parse(readFileSync(file, 'utf8'));
  expect(uid).toBe(`counterfoil-${board}`);
  const exposed = new Map(
    Object.keys(metrics).flatMap((metric) => {
      const { name, type, label } = prometheusOf(metric as MetricName);
      // Of a stage on AWS, a summary.
      return type === 'histogram'
        ? [[`${name}_bucket`, label] as const, [name, label] as const]
        : [[name, label] as const];
    }),
  );
  const asked = panels.flatMap(({ targets = [] }: { targets?: { expr: string }[] }) => targets.map(({ expr }) => expr));
  expect(asked.length).toBeGreaterThan(3);
  for (const expr of asked as string[]) {
    const selectors = [...expr.matchAll(/(counterfoil_[a-z_]+)\{stage="\$stage"(?:, (\w+)=)?/g)];
    expect(selectors.length, expr).toBeGreaterThan(0);
    for (const [, name, label] of selectors) {
      expect(exposed.has(name!), expr).toBe(true);
      if (label !== undefined && label !== 'quantile') expect(label, expr).toBe(exposed.get(name!));
    }
    // No word of CloudWatch's metric math is left, and every bracket closes.
    expect(expr).not.toMatch(/FILL|SEARCH|METRICS|undefined|\(\)/);
    expect(expr.split('(').length, expr).toBe(expr.split(')').length);
  }
});
