import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { CachePointers } from '../../lib/kernel/cache-changes.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { changeProducts } from '../../lib/shop/catalog/cached-products.ts';
import { insertProduct } from '../../lib/shop/catalog/change.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions; pointers: CachePointers };

export async function run(request: Request<typeof contract.createProduct, App>, deps: Deps): Promise<Result> {
  let product: contract.ProductWithVariants | undefined;
  const add = () =>
    idempotent(deps.sql(), claimOf('create-product', request), deps.keys, async (tx) => {
      product = await insertProduct(tx, request.body, deps.clock, request.requestId);
      const headers = { location: `/products/${product.id}`, etag: versionTag(product.version) };
      return toStored({ status: 201, headers, body: product });
    });
  const { answer, replayed } = await changeProducts(deps.pointers, [], add, () => product);
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['create-product'], contract.createProduct, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
  keys: idempotency('catalog.idempotency_keys'),
  pointers: cachePointers(),
}));
