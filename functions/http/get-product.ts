import { isBackOffice, seesCosts } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Cache } from '../../lib/kernel/cache-aside.ts';
import { cacheOver } from '../../lib/platform/cache.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readCachedProduct } from '../../lib/shop/catalog/cached-products.ts';
import { findProduct, notFound } from '../../lib/shop/catalog/products.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; cache: Cache };

/**
 * The ETag is the version, so that it can be the `If-Match` of a change. A back office sees what is off sale too. It
 * and who reads reports see costs, straight from the database: what is cached has none.
 */
export async function run({ path, caller }: Request<typeof contract.getProduct>, deps: Deps): Promise<Result> {
  const { productId } = path;
  const costs = seesCosts(caller);
  const find = () => findProduct(deps.sql(), productId, { costs });
  const product = costs ? await find() : await readCachedProduct(deps.cache, productId, find);
  if (product === undefined || !(product.active || isBackOffice(caller))) throw notFound();
  return { status: 200, body: product, etag: versionTag(product.version) };
}

export const handler = httpHandler(routes['get-product'], contract.getProduct, run, (runtime) => ({
  sql: () => sqlAs('catalog_reader'),
  cache: cacheOver('catalog_reader', runtime),
}));
