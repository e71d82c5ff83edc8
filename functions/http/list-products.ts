import { isBackOffice } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listProducts } from '../../lib/shop/catalog/products.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run({ query, caller }: Request<typeof contract.listProducts>, deps: Deps): Promise<Result> {
  const { active, sku, ...page } = query;
  const mayAll = isBackOffice(caller);
  if (active === 'false' && !mayAll) {
    throw new Problem('forbidden', 'What is not on sale is for applications with a key and the scope catalog:write.');
  }
  const onlyActive = active === undefined ? !(mayAll && sku !== undefined) || undefined : active === 'true';
  return { status: 200, body: await listProducts(deps.sql(), { active: onlyActive, sku }, page) };
}

export const handler = httpHandler(routes['list-products'], contract.listProducts, run, () => ({
  sql: () => sqlAs('catalog_reader'),
}));
