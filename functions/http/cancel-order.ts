import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/orders.ts';
import { storeFinalAnswer } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { config } from '../../lib/platform/config.ts';
import { idempotency } from '../../lib/platform/deps.ts';
import { startCompensating } from '../../lib/platform/executions.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { resumeSaga } from '../../lib/platform/resume.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { type CancelDeps, cancelOrder } from '../../lib/shop/orders/cancel.ts';
import { hasEnded } from '../../lib/shop/orders/transitions.ts';
import { type Sleep, sleep, waitForEnd } from '../../lib/shop/orders/wait.ts';
import { routes } from '../routes.ts';

type Deps = Omit<CancelDeps, 'sql'> & { sql: () => CancelDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(request: Request<typeof contract.cancelOrder, Customer>, deps: Deps): Promise<Result> {
  const { caller, path, waitSeconds, log } = request;
  const sql = deps.sql();
  // Not from when the wait begins: a saga that is slow to start must not keep the answer beyond the handler's deadline.
  const until = deps.stopwatch.elapsed() + waitSeconds * 1000;
  const of = { orderId: path.orderId, customerId: caller.customerId };
  const claim = claimOf('cancel-order', request);
  const { answer, replayed, startError } = await cancelOrder({ ...deps, sql }, claim, of);
  if (startError !== undefined) {
    log.warn('saga not started, left to the sweeper', { orderId: of.orderId, reason: String(startError) });
  }
  if (replayed || waitSeconds === 0) return fromStored(answer, replayed);

  const headers = { ...answer.headers, 'preference-applied': `wait=${waitSeconds}` };
  const ended = await waitForEnd({ ...deps, sql }, of, until);
  if (ended === undefined || !hasEnded(ended.status)) return fromStored({ ...answer, headers }, false);

  const final = { status: 200, headers, body: JSON.stringify(ended) };
  const { key } = claim;
  const stored = key === undefined || (await storeFinalAnswer(sql, { ...claim, key }, deps.keys, final));
  return fromStored(stored ? final : { ...answer, headers }, false);
}

export const handler = httpHandler(routes['cancel-order'], contract.cancelOrder, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('orders_api'),
  clock,
  stopwatch,
  keys: idempotency('orders.idempotency_keys'),
  startCompensating,
  resumeSaga,
  windowSeconds: config().CANCELLATION_WINDOW_SECONDS,
  sleep,
}));
