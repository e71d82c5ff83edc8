import type { Sql } from 'postgres';
import type { SagaInput } from '../contract/saga.ts';
import type { Clock } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { releaseWhatIsHeld } from '../stock/reservations.sql.ts';
import { cancellationInput } from './cancel.ts';
import { type StartSaga, sagaInput } from './place.ts';
import { listExpiredReservations, listStaleOrders, type OpenOrder } from './sweep.sql.ts';
import { flagForAttention } from './undo.sql.ts';

export type SweepDeps = {
  sql: Sql;
  clock: Clock;
  startSaga: StartSaga;
  /** Where an order's saga stands: `none`, `RUNNING`, or how it ended. */
  describeSaga: (of: Pick<SagaInput, 'orderId' | 'intent'>) => Promise<string>;
  onError: (orderId: string, error: unknown) => void;
  /** An order is left to its saga for so long before the sweeper looks at it. */
  quietSeconds: number;
};

const batch = 200;

/**
 * Sees to it that no order is forgotten: starts sagas that never started, puts orders whose saga ended without ending
 * them before a person, and gives back expired stock of orders that no saga owns. One order's trouble does not stop
 * the others.
 */
export async function sweepOrders(deps: SweepDeps) {
  const before = new Date(deps.clock.now() - deps.quietSeconds * 1000);
  const counts = { started: 0, flagged: 0, released: 0, failed: 0 };
  for (const order of await listStaleOrders(deps.sql, { before, limit: batch })) {
    await attempt(order.id, async () => {
      const outcome = await seeTo(order, deps);
      if (outcome !== 'running') counts[outcome] += 1;
    });
  }
  const now = new Date(deps.clock.now());
  for (const orderId of await listExpiredReservations(deps.sql, { now, limit: batch })) {
    await attempt(orderId, async () => {
      await releaseWhatIsHeld(deps.sql, { orderId, at: now });
      counts.released += 1;
    });
  }
  return counts;

  async function attempt(orderId: string, work: () => Promise<void>) {
    try {
      await work();
    } catch (error) {
      counts.failed += 1;
      deps.onError(orderId, error);
    }
  }
}

async function seeTo(order: OpenOrder, deps: SweepDeps): Promise<'started' | 'flagged' | 'running'> {
  const input = order.wasConfirmed ? cancellationInput(order) : sagaInput(order);
  const state = await deps.describeSaga(input);
  if (state === 'none') {
    await deps.startSaga(input);
    return 'started';
  }
  if (state === 'RUNNING' || state === 'PENDING_REDRIVE') return 'running';
  const { flagged } = await flagForAttention(deps.sql, {
    orderId: order.id,
    eventId: newId('event', deps.clock),
    reason: 'saga-ended',
    detail: 'The order was left unfinished. Our staff are looking at it.',
    at: new Date(deps.clock.now()),
    version: order.version,
  });
  return flagged ? 'flagged' : 'running';
}
