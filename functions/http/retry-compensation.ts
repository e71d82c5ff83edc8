import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import { type DeskDeps, retryUndo } from '../../lib/operations/manual-review/retry.ts';
import { httpDoor, type Request, type Result } from '../../lib/http/handler.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { StartSaga } from '../../lib/shop/orders/place.ts';
import { idempotency } from '../../lib/platform/deps.ts';
import { startSaga } from '../../lib/platform/executions.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = Omit<DeskDeps, 'sql'> & { sql: () => Sql; startSaga: StartSaga };

export async function run(request: Request<typeof contract.retryUndo, App>, deps: Deps): Promise<Result> {
  const { caller, path, requestId, log } = request;
  const asked = { orderId: path.orderId, keyId: caller.keyId, requestId };
  const claim = claimOf('retry-undo', request);
  const { answer, replayed, startError } = await retryUndo({ ...deps, sql: deps.sql() }, claim, asked);
  if (startError !== undefined) {
    log.warn('saga not started, left to the sweeper', { ...path, reason: String(startError) });
  }
  return fromStored(answer, replayed);
}

export const handler = httpDoor(routes['retry-undo'], contract.retryUndo, run, ({ clock }) => ({
  sql: () => sqlAs('operations'),
  clock,
  keys: idempotency('orders.idempotency_keys'),
  startSaga,
}));
