import type { Sql } from 'postgres';
import { Problem } from '../../contract/api/problems.ts';
import type { SagaInput } from '../../saga/state.ts';
import { type Answer, type Claim, type KeyOptions, once } from '../../database/idempotency.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { readCancellation } from '../../shop/orders/cancel.sql.ts';
import { undoInput } from '../../shop/orders/cancel.ts';
import type { StartSaga } from '../../shop/orders/place.ts';
import { takeBackToUndo } from '../../saga/retry-compensation.sql.ts';
import { findDeskOrder } from './find.sql.ts';
import { auditRetry } from './retry.sql.ts';

export type DeskDeps = { sql: Sql; clock: Clock; keys: KeyOptions };
/** Who asks at the desk: the id of their app key, and of their request. */
export type Asker = { keyId: string; requestId: string };

/**
 * Has the undo of an order before a person run again, as an execution of its own. When that cannot be started now, the
 * sweeper starts it.
 * @throws Problem not-found, order-not-flagged
 */
export async function retryUndo(
  deps: DeskDeps & { startSaga: StartSaga },
  claim: Claim,
  { orderId, keyId, requestId }: Asker & { orderId: string },
): Promise<{ answer: Answer; replayed: boolean; startError?: unknown }> {
  let toStart: SagaInput | undefined;
  const { answer, replayed } = await once(deps.sql, claim, deps.keys, async (tx) => {
    const now = deps.clock.now();
    const operator = { actionId: newId('action', deps.clock), keyId, requestId, at: new Date(now) };
    const taken = await takeBackToUndo(tx, orderId, operator);
    if (taken === undefined) throw new Problem('not-found', 'There is no such order.');
    if ('status' in taken) throw notFlagged(taken.status);
    await auditRetry(tx, orderId, operator);
    toStart = undoInput(await readCancellation(tx, orderId), taken.attempt);
    const order = await findDeskOrder(tx, orderId, now);
    return {
      status: 202,
      headers: { location: `/operations/orders/${orderId}` },
      body: JSON.stringify(order),
    };
  });
  if (toStart === undefined) return { answer, replayed };
  try {
    await deps.startSaga(toStart);
  } catch (startError) {
    return { answer, replayed, startError };
  }
  return { answer, replayed };
}

export const notFlagged = (status: string): Problem =>
  new Problem('order-not-flagged', `The order is ${status}; only one that is needs_attention waits for a person.`);
