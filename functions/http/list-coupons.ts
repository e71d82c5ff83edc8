import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/coupons.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listCoupons } from '../../lib/shop/pricing/coupons.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { query }: Request<typeof contract.listCoupons, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const { limit, cursor, ...filter } = query;
  const list = `list-coupons ${JSON.stringify(filter)}`;
  const after = cursor === undefined ? undefined : decodeCursor(list, cursor, /^[A-Za-z0-9-]{1,64}$/);
  const rows = await listCoupons(sql(), { ...filter, after, limit: limit + 1 });
  return { status: 200, body: toPage(list, rows, limit, ({ code }) => code) };
}

export const handler = httpHandler(routes['list-coupons'], contract.listCoupons, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
