import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/coupons.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findCoupon } from '../../lib/shop/pricing/coupons.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path }: Request<typeof contract.getCoupon, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const coupon = await findCoupon(sql(), path.code);
  return { status: 200, body: coupon, etag: versionTag(coupon.version) };
}

export const handler = httpHandler(routes['get-coupon'], contract.getCoupon, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
