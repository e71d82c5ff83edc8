import type { Sql } from 'postgres';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import type { StartSaga } from '../shop/orders/start-saga.ts';
import { readRefundToMake } from '../shop/payments/refunds.sql.ts';
import { listOpenRefunds, nextAttempt } from '../shop/payments/settle-refund.sql.ts';
import { type DescribeExecution, isUnderWay, refundingExecution } from './executions.ts';
import type { RefundingInput } from './inputs.ts';

export type SweepRefundsDeps = {
  sql: Sql;
  clock: Clock;
  startRefunding: StartSaga<RefundingInput>;
  describeExecution: DescribeExecution;
  onError: (refundId: string, error: unknown) => void;
  /** The sweeper leaves a refund to its saga until nothing has happened for this long. */
  quietSeconds: number;
  stopwatch: Stopwatch;
  /** When the stopwatch shows this, nothing more is begun; the rest waits for the next run. */
  untilMs: number;
};

/** How long the sweeper leaves a provider alone that gave no answer. */
const pauseSeconds = 15 * 60;

/**
 * Starts sagas of refunds that never started, and asks the provider again about refunds that it never answered.
 * @returns how many were started
 */
export async function sweepRefunds(deps: SweepRefundsDeps): Promise<number> {
  const now = deps.clock.now();
  let started = 0;
  const before = new Date(now - deps.quietSeconds * 1000);
  for (const { id, attempt, updatedAt } of await listOpenRefunds(deps.sql, { before, limit: 200 })) {
    if (deps.stopwatch.elapsed() >= deps.untilMs) break;
    try {
      const status = await deps.describeExecution(refundingExecution({ refundId: id, attempt }));
      if (isUnderWay(status)) continue;
      if (status !== 'none') {
        if (updatedAt.getTime() > now - pauseSeconds * 1000) continue;
        if (!(await nextAttempt(deps.sql, { refundId: id, attempt, at: new Date(now) }))) continue;
      }
      await deps.startRefunding(await readRefundToMake(deps.sql, id));
      started += 1;
    } catch (error) {
      deps.onError(id, error);
    }
  }
  return started;
}
