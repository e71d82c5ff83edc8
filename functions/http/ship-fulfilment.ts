import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/fulfilments.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import { warnIfNotStarted } from '../../lib/http/long-running.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { startCapturing } from '../../lib/platform/executions.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import { routes } from '../routes.ts';

type ShipDeps = Parameters<typeof shipFulfilment>[0];
type Deps = Omit<ShipDeps, 'sql'> & { sql: () => ShipDeps['sql'] };

export async function run(request: Request<typeof contract.shipFulfilment, App>, deps: Deps): Promise<Result> {
  const wanted = { ...request.path, tracking: request.body };
  const claim = claimOf('ship-fulfilment', request);
  const { answer, replayed, startError } = await shipFulfilment({ ...deps, sql: deps.sql() }, claim, wanted);
  warnIfNotStarted(request.log, startError, { orderId: request.path.orderId });
  return fromStored(answer, replayed);
}

export const handler = httpHandler(
  routes['ship-fulfilment'],
  contract.shipFulfilment,
  announcing(run),
  ({ clock }) => ({
    sql: () => sqlAs('fulfilment_api'),
    clock,
    keys: idempotency('orders.fulfilment_idempotency_keys'),
    startCapturing,
  }),
);
