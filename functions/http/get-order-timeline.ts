import * as contract from '../../lib/contract/api/orders.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readTimeline } from '../../lib/shop/orders/read.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path: { orderId }, orderToken }: Request<typeof contract.getOrderTimeline, CallerOf<'client'>>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const entries = await readTimeline(sql(), { orderId, ...ownerOf(caller, orderId, orderToken) });
  if (entries === undefined) throw new Problem('not-found', 'You have no such order.');
  return { status: 200, body: { data: entries } };
}

export const handler = httpHandler(routes['get-order-timeline'], contract.getOrderTimeline, run, () => ({
  sql: () => sqlAs('orders_api'),
}));
