import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/shipping-methods.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { replaceShippingMethod } from '../../lib/shop/pricing/shipping-methods.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, body, condition }: Request<typeof contract.putShippingMethod, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const { added, row } = await replaceShippingMethod(sql(), path.code, body, { condition, at: new Date(clock.now()) });
  return { status: added ? 201 : 200, body: row, headers: { etag: versionTag(row.version) } };
}

export const handler = httpHandler(routes['put-shipping-method'], contract.putShippingMethod, run, ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
}));
