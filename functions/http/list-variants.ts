import { isBackOffice, seesCosts } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Cache } from '../../lib/kernel/cache-aside.ts';
import { cacheOver } from '../../lib/platform/cache.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readCachedVariants } from '../../lib/shop/catalog/cached-products.ts';
import { notFound } from '../../lib/shop/catalog/products.sql.ts';
import { listVariants } from '../../lib/shop/catalog/variants.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; cache: Cache };

/** A back office sees what is off sale too; all others what is cached of what is on sale. */
export async function run({ path, caller }: Request<typeof contract.listVariants>, deps: Deps): Promise<Result> {
  const costs = seesCosts(caller);
  const load = () => listVariants(deps.sql(), path.productId, { costs });
  const found = costs ? await load() : await readCachedVariants(deps.cache, path.productId, load);
  const mayAll = isBackOffice(caller);
  if (found === undefined || !(found.product.active || mayAll)) throw notFound();
  return { status: 200, body: { data: found.variants.filter(({ active }) => active || mayAll) } };
}

export const handler = httpHandler(routes['list-variants'], contract.listVariants, run, (runtime) => ({
  sql: () => sqlAs('catalog_reader'),
  cache: cacheOver('catalog_reader', runtime),
}));
