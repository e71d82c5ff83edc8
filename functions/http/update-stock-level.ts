import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/stock.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { setLowStock } from '../../lib/shop/stock/ledger.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, body }: Request<typeof contract.updateStockLevel, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  return { status: 200, body: await setLowStock(sql(), path.productId, body.lowStockAt) };
}

export const handler = httpHandler(routes['update-stock-level'], contract.updateStockLevel, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
