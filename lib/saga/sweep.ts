import type { Sql } from 'postgres';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { semaphore } from '../kernel/semaphore.ts';
import { orderToCancel } from '../shop/orders/cancel.ts';
import { orderToPlace } from '../shop/orders/place.ts';
import type { StartSaga } from '../shop/orders/start-saga.ts';
import { releaseWhatIsHeld } from '../shop/stock/reservations.sql.ts';
import { requestManualReview } from './compensate.sql.ts';
import {
  compensatingExecution,
  type DescribeExecution,
  type ExecutionId,
  isUnderWay,
  placingExecution,
} from './executions.ts';
import { sagaEnded } from './failures.ts';
import type { CompensatingInput, PlacingInput } from './inputs.ts';
import { retryInput } from './retry-compensation.ts';
import { listExpiredReservations, listStaleOrders, type OpenOrder, type PageEnd } from './sweep.sql.ts';

export type SweepDeps = {
  sql: Sql;
  clock: Clock;
  startPlacing: StartSaga<PlacingInput>;
  startCompensating: StartSaga<CompensatingInput>;
  describeExecution: DescribeExecution;
  onError: (orderId: string, error: unknown) => void;
  /** The sweeper leaves an order to its saga until nothing has happened for this long. */
  quietSeconds: number;
  /** How long a customer may take to act on a payment. */
  reservationSeconds: number;
  /** Resumes a saga that waits for its customer to act on the payment. */
  resumeSaga: (orderId: string) => Promise<void>;
  stopwatch: Stopwatch;
  /** When the stopwatch shows this, nothing more is begun; the rest waits for the next run. */
  untilMs: number;
};

const pageSize = 200;
const atOnce = 8;

/**
 * Makes sure that every order ends. Starts sagas that never started, puts orders into manual review whose saga ended
 * without ending them, and releases expired stock of orders that no saga owns. An error with one order does not stop the
 * others. Orders that may never have had a saga come first, so that many running sagas do not hold them up.
 * @returns how many sagas were started, orders put into manual review, reservations released, orders failed with an
 *   error, and orders left because the time was over
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
        const outcome = await sweepOrder(order, deps);
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

async function sweepOrder(order: OpenOrder, deps: SweepDeps): Promise<'started' | 'opened' | 'running'> {
  const { execution, start } = sagaOf(order, deps);
  const status = await deps.describeExecution(execution);
  if (status === 'none') {
    await start();
    return 'started';
  }
  if (isUnderWay(status)) {
    // It may wait for a payment and have missed the cancellation.
    if (order.status === 'cancelling') await deps.resumeSaga(order.id);
    return 'running';
  }
  const { opened } = await requestManualReview(deps.sql, {
    orderId: order.id,
    eventId: newId('event', deps.clock),
    reason: sagaEnded.code,
    detail: sagaEnded.detail,
    at: new Date(deps.clock.now()),
    version: order.version,
    execution: execution.name,
    attempt: order.compensationAttempts,
    why: { steps: [], error: 'SagaEnded', message: `The execution ended ${status} without ending the order.` },
  });
  return opened ? 'opened' : 'running';
}

/** The execution that an open order belongs to, and what starts it. */
function sagaOf(order: OpenOrder, deps: SweepDeps): { execution: ExecutionId; start: () => Promise<void> } {
  if (order.compensationAttempts === 0 && !order.wasConfirmed) {
    const input = orderToPlace(order);
    return { execution: placingExecution(input), start: () => deps.startPlacing(input) };
  }
  const { compensationAttempts: attempt } = order;
  const input = attempt > 0 ? retryInput(order, attempt) : orderToCancel(order);
  return { execution: compensatingExecution(input), start: () => deps.startCompensating(input) };
}
