import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock };

export async function run(request: Request<typeof contract.updateProduct, App>, deps: Deps): Promise<Result> {
  const { path, body, condition, requestId } = request;
  const product = await updateProduct(deps.sql(), path.productId, body, condition, deps.clock, requestId);
  return { status: 200, body: product, etag: versionTag(product.version) };
}

export const handler = httpHandler(routes['update-product'], contract.updateProduct, run, ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
}));
