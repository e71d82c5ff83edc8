import * as contract from '../../lib/contract/api/catalog.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listOnSale } from '../../lib/shop/catalog/products.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

export async function run({ query }: Request<typeof contract.listProducts>, deps: Deps): Promise<Result> {
  return { status: 200, body: await listOnSale(deps.sql(), query) };
}

export const handler = httpHandler(routes['list-products'], contract.listProducts, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
