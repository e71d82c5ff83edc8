import type { StateMachineName } from '../../../lib/contract/deploy/route.ts';
import type { Database } from './database.sql.ts';
import type { MetricStore } from './metric-store.ts';
import { connectionCounts } from './parts.sql.ts';
import type { RawExecution, StatesApi } from './states-api.ts';

type Deps = {
  store: MetricStore;
  database: Database;
  states: StatesApi;
  machines: Record<StateMachineName, { arn: string }>;
  parkedEvents: () => Promise<readonly unknown[]>;
  /** Milliseconds that the stack's clock is ahead of the machine's, by which metrics go. */
  ahead: number;
};

const ended = {
  SUCCEEDED: 'ExecutionsSucceeded',
  FAILED: 'ExecutionsFailed',
  TIMED_OUT: 'ExecutionsTimedOut',
  ABORTED: 'ExecutionsAborted',
} as const;

/** Measures what nobody logs, of parts that are asked: connections, executions, parked events. A part that is away is left out. */
export async function measure(
  { store, database, states, machines, parkedEvents, ahead }: Deps,
  now: number,
): Promise<void> {
  const gauge = (namespace: string, name: string, dimensions: Record<string, string>, value: number) =>
    store.add({ namespace, name, dimensions }, now, value);
  await Promise.allSettled([
    database.read(connectionCounts).then(({ all, active }) => {
      gauge('AWS/RDS', 'DatabaseConnections', { DBClusterIdentifier: 'local' }, all);
      gauge('AWS/RDS', 'DBLoad', { DBInstanceIdentifier: 'local' }, active);
      for (const name of ['ClientConnections', 'DatabaseConnections']) {
        gauge('AWS/RDS', name, { ProxyName: 'local' }, all);
      }
    }),
    parkedEvents().then(({ length: count }) =>
      gauge('AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: 'events' }, count),
    ),
    ...Object.values(machines).map(async ({ arn }) => addExecutions(store, arn, await newest(states, arn), ahead)),
  ]);
}

/** The executions of a machine that are known, by name. What ended long ago need not be asked for each time. */
const known = new Map<string, Map<string, RawExecution>>();
const mostKnown = 5000;

async function newest(states: StatesApi, arn: string): Promise<RawExecution[]> {
  const before = known.get(arn);
  const found = before ?? new Map<string, RawExecution>();
  for (const execution of await states.newest(arn, before === undefined ? 1000 : 100)) {
    found.set(execution.name, execution);
  }
  for (const name of [...found.keys()].slice(0, Math.max(0, found.size - mostKnown))) found.delete(name);
  known.set(arn, found);
  return [...found.values()];
}

function addExecutions(store: MetricStore, arn: string, executions: readonly RawExecution[], ahead: number): void {
  const times = (dates: readonly (number | undefined)[]) =>
    dates.flatMap((date) => (date === undefined ? [] : [date * 1000 - ahead])).toSorted((one, other) => one - other);
  const key = (name: string) => ({ namespace: 'AWS/States', name, dimensions: { StateMachineArn: arn } });
  store.replace(key('ExecutionsStarted'), times(executions.map(({ startDate }) => startDate)));
  for (const [status, name] of Object.entries(ended)) {
    const those = executions.filter((execution) => execution.status === status);
    store.replace(key(name), times(those.map(({ stopDate }) => stopDate)));
  }
}
