import type { Sql } from 'postgres';
import type { FindingKind } from '../../contract/api/findings.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import {
  compensatingExecution,
  type DescribeExecution,
  type ExecutionId,
  isUnderWay,
  placingExecution,
} from '../../saga/executions.ts';
import type { CompensatingInput } from '../../saga/inputs.ts';
import type { StartSaga } from '../../shop/orders/start-saga.ts';
import { releaseHeldOfCompensated } from '../../shop/stock/reservations.sql.ts';
import { claimRepair, listStartedRepairs, settleRepair } from './findings.sql.ts';
import type { Repair, Verdict } from './verdict.ts';

export type RepairDeps = {
  sql: Sql;
  clock: Clock;
  startCompensating: StartSaga<CompensatingInput>;
  describeExecution: DescribeExecution;
  /** A repair that could not be made, or looked after, now; the next run tries again. */
  onError: (subject: string, error: unknown) => void;
};

/**
 * Goes on with repairs that were recorded and of whose end nothing is known: starts those that a run recorded and died
 * before it started them, and notes how the others ended.
 */
export async function goOnWithRepairs({
  sql,
  startCompensating,
  describeExecution,
  onError,
}: RepairDeps): Promise<void> {
  for (const { id, subject, input } of await listStartedRepairs(sql, { limit: 200 })) {
    try {
      const status = await describeExecution(compensatingExecution(input));
      if (status === 'none') await startCompensating(input);
      else if (status === 'SUCCEEDED') await settleRepair(sql, { id, state: 'done' });
      else if (!isUnderWay(status)) await settleRepair(sql, { id, state: 'failed' });
    } catch (error) {
      onError(subject, error);
    }
  }
}

/**
 * Makes the repairs that a verdict is certain of, each once for all times: it is recorded under a unique key first.
 * @returns whether this call made it
 */
export async function repair(deps: RepairDeps, { kind, subject, problem }: Verdict): Promise<boolean> {
  const wanted = problem?.repair;
  if (wanted === undefined) return false;
  try {
    if (wanted.kind === 'release-stock') return await release(deps, { kind, subject }, wanted);
    return await giveBack(deps, { kind, subject }, wanted);
  } catch (error) {
    deps.onError(subject, error);
    return false;
  }
}

type Of = { kind: FindingKind; subject: string };

async function giveBack(
  deps: RepairDeps,
  of: Of,
  wanted: Extract<Repair, { kind: 'refund-orphaned-charge' }>,
): Promise<boolean> {
  const { key, input } = wanted;
  const statuses = await Promise.all(executionsOf(input.orderId).map(deps.describeExecution));
  if (statuses.some(isUnderWay)) return false;
  if (wanted.ifSagaRan && statuses.every((status) => status === 'none')) return false;
  const at = new Date(deps.clock.now());
  if (!(await claimRepair(deps.sql, { ...of, key, state: 'started', input, at }))) return false;
  await deps.startCompensating(input);
  return true;
}

async function release(deps: RepairDeps, of: Of, { key, orderId }: Extract<Repair, { kind: 'release-stock' }>) {
  const at = new Date(deps.clock.now());
  try {
    return await inTransaction(deps.sql, async (tx) => {
      if ((await releaseHeldOfCompensated(tx, { orderId, at })) === 0) return false;
      if (!(await claimRepair(tx, { ...of, key, state: 'done', at }))) throw new RepairedBefore(key);
      return true;
    });
  } catch (error) {
    if (error instanceof RepairedBefore) return false;
    throw error;
  }
}

/** Compensates the transaction of a repair that was made once already. */
class RepairedBefore extends Error {
  override readonly name = 'RepairedBefore';
}

/** Whether some execution works on an order now. */
export async function isOwned(
  { describeExecution }: Pick<RepairDeps, 'describeExecution'>,
  orderId: string,
): Promise<boolean> {
  const statuses = await Promise.all(executionsOf(orderId).map(describeExecution));
  return statuses.some(isUnderWay);
}

/** The executions that place an order and cancel it. */
const executionsOf = (orderId: string): ExecutionId[] => [
  placingExecution({ orderId }),
  compensatingExecution({ orderId, reason: 'cancellation' }),
];
