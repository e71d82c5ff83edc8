import { describe, expect, test } from 'vitest';
import { isScheduled, jobs } from '../../functions/jobs.ts';
import { type AlarmDefinition, readTemplate, type Template } from '../../infra/local/console/dashboard.ts';
import { type MetricKey, MetricStore } from '../../infra/local/console/metric-store.ts';
import { evaluateAlarms } from '../../infra/local/console/overview.ts';
import { synthesized } from './synthesized.ts';

/*
 * Alarms that ring for nothing are not looked at when they ring for something. Every alarm of prod is evaluated each minute of an
 * hour, over metrics as a stage has them.
 */

const minute = 60_000;
const start = Date.UTC(2031, 0, 1, 12);
const definitions = readTemplate(synthesized('prod').monitoring as unknown as Template);

/** Every metric that an alarm looks at. */
const keys: MetricKey[] = definitions.alarms.flatMap(({ terms }: AlarmDefinition) =>
  terms.flatMap((term) => (term.kind === 'metric' ? [term.key] : [])),
);

/** What a metric measures in a minute, each value a sample; undefined for none. `m` counts minutes from the start. */
type Measures = (metric: { name: string; value: string; namespace: string }, m: number) => number[] | undefined;

/** The names of the alarms that ring in any minute of the hour, after six hours of the same. */
function ringing(measures: Measures, before: Measures = measures): string[] {
  const store = new MetricStore();
  const seen = new Set<string>();
  for (const key of keys) {
    const { service: _, stage: __, ...dimensions } = key.dimensions;
    const value = Object.values(dimensions).join();
    const id = JSON.stringify(key);
    if (seen.has(id)) continue;
    seen.add(id);
    for (let m = -360; m < 60; m++) {
      const samples = (m < 0 ? before : measures)({ name: key.name, value, namespace: key.namespace }, m);
      for (const sample of samples ?? []) store.add(key, start + m * minute + 1000, sample);
    }
  }
  const rang = new Set<string>();
  for (let m = 0; m < 60; m++) {
    const deps = { store, since: start - 360 * minute, measures: () => true };
    const states = evaluateAlarms(deps, definitions, start + m * minute + 30_000);
    for (const { name, state } of states) if (state === 'alarm') rang.add(name);
  }
  return [...rang].toSorted();
}

const scheduled = Object.values(jobs).filter(isScheduled);
/** How often a job runs in a minute, by the function that a metric names. */
function runsOf(value: string, m: number): number {
  const job = scheduled.find(({ handler }) => value.includes(handler.replaceAll('/', '-')));
  const every = /^rate\((\d+) (minute|hour)s?\)$/.exec(job?.schedule ?? '');
  const minutes = every === null ? 60 : Number(every[1]) * (every[2] === 'hour' ? 60 : 1);
  return m % minutes === 0 ? 1 : 0;
}

/** What jobs report, whoever shops. */
const idle: Measures = ({ name, value, namespace }, m) => {
  const each = (minutes: number, sample: number) => (m % minutes === 0 ? [sample] : undefined);
  if (namespace === 'AWS/Lambda')
    return name === 'Invocations' ? [runsOf(value, m)] : name === 'Errors' ? [0] : undefined;
  if (namespace === 'AWS/RDS') return [{ ACUUtilization: 12, AuroraReplicaLag: 20 }[name] ?? 0];
  if (namespace === 'AWS/SQS') return [0];
  if (namespace !== 'Counterfoil') return undefined;
  const levels: Record<string, [minutes: number, sample: number]> = {
    OldestStuckOrder: [1, 0],
    OrdersInManualReview: [1, 0],
    OldestManualReview: [1, 0],
    OldestOpenCapture: [1, 0],
    InvariantViolations: [15, 0],
    ChecksLag: [15, 900],
    OldestUncheckedRow: [15, 3 * 24 * 3600],
    RestoreTestAge: [15, 6 * 24 * 3600],
    ReconciliationFindings: [60, 0],
    ProviderSnapshotAge: [60, 1200],
    OldestUnpublishedEvent: [1, 0],
    OldestUnsentMail: [1, 40],
    OldestDueDelivery: [1, 0],
    ReadModelLag: [1, 0],
    ReaderLag: [1, 1],
    WarehouseLoads: [60, 1],
    WarehouseFindings: [60, 0],
    IssuerKeysAge: [5, 300],
    DependencyDown: [1, 0],
    ConnectionsUsed: [1, 8],
    OldestTransaction: [1, 0],
    LongestLockWait: [1, 0],
    FreezeAge: [1, 40],
    TablesUnvacuumed: [1, 0],
    SlowStatements: [1, 0],
  };
  const level = levels[name];
  return level === undefined ? undefined : each(...level);
};

/** A shop with a thousand requests a minute: some fail, some are late, some orders are out of stock. */
const load: Measures = (metric, m) => {
  const { name, value, namespace } = metric;
  const some = (every: number) => (m % every === 0 ? [1] : undefined);
  if (namespace === 'AWS/ApiGateway') return [name === 'Count' ? 1000 : Number(m % 2 === 0)];
  if (namespace === 'AWS/RDS') {
    return [
      {
        ACUUtilization: 55 + (m % 10),
        AuroraReplicaLag: 40,
        DatabaseConnectionsBorrowLatency: 3000,
        Deadlocks: 0,
        DatabaseConnectionsCurrentlySessionPinned: 0,
      }[name] ?? 0,
    ];
  }
  if (namespace === 'AWS/Lambda' && name === 'AsyncEventAge') return [2000];
  if (namespace === 'AWS/Lambda' && name === 'Throttles') return some(30);
  const busy: Record<string, number[] | undefined> = {
    Requests: [200],
    Latency: [40, 60, 90, 120, 400, 900],
    AccessesRecorded: [1000],
    StockOuts: some(5),
    SagasStartedLate: some(20),
    SignInsFailed: [15],
    // Half of what the budget allows.
    ObjectiveMisses: value === 'orders-availability' || value === 'reads-latency' ? some(10) : undefined,
    OldestUnpublishedEvent: [2],
    ReadModelLag: [3],
    OldestDueDelivery: [m % 20 === 0 ? 200 : 4],
    ConnectionsUsed: [35 + (m % 10)],
    OldestTransaction: [m % 7],
    LongestLockWait: [m % 3],
    SlowStatements: [m % 4],
    OldestStuckOrder: [m % 15 === 0 ? 310 : 0],
  };
  return name in busy ? busy[name] : idle(metric, m);
};

/** The same while a release is deployed: migrations for two minutes, then all functions start anew. */
const deployment: Measures = (metric, m) => {
  const { name, namespace, value } = metric;
  const migrating = m >= 10 && m < 13;
  const starting = m >= 13 && m < 18;
  if (migrating && name === 'DatabaseConnectionsCurrentlySessionPinned') return [1];
  if (migrating && name === 'LongestLockWait') return [3];
  if (migrating && name === 'OldestTransaction') return [90];
  if (starting && name === 'Latency') return [200, 900, 1500, 2600];
  if (starting && name === 'ConnectionsUsed') return [70];
  if (starting && name === 'DatabaseConnectionsBorrowLatency') return [90_000];
  if (m === 14 && namespace === 'AWS/ApiGateway' && name === '5xx') return [6];
  if (m === 14 && name === 'ObjectiveMisses' && value.endsWith('availability')) return [2];
  if (m === 14 && name === 'Throttles') return [3];
  if (m === 14 && name === 'Errors' && value.includes('sweep-orders')) return [1];
  return load(metric, m);
};

describe('nothing rings', () => {
  test.each<[string, Measures, Measures?]>([
    ['in an hour of normal load', load],
    ['while a release is deployed', deployment, load],
    ['in an idle night', idle],
    ['when the night begins', idle, load],
    ['when the day begins', load, idle],
  ])('%s', (_, measures, before) => expect(ringing(measures, before)).toEqual([]));
});

describe('what should ring does', () => {
  test('when every twentieth request fails', () => {
    const failing: Measures = (metric, m) => {
      if (metric.namespace === 'AWS/ApiGateway' && metric.name === '5xx') return [50];
      if (metric.name === 'ObjectiveMisses' && metric.value.endsWith('availability')) return [10];
      return load(metric, m);
    };
    const rang = ringing(failing, load);
    expect(rang).toEqual(expect.arrayContaining(['objectives-burning', 'server-errors']));
    expect(rang).toContain('orders-availability-fast-60m');
    expect(rang.filter((name) => name.includes('latency'))).toEqual([]);
  });

  test('slowly, when one of a hundred and thirty does for hours', () => {
    const failing: Measures = (metric, m) =>
      metric.name === 'ObjectiveMisses' && metric.value === 'orders-availability' && m % 2 === 0
        ? [3]
        : load(metric, m);
    const rang = ringing(failing);
    expect(rang).toEqual(
      expect.arrayContaining(['objectives-burning', 'orders-availability-slow-30m', 'orders-availability-slow-360m']),
    );
    expect(rang.filter((name) => name.includes('fast-60m'))).toEqual([]);
  });

  test('not for a single failure in a quiet shop', () => {
    const quiet: Measures = (metric, m) => {
      if (metric.name === 'Requests') return m % 20 === 0 ? [1] : undefined;
      if (metric.name === 'ObjectiveMisses')
        return m === 20 && metric.value === 'orders-availability' ? [1] : undefined;
      return idle(metric, m);
    };
    expect(ringing(quiet).filter((name) => !/-\d+m$/.test(name))).toEqual([]);
  });

  test('when the jobs fall silent', () => {
    const rang = ringing(() => undefined, idle);
    for (const name of ['orders-stuck', 'job-sweep-orders-silent', 'dependency-down', 'events-late']) {
      expect(rang).toContain(name);
    }
  });
});
