import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/stock.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { adjustStock } from '../../lib/shop/stock/ledger.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions };

export async function run(request: Request<typeof contract.createStockMovement, App>, deps: Deps): Promise<Result> {
  const { productId } = request.path;
  const claim = claimOf('create-stock-movement', request);
  const { answer, replayed } = await idempotent(deps.sql(), claim, deps.keys, async (tx) => {
    const movement = await adjustStock(tx, productId, request.body, deps.clock);
    return toStored({ status: 201, headers: { location: `/products/${productId}/stock-movements` }, body: movement });
  });
  return fromStored(answer, replayed);
}

export const handler = httpHandler(
  routes['create-stock-movement'],
  contract.createStockMovement,
  announcing(run),
  ({ clock }) => ({
    sql: () => sqlAs('catalog_api'),
    clock,
    keys: idempotency('catalog.idempotency_keys'),
  }),
);
