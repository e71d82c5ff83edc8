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
import { insertVariant } from '../../lib/shop/catalog/variants.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock; keys: KeyOptions; pointers: CachePointers };

export async function run(request: Request<typeof contract.createVariant, App>, deps: Deps): Promise<Result> {
  const { path, body, requestId } = request;
  let variant: contract.ProductWithVariants | undefined;
  const add = () =>
    idempotent(deps.sql(), claimOf('create-variant', request), deps.keys, async (tx) => {
      variant = await insertVariant(tx, path.productId, body, { clock: deps.clock, requestId });
      const headers = { location: `/products/${variant.id}`, etag: versionTag(variant.version) };
      return toStored({ status: 201, headers, body: variant });
    });
  const { answer, replayed } = await changeProducts(deps.pointers, [path.productId], add, () => variant);
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['create-variant'], contract.createVariant, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
  keys: idempotency('catalog.idempotency_keys'),
  pointers: cachePointers(),
}));
