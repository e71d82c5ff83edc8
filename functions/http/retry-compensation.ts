import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import { type RetryDeps, retryCompensation } from '../../lib/operations/manual-review/retry.ts';
import { idempotency } from '../../lib/platform/deps.ts';
import { startCompensating } from '../../lib/platform/executions.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = Omit<RetryDeps, 'sql'> & { sql: () => Sql };

export async function run(request: Request<typeof contract.retryCompensation, App>, deps: Deps): Promise<Result> {
  const { caller, path, requestId, log } = request;
  const asked = { orderId: path.orderId, keyId: caller.keyId, requestId };
  const claim = claimOf('retry-compensation', request);
  const { answer, replayed, startError } = await retryCompensation({ ...deps, sql: deps.sql() }, claim, asked);
  if (startError !== undefined) {
    log.warn('saga not started, left to the sweeper', { ...path, reason: String(startError) });
  }
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['retry-compensation'], contract.retryCompensation, run, ({ clock }) => ({
  sql: () => sqlAs('operations'),
  clock,
  keys: idempotency('orders.idempotency_keys'),
  startCompensating,
}));
