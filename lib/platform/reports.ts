import { setTimeout as sleep } from 'node:timers/promises';
import type { PartsDeps } from '../analytics/parts.ts';
import { isTooSlow, type Reads } from '../analytics/read.ts';
import type { DatabaseRole } from '../contract/deploy/roles.ts';
import { createCircuitBreaker } from '../kernel/circuit-breaker.ts';
import { DependencyUnavailable } from '../kernel/errors.ts';
import { isOutage } from '../kernel/outage.ts';
import { type Runtime, untilDeadline } from './handlers/lambda.ts';
import { readerAs, type Sql, sqlAs } from './sql.ts';
import { warehouse } from './warehouse.gateway.ts';

/** Where an HTTP handler reads reports. */
export const reportDeps = (runtime: Runtime): PartsDeps => reportsAs('reporting', runtime);

/** Other limits than those of an HTTP handler. */
type Limits = Pick<PartsDeps, 'mostRows' | 'askMs'>;

/** Where this process reads reports, as a login role. A reader that has just failed is not asked for two seconds. */
export function reportsAs(role: DatabaseRole, { clock, meter }: Runtime, limits: Limits = {}): PartsDeps {
  const breaker = createCircuitBreaker(clock);
  const readerOf =
    (sql: Sql): Reads =>
    async (work, milliseconds) => {
      if (!breaker.allowRequest()) throw new DependencyUnavailable('database');
      try {
        const result = await untilDeadline(readOnly(sql)(work, milliseconds), milliseconds, `${role}@reader`);
        breaker.recordSuccess();
        return result;
      } catch (error) {
        // A report that is refused or takes too long says nothing of the reader.
        if (isOutage(error) && !isTooSlow(error)) breaker.recordFailure();
        else breaker.recordSuccess();
        throw error;
      }
    };
  return {
    clock,
    meter,
    sleep,
    warehouse: warehouse(limits.askMs),
    ...limits,
    databases: {
      get reader() {
        const sql = readerAs(role);
        return sql === undefined ? undefined : readerOf(sql);
      },
      writer: (work, milliseconds) => readOnly(sqlAs(role))(work, milliseconds),
    },
  };
}

/** One transaction, so that all of it is of one server. The handler's deadline is that of the writer. */
const readOnly =
  (sql: Sql): Reads =>
  (work) =>
    sql.begin('read only', work) as never;
