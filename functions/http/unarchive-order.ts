import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { ReviewDeps } from '../../lib/operations/manual-review/retry.ts';
import { unarchiveOrder } from '../../lib/operations/manual-review/unarchive.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = Omit<ReviewDeps, 'sql'> & { sql: () => Sql };

export async function run(request: Request<typeof contract.unarchiveOrder, App>, deps: Deps): Promise<Result> {
  const { caller, path, requestId } = request;
  const claim = claimOf('unarchive-order', request);
  const order = { orderId: path.orderId, keyId: caller.keyId, requestId };
  const { answer, replayed } = await unarchiveOrder({ ...deps, sql: deps.sql() }, claim, order);
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['unarchive-order'], contract.unarchiveOrder, run, ({ clock }) => ({
  sql: () => sqlAs('manual_review'),
  clock,
  keys: idempotency('orders.review_idempotency_keys'),
}));
