import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/shipping-methods.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { deleteShippingMethod } from '../../lib/shop/pricing/shipping-methods.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path }: Request<typeof contract.deleteShippingMethod, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  await deleteShippingMethod(sql(), path.code);
  return { status: 204 };
}

export const handler = httpHandler(routes['delete-shipping-method'], contract.deleteShippingMethod, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
