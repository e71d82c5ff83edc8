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
import { listProducts } from '../../lib/shop/catalog/products.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; cache: Cache };

/** A back office, and who sees costs, read the database; all others what is cached of what is on sale. */
export async function run({ query, caller }: Request<typeof contract.listProducts>, deps: Deps): Promise<Result> {
  const { active, sku, ...page } = query;
  const mayAll = isBackOffice(caller);
  if (active === 'false' && !mayAll) {
    throw new Problem('forbidden', 'What is not on sale is for applications with a key and the scope catalog:write.');
  }
  const costs = seesCosts(caller);
  if (!costs) {
    const load = () => listProducts(deps.sql(), { active: true, sku }, page);
    return { status: 200, body: await listCachedProducts(deps.cache, { ...page, sku, load }) };
  }
  const given = active === undefined ? sku === undefined || undefined : active === 'true';
  const filter = { active: mayAll ? given : true, sku };
  return { status: 200, body: await listProducts(deps.sql(), filter, page, { costs }) };
}

export const handler = httpHandler(routes['list-products'], contract.listProducts, run, (runtime) => ({
  sql: () => sqlAs('catalog_reader'),
  cache: cacheOver('catalog_reader', runtime),
}));
