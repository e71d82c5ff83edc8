import type { Sql } from 'postgres';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { semaphore } from '../kernel/semaphore.ts';
import { cancellationInput, compensationInput } from '../shop/orders/cancel.ts';
import { type StartSaga, sagaInput } from '../shop/orders/place.ts';
import { releaseWhatIsHeld } from '../shop/stock/reservations.sql.ts';
import { requestManualReview } from './compensate.sql.ts';
import { executionName } from './execution-name.ts';
import type { SagaInput } from './state.ts';
import { listExpiredReservations, listStaleOrders, type OpenOrder, type PageEnd } from './sweep.sql.ts';

export type SweepDeps = {
  sql: Sql;
  clock: Clock;
  startSaga: StartSaga;
  /** Where an order's saga stands: `none`, `RUNNING`, or how it ended. */
  describeSaga: (of: Pick<SagaInput, 'orderId' | 'intent' | 'attempt'>) => Promise<string>;
  onError: (orderId: string, error: unknown) => void;
  /** An order is left to its saga for so long before the sweeper looks at it. */
  quietSeconds: number;
  /** For how long a customer may act on a payment. */
  reservationSeconds: number;
  /** Resumes a saga that waits for its customer to act on the payment. */
  resumeSaga: (orderId: string) => Promise<void>;
  stopwatch: Stopwatch;
  /** When nothing more is begun, on the stopwatch; the rest is left for the next time. */
  untilMs: number;
};

const pageSize = 200;
const atOnce = 8;

/**
 * Sees to it that no order is forgotten: starts sagas that never started, puts orders whose saga ended without ending
 * them in manual review, and gives back expired stock of orders that no saga owns. One order's trouble does not stop
 * the others, and neither do the many whose saga still runs while a part outside is away: those that may never have had
 * a saga come first.
 * @returns how many were started, in manual review, released, could not be seen to, and were left because the time was over
 */
export async function sweepOrders(deps: SweepDeps) {
  const { sql, stopwatch, untilMs } = deps;
  const now = new Date(deps.clock.now());
  const before = new Date(now.getTime() - deps.quietSeconds * 1000);
  const counts = { started: 0, opened: 0, released: 0, failed: 0, left: 0 };
  const gate = semaphore(atOnce);

  await inPages(
    (after?: string) => listExpiredReservations(sql, { now, limit: pageSize, after }),
    (orderId) => orderId,
    async (orderId) => {
      await releaseWhatIsHeld(sql, { orderId, at: now });
      counts.released += 1;
    },
  );
  const awaitedBefore = new Date(before.getTime() - deps.reservationSeconds * 1000);
  for (const among of ['unbegun', 'begun', 'awaited'] as const) {
    const since = among === 'awaited' ? awaitedBefore : before;
    await inPages(
      (after?: PageEnd) => listStaleOrders(sql, { before: since, among, limit: pageSize, after }),
      ({ id }) => id,
      async (order) => {
        const outcome = await seeTo(order, deps);
        if (outcome !== 'running') counts[outcome] += 1;
      },
    );
  }
  return counts;

  async function inPages<T>(
    read: (after?: T) => Promise<T[]>,
    idOf: (item: T) => string,
    work: (item: T) => Promise<void>,
  ): Promise<void> {
    for (let page: T[] = []; stopwatch.elapsed() < untilMs; ) {
      page = await read(page.at(-1));
      await Promise.all(page.map((item) => gate(() => attempt(idOf(item), () => work(item)))));
      if (page.length < pageSize) return;
    }
  }

  async function attempt(orderId: string, work: () => Promise<void>): Promise<void> {
    if (stopwatch.elapsed() >= untilMs) {
      counts.left += 1;
      return;
    }
    try {
      await work();
    } catch (error) {
      counts.failed += 1;
      deps.onError(orderId, error);
    }
  }
}

async function seeTo(order: OpenOrder, deps: SweepDeps): Promise<'started' | 'opened' | 'running'> {
  const input = inputOf(order);
  const state = await deps.describeSaga(input);
  if (state === 'none') {
    await deps.startSaga(input);
    return 'started';
  }
  if (state === 'RUNNING' || state === 'PENDING_REDRIVE') {
    // It may wait for a payment and never have been told of the cancellation.
    if (order.status === 'cancelling') await deps.resumeSaga(order.id);
    return 'running';
  }
  const { opened } = await requestManualReview(deps.sql, {
    orderId: order.id,
    eventId: newId('event', deps.clock),
    reason: 'saga-ended',
    detail: 'The order was left unfinished. Our staff are looking at it.',
    at: new Date(deps.clock.now()),
    version: order.version,
    execution: executionName(input),
    attempt: order.compensationAttempts,
    why: { steps: [], error: 'SagaEnded', message: `The execution ended ${state} without ending the order.` },
  });
  return opened ? 'opened' : 'running';
}

function inputOf(order: OpenOrder): SagaInput {
  if (order.compensationAttempts > 0) return compensationInput(order, order.compensationAttempts);
  return order.wasConfirmed ? cancellationInput(order) : sagaInput(order);
}
