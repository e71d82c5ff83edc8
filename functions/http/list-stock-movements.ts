import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/stock.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readLedger } from '../../lib/shop/stock/ledger.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run(request: Request<typeof contract.listStockMovements, App>, deps: Deps): Promise<Result> {
  return { status: 200, body: await readLedger(deps.sql(), request.path.productId, request.query) };
}

export const handler = httpHandler(routes['list-stock-movements'], contract.listStockMovements, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
