import { type App, callerKey } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/refunds.ts';
import { claimOf } from '../../lib/http/idempotency.ts';
import { answerLongRunning, locatedId, warnIfNotStarted } from '../../lib/http/long-running.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { startRefunding } from '../../lib/platform/executions.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { type Sleep, sleep, waitFor } from '../../lib/shop/orders/wait.ts';
import { findRefund } from '../../lib/shop/payments/refunds.sql.ts';
import { type RefundDeps, requestRefund } from '../../lib/shop/payments/refunds.ts';
import { routes } from '../routes.ts';

type Deps = Omit<RefundDeps, 'sql'> & { sql: () => RefundDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(request: Request<typeof contract.requestRefund, App>, deps: Deps): Promise<Result> {
  const sql = deps.sql();
  const { orderId } = request.path;
  const claim = { ...claimOf('request-refund', request), key: request.idempotencyKey ?? '' };
  const wanted = { amount: undefined, ...request.body, orderId, requestedBy: callerKey(request.caller) };
  const { answer, refund, startError } = await requestRefund({ ...deps, sql }, claim, wanted);
  const of = { orderId, refundId: refund?.id ?? locatedId(answer) };
  const isSettled = ({ status }: { status: string }) => status !== 'requested';
  warnIfNotStarted(request.log, startError, of);
  return await answerLongRunning(request, {
    accepted: answer,
    replayed: refund === undefined,
    wait: (until) => waitFor(deps, () => findRefund(sql, of), isSettled, until),
    finalStatus: (state) => (isSettled(state) ? 201 : undefined),
  });
}

export const handler = httpHandler(routes['request-refund'], contract.requestRefund, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('refunds_api'),
  clock,
  stopwatch,
  keys: idempotency('payments.idempotency_keys'),
  startRefunding,
  sleep,
}));
