import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { resolveOrder } from '../../lib/operations/manual-review/resolve.ts';
import type { ReviewDeps } from '../../lib/operations/manual-review/retry.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { compensatedByHand } from '../../lib/saga/failures.ts';
import { routes } from '../routes.ts';

type Deps = Omit<ReviewDeps, 'sql'> & { sql: () => Sql };

export async function run(request: Request<typeof contract.resolveOrder, App>, deps: Deps): Promise<Result> {
  const { caller, path, body, requestId, meter } = request;
  const resolution = { ...body, orderId: path.orderId, keyId: caller.keyId, requestId };
  const claim = claimOf('resolve-order', request);
  const { answer, replayed } = await resolveOrder({ ...deps, sql: deps.sql() }, claim, resolution);
  if (!replayed) {
    if (body.outcome === 'cancelled') meter.count('OrdersCancelled');
    else meter.count('OrdersFailed', 1, compensatedByHand.code);
  }
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['resolve-order'], contract.resolveOrder, run, ({ clock }) => ({
  sql: () => sqlAs('manual_review'),
  clock,
  keys: idempotency('orders.review_idempotency_keys'),
}));
