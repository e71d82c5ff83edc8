import { type App, callerKey } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/captures.ts';
import { claimOf } from '../../lib/http/idempotency.ts';
import { answerLongRunning, warnIfNotStarted } from '../../lib/http/long-running.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Stopwatch } from '../../lib/kernel/clock.ts';
import { startCapturing } from '../../lib/platform/executions.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { type Sleep, sleep, waitFor } from '../../lib/shop/orders/wait.ts';
import { type CaptureDeps, findCapture, isUnderWay, requestCapture } from '../../lib/shop/payments/captures.ts';
import { routes } from '../routes.ts';

type Deps = Omit<CaptureDeps, 'sql'> & { sql: () => CaptureDeps['sql']; sleep: Sleep; stopwatch: Stopwatch };

export async function run(request: Request<typeof contract.requestCapture, App>, deps: Deps): Promise<Result> {
  const sql = deps.sql();
  const { orderId } = request.path;
  const claim = claimOf('request-capture', request);
  const wanted = { orderId, requestedBy: callerKey(request.caller) };
  const { answer, replayed, startError } = await requestCapture({ ...deps, sql }, claim, wanted);
  warnIfNotStarted(request.log, startError, { orderId });
  return await answerLongRunning(request, {
    accepted: answer,
    replayed,
    wait: (until) =>
      waitFor(
        deps,
        () => findCapture(sql, orderId),
        (state) => !isUnderWay(state),
        until,
      ),
    finalStatus: (state) => (isUnderWay(state) ? undefined : 200),
  });
}

export const handler = httpHandler(routes['request-capture'], contract.requestCapture, run, ({ clock, stopwatch }) => ({
  sql: () => sqlAs('refunds_api'),
  clock,
  stopwatch,
  keys: idempotency('payments.idempotency_keys'),
  startCapturing,
  sleep,
}));
