import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { CachePointers } from '../../lib/kernel/cache-changes.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { changeProducts } from '../../lib/shop/catalog/cached-products.ts';
import { updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { familyOf } from '../../lib/shop/catalog/variants.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; pointers: CachePointers };

export async function run(request: Request<typeof contract.updateProduct, App>, deps: Deps): Promise<Result> {
  const { path, body, condition, requestId } = request;
  const product = await changeProducts(
    deps.pointers,
    await familyOf(deps.sql(), path.productId),
    () => updateProduct(deps.sql(), path.productId, body, condition, deps.clock, requestId),
    (changed) => changed,
  );
  return { status: 200, body: product, etag: versionTag(product.version) };
}

export const handler = httpHandler(routes['update-product'], contract.updateProduct, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
  pointers: cachePointers(),
}));
