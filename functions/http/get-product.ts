import { isBackOffice } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/catalog.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readProduct } from '../../lib/shop/catalog/products.sql.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql };

/** The ETag is the version, so that it can be the `If-Match` of a change. */
export async function run({ path, caller }: Request<typeof contract.getProduct>, deps: Deps): Promise<Result> {
  const product = await readProduct(deps.sql(), path.productId, { offSale: isBackOffice(caller) });
  return { status: 200, body: product, etag: versionTag(product.version) };
}

export const handler = httpHandler(routes['get-product'], contract.getProduct, run, () => ({
  sql: () => sqlAs('catalog_reader'),
}));
