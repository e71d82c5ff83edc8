import type { Sql } from 'postgres';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import { askedFor, type StartSaga } from '../shop/orders/start-saga.ts';
import {
  claimCapture,
  listExpiringAuthorizations,
  listOpenCaptures,
  nextCaptureAttempt,
} from '../shop/payments/captures.sql.ts';
import { reviewCapture } from './capture.sql.ts';
import { capturingExecution, type DescribeExecution, isUnderWay } from './executions.ts';
import { authorizationExpiring, captureFailed, type Failure } from './failures.ts';
import type { CapturingInput } from './inputs.ts';

export type SweepCapturesDeps = {
  sql: Sql;
  clock: Clock;
  startCapturing: StartSaga<CapturingInput>;
  describeExecution: DescribeExecution;
  onError: (id: string, error: unknown) => void;
  /** The sweeper leaves a capture to its saga until this long after it was requested. */
  quietSeconds: number;
  /** How long before an authorization ends something is done about it. */
  expiryMarginSeconds: number;
  /** What is done: the payment is captured though nothing has shipped, or a person decides. */
  expiryAction: 'capture' | 'review';
  stopwatch: Stopwatch;
  /** When the stopwatch shows this, nothing more is begun; the rest waits for the next run. */
  untilMs: number;
};

/** Pauses between attempts double: 15 and 30 minutes, one and two hours. */
const firstPauseSeconds = 15 * 60;
/** After so many attempts that never got an answer a person looks at the order. */
const mostAttempts = 4;
const limit = 200;

/**
 * Makes sure that every authorized payment is captured, voided, or seen by a person, before its authorization ends.
 * Requests the capture of those that end soon, starts sagas of captures that never started, and asks the provider again
 * about captures that it never answered.
 * @returns how many captures were started late, how many requested because their authorization ends (`expired`), and how
 *   many orders were put into manual review, by reason (`opened`)
 */
export async function sweepCaptures(deps: SweepCapturesDeps) {
  const { sql, clock } = deps;
  const now = clock.now();
  const counts = { late: 0, expired: 0, opened: {} as Partial<Record<Failure['code'], number>> };
  const opens = (code: Failure['code']) => {
    counts.opened[code] = (counts.opened[code] ?? 0) + 1;
  };

  const ending = new Date(now + deps.expiryMarginSeconds * 1000);
  for (const order of await listExpiringAuthorizations(sql, { before: ending, limit })) {
    await attempt(order.orderId, () => expire(order));
  }
  const before = new Date(now - deps.quietSeconds * 1000);
  for (const { capture, requestedAt } of await listOpenCaptures(sql, { before, limit })) {
    await attempt(capture.orderId, () => goOn(capture, requestedAt.getTime()));
  }
  return counts;

  async function attempt(orderId: string, work: () => Promise<void>): Promise<void> {
    if (deps.stopwatch.elapsed() >= deps.untilMs) return;
    try {
      await work();
    } catch (error) {
      deps.onError(orderId, error);
    }
  }

  async function expire({ orderId, ...order }: { orderId: string; correlationId: string | null }): Promise<void> {
    const at = new Date(now);
    if (deps.expiryAction === 'capture') {
      const capture = await claimCapture(sql, { orderId, by: 'expiry', at });
      if (capture === undefined) return;
      counts.expired += 1;
      return deps.startCapturing({ ...capture, ...askedFor(order) });
    }
    const why = { error: 'AuthorizationExpiring', message: 'The authorization ends soon.', certain: true };
    const eventId = newId('event', clock);
    const review = { orderId, eventId, failure: authorizationExpiring, execution: 'none', why, at };
    if ((await reviewCapture(sql, review)).opened) opens(authorizationExpiring.code);
  }

  async function goOn(capture: CapturingInput, requestedAt: number): Promise<void> {
    const execution = capturingExecution(capture);
    const status = await deps.describeExecution(execution);
    if (isUnderWay(status)) return;
    if (status === 'none') return start(capture);
    const pauses = firstPauseSeconds * (2 ** capture.attempt - 1) * 1000;
    if (capture.attempt < mostAttempts) {
      if (now < requestedAt + pauses || !(await nextCaptureAttempt(sql, capture))) return;
      return start({ ...capture, attempt: capture.attempt + 1 });
    }
    const { opened } = await reviewCapture(sql, {
      orderId: capture.orderId,
      eventId: newId('event', clock),
      failure: captureFailed,
      execution: execution.name,
      why: { error: 'CaptureOpen', message: `${capture.attempt} attempts got no answer.`, certain: false },
      at: new Date(now),
    });
    if (opened) opens(captureFailed.code);
  }

  async function start(capture: CapturingInput): Promise<void> {
    await deps.startCapturing(capture);
    counts.late += 1;
  }
}
