import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/categories.ts';
import { idempotent, type KeyOptions } from '../../lib/database/idempotency.sql.ts';
import { claimOf, fromStored, toStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { CachePointers } from '../../lib/kernel/cache-changes.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { cachePointers } from '../../lib/platform/cache.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { changeCategories } from '../../lib/shop/catalog/cached-categories.ts';
import { insertCategory } from '../../lib/shop/catalog/categories.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions; pointers: CachePointers };

export async function run(request: Request<typeof contract.createCategory, App>, deps: Deps): Promise<Result> {
  const add = () =>
    idempotent(deps.sql(), claimOf('create-category', request), deps.keys, async (tx) => {
      const category = await insertCategory(tx, request.body, deps.clock);
      return toStored({ status: 201, headers: { etag: versionTag(category.version) }, body: category });
    });
  const { answer, replayed } = await changeCategories(deps.pointers, add);
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['create-category'], contract.createCategory, run, ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
  keys: idempotency('catalog.idempotency_keys'),
  pointers: cachePointers(),
}));
