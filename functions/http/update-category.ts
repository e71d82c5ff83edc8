import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/categories.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { CachePointers } from '../../lib/kernel/cache-changes.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { changeCategories } from '../../lib/shop/catalog/cached-categories.ts';
import { updateCategory } from '../../lib/shop/catalog/categories.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; pointers: CachePointers };

export async function run(request: Request<typeof contract.updateCategory, App>, deps: Deps): Promise<Result> {
  const { path, body, condition } = request;
  const category = await changeCategories(deps.pointers, () =>
    updateCategory(deps.sql(), path.categoryId, body, condition, deps.clock),
  );
  return { status: 200, body: category, etag: versionTag(category.version) };
}

export const handler = httpHandler(routes['update-category'], contract.updateCategory, run, ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
  pointers: cachePointers(),
}));
