import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import { resolveOrder } from '../../lib/operations/manual-review/resolve.ts';
import type { ReviewDeps } from '../../lib/operations/manual-review/retry.ts';
import { idempotency } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { compensatedByHand } from '../../lib/saga/failures.ts';
import { routes } from '../routes.ts';

type Deps = Omit<ReviewDeps, 'sql'> & { sql: () => Sql };

export async function run(request: Request<typeof contract.resolveOrder, App>, deps: Deps): Promise<Result> {
  const { caller, path, body, requestId, meter } = request;
  const asked = { ...body, orderId: path.orderId, keyId: caller.keyId, requestId };
  const claim = claimOf('resolve-order', request);
  const { answer, replayed } = await resolveOrder({ ...deps, sql: deps.sql() }, claim, asked);
  if (!replayed) {
    if (body.outcome === 'cancelled') meter.count('OrdersCancelled');
    else meter.count('OrdersFailed', 1, compensatedByHand.code);
  }
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['resolve-order'], contract.resolveOrder, run, ({ clock }) => ({
  sql: () => sqlAs('operations'),
  clock,
  keys: idempotency('orders.idempotency_keys'),
}));
