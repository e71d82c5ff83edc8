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
 * and who reads reports see costs, straight from the database: what is cached has none. A variant goes off sale with its
 * product.
 */
export async function run({ path, caller }: Request<typeof contract.getProduct>, deps: Deps): Promise<Result> {
  const costs = seesCosts(caller);
  const read = (id: string) => {
    const find = () => findProduct(deps.sql(), id, { costs });
    return costs ? find() : readCachedProduct(deps.cache, id, find);
  };
  const product = await read(path.productId);
  if (product === undefined) throw notFound();
  if (isBackOffice(caller)) return answer(product);
  const parent = product.parentId === null ? product : await read(product.parentId);
  if (!product.active || !parent?.active) throw notFound();
  return answer({ ...product, variants: product.variants.filter(({ active }) => active) });
}

const answer = (body: contract.ProductWithVariants): Result => ({ status: 200, body, etag: versionTag(body.version) });

export const handler = httpHandler(routes['get-product'], contract.getProduct, run, (runtime) => ({
  sql: () => sqlAs('catalog_reader'),
  cache: cacheOver('catalog_reader', runtime),
}));
