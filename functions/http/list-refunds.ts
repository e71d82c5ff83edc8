import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/refunds.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { currencyOf, listRefunds } from '../../lib/shop/payments/refunds.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path: { orderId }, query: { limit, cursor } }: Request<typeof contract.listRefunds, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const list = `list-refunds ${orderId}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const refunds = await listRefunds(sql(), { orderId, before, limit: limit + 1 });
  if (refunds.length === 0 && (await currencyOf(sql(), orderId)) === undefined) {
    throw new Problem('not-found', 'There is no such order.');
  }
  return { status: 200, body: toPage(list, refunds, limit) };
}

export const handler = httpHandler(routes['list-refunds'], contract.listRefunds, run, () => ({
  sql: () => sqlAs('refunds_api'),
}));
