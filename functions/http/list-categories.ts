import * as contract from '../../lib/contract/api/categories.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Cache } from '../../lib/kernel/cache-aside.ts';
import { cacheOver } from '../../lib/platform/cache.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listCachedCategories } from '../../lib/shop/catalog/cached-categories.ts';
import { listCategories } from '../../lib/shop/catalog/categories.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; cache: Cache };

export async function run(_: Request<typeof contract.listCategories>, { sql, cache }: Deps): Promise<Result> {
  return { status: 200, body: { data: await listCachedCategories(cache, () => listCategories(sql())) } };
}

export const handler = httpHandler(routes['list-categories'], contract.listCategories, run, (runtime) => ({
  sql: () => sqlAs('catalog_reader'),
  cache: cacheOver('catalog_reader', runtime),
}));
