import { isBackOffice, seesCosts } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Cache } from '../../lib/kernel/cache-aside.ts';
import { cacheOver } from '../../lib/platform/cache.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listCachedProducts } from '../../lib/shop/catalog/cached-products.ts';
import { listProducts } from '../../lib/shop/catalog/list.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; cache: Cache };

/** A back office, and who sees costs, read the database; all others what is cached of what is on sale. */
export async function run({ query, caller }: Request<typeof contract.listProducts>, deps: Deps): Promise<Result> {
  const { active, inStock, limit, cursor, ...rest } = query;
  const page = { limit, cursor };
  const mayAll = isBackOffice(caller);
  if (active === 'false' && !mayAll) {
    throw new Problem('forbidden', 'What is not on sale is for applications with a key and the scope catalog:write.');
  }
  const costs = seesCosts(caller);
  const given = active === undefined ? rest.sku === undefined || undefined : active === 'true';
  const filter = { ...rest, active: mayAll ? given : true, ...(inStock === undefined ? {} : { inStock: true }) };
  const load = () => listProducts(deps.sql(), filter, page, { costs });
  return { status: 200, body: costs ? await load() : await listCachedProducts(deps.cache, { filter, ...page, load }) };
}

export const handler = httpHandler(routes['list-products'], contract.listProducts, run, (runtime) => ({
  sql: () => sqlAs('catalog_reader'),
  cache: cacheOver('catalog_reader', runtime),
}));
