import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import { warnIfNotStarted } from '../../lib/http/long-running.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { type RetryDeps, retryCompensation } from '../../lib/operations/manual-review/retry.ts';
import { startCapturing, startCompensating } from '../../lib/platform/executions.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = Omit<RetryDeps, 'sql'> & { sql: () => Sql };

export async function run(request: Request<typeof contract.retryCompensation, App>, deps: Deps): Promise<Result> {
  const { caller, path, requestId, log } = request;
  const order = { orderId: path.orderId, keyId: caller.keyId, requestId };
  const claim = claimOf('retry-compensation', request);
  const { answer, replayed, startError } = await retryCompensation({ ...deps, sql: deps.sql() }, claim, order);
  warnIfNotStarted(log, startError, path);
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['retry-compensation'], contract.retryCompensation, run, ({ clock }) => ({
  sql: () => sqlAs('manual_review'),
  clock,
  keys: idempotency('orders.review_idempotency_keys'),
  startCompensating,
  startCapturing,
}));
