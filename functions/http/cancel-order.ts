import { callerKey } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/orders.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { claimOf } from '../../lib/http/idempotency.ts';
import { answerLongRunning, warnIfNotStarted } from '../../lib/http/long-running.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { config } from '../../lib/platform/config.ts';
import { startCompensating, startRefunding } from '../../lib/platform/executions.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { resumeSaga } from '../../lib/platform/resume.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { type CancelDeps, cancelOrder } from '../../lib/shop/orders/cancel.ts';
import { hasEnded } from '../../lib/shop/orders/transitions.ts';
import { type Sleep, sleep, waitForEnd } from '../../lib/shop/orders/wait.ts';
import { routes } from '../routes.ts';

type Deps = Omit<CancelDeps, 'sql'> & { sql: () => CancelDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(
  request: Request<typeof contract.cancelOrder, CallerOf<'client'>>,
  deps: Deps,
): Promise<Result> {
  const sql = deps.sql();
  const { orderId } = request.path;
  const of = { orderId, ...ownerOf(request.caller, orderId, request.orderToken) };
  const claim = claimOf('cancel-order', request);
  const requestedBy = request.caller.kind === 'client' ? 'guest' : callerKey(request.caller);
  const wanted = { ...of, ...request.body, requestedBy };
  const { answer, replayed, startError } = await cancelOrder({ ...deps, sql }, claim, wanted);
  warnIfNotStarted(request.log, startError, { orderId: of.orderId });
  return await answerLongRunning(request, {
    accepted: answer,
    replayed,
    wait: (until) => waitForEnd({ ...deps, sql }, of, until),
    finalStatus: ({ status }) => (hasEnded(status) ? 200 : undefined),
  });
}

export const handler = httpHandler(routes['cancel-order'], contract.cancelOrder, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('cancellations_api'),
  clock,
  stopwatch,
  keys: idempotency('orders.idempotency_keys'),
  startCompensating,
  startRefunding,
  resumeSaga,
  windowSeconds: config().CANCELLATION_WINDOW_SECONDS,
  sleep,
}));
