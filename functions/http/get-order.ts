import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/orders.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findOrder } from '../../lib/shop/orders/read.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path }: Request<typeof contract.getOrder, Customer>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const order = await findOrder(sql(), { orderId: path.orderId, customerId: caller.customerId });
  if (order === undefined) throw new Problem('not-found', 'You have no such order.');
  return { status: 200, body: order, etag: versionTag(order.version) };
}

export const handler = httpHandler(routes['get-order'], contract.getOrder, run, () => ({
  sql: () => sqlAs('orders_api'),
}));
