import * as contract from '../../lib/contract/api/shipping-methods.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listShippingMethods } from '../../lib/shop/pricing/shipping-methods.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, query }: Request<typeof contract.listShippingMethods, CallerOf<'client'>>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const inactive = caller.kind === 'app' && caller.application.scopes.includes('catalog:write');
  return { status: 200, body: { data: await listShippingMethods(sql(), { ...query, inactive }) } };
}

export const handler = httpHandler(routes['list-shipping-methods'], contract.listShippingMethods, run, () => ({
  sql: () => sqlAs('catalog_reader'),
}));
