import { type App, callerKey } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/refunds.ts';
import { storeFinalAnswer } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { idempotency } from '../../lib/platform/deps.ts';
import { startRefunding } from '../../lib/platform/executions.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { type Sleep, sleep, waitFor } from '../../lib/shop/orders/wait.ts';
import { findRefund } from '../../lib/shop/payments/refunds.sql.ts';
import { type RefundDeps, requestRefund } from '../../lib/shop/payments/refunds.ts';
import { routes } from '../routes.ts';

type Deps = Omit<RefundDeps, 'sql'> & { sql: () => RefundDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(request: Request<typeof contract.requestRefund, App>, deps: Deps): Promise<Result> {
  const { caller, path, body, waitSeconds, log } = request;
  const { orderId } = path;
  const sql = deps.sql();
  const until = deps.stopwatch.elapsed() + waitSeconds * 1000;
  const claim = { ...claimOf('request-refund', request), key: request.idempotencyKey ?? '' };
  const asked = { orderId, amount: body.amount, reason: body.reason, requestedBy: callerKey(caller) };
  const { answer, refund, startError } = await requestRefund({ ...deps, sql }, claim, asked);
  if (refund === undefined) return fromStored(answer, true);
  if (startError !== undefined) {
    log.warn('refund not started, left to the sweeper', { orderId, refundId: refund.id, reason: String(startError) });
  }
  if (waitSeconds === 0) return fromStored(answer, false);

  const headers = { ...answer.headers, 'preference-applied': `wait=${waitSeconds}` };
  const look = () => findRefund(sql, { orderId, refundId: refund.id });
  const settled = await waitFor(deps, look, ({ status }) => status !== 'requested', until);
  if (settled === undefined || settled.status === 'requested') return fromStored({ ...answer, headers }, false);

  const final = { status: 201, headers, body: JSON.stringify(settled) };
  const stored = await storeFinalAnswer(sql, claim, deps.keys, final);
  return fromStored(stored ? final : { ...answer, headers }, false);
}

export const handler = httpHandler(routes['request-refund'], contract.requestRefund, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('refunds_api'),
  clock,
  stopwatch,
  keys: idempotency('orders.idempotency_keys'),
  startRefunding,
  sleep,
}));
