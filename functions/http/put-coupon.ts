import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/coupons.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { replaceCoupon } from '../../lib/shop/pricing/coupons.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, body, condition }: Request<typeof contract.putCoupon, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const { added, row } = await replaceCoupon(sql(), path.code, body, { condition, at: new Date(clock.now()) });
  return { status: added ? 201 : 200, body: row, headers: { etag: versionTag(row.version) } };
}

export const handler = httpHandler(routes['put-coupon'], contract.putCoupon, run, ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
}));
