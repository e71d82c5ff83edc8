import { readFreshness } from '../../lib/analytics/freshness.sql.ts';
import { stateMachines } from '../../lib/contract/deploy/route.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { probeDatabase, probeSessions, probeStates } from '../../lib/operations/health/probes.gateway.ts';
import { statementsSince } from '../../lib/operations/health/statements.ts';
import { type WatchDeps, watchHealth } from '../../lib/operations/health/watch.ts';
import { config, onLambda, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { dropPool } from '../../lib/platform/pools.ts';
import { readerAs, type Sql, sqlAs, sqlOnce } from '../../lib/platform/sql.ts';
import { describeMachine, machineArn } from '../../lib/platform/step-functions.ts';
import type { Meter } from '../../lib/platform/telemetry.ts';
import { jobs } from '../jobs.ts';

/** The health of what the functions depend on, once a minute. A part that is down is no error of this job. */
export const run = (deps: WatchDeps) => watchHealth(deps);

/** Measures how far the reader is behind, which reports measure only while somebody asks for them. */
const probeReader = (sql: Sql, meter: Meter) => async () => {
  const { source, lagMs } = await readFreshness(sql);
  if (source === 'reader' && Number.isFinite(lagMs)) meter.count('ReaderLag', Math.ceil(lagMs / 1000));
};

export const handler = jobHandler(jobs['check-health'], run, ({ meter, stopwatch, log }) => {
  // A laptop makes its reader for the first report, and not to be asked how it is.
  const reader = onLambda() && config().DATABASE_READER_HOST !== undefined ? readerAs('monitor') : undefined;
  return {
    probes: {
      database: () => sqlOnce('monitor', probeDatabase),
      ...(reader === undefined ? {} : { reader: probeReader(reader, meter) }),
      sessions: () => probeSessions(dynamo(), tableName('sessions')),
      states: () => probeStates(describeMachine, stateMachines.map(machineArn)),
    },
    sql: () => sqlAs('monitor'),
    compare: statementsSince(),
    meter,
    stopwatch,
    onDown(dependency, error) {
      log.warn('dependency is down', { dependency, error: describeError(error) });
      // With a pool that is stuck, every later run would fail too.
      if (dependency === 'database') dropPool('monitor');
      if (dependency === 'reader') dropPool('monitor@reader');
    },
  };
});
