import type { Customer } from '../../lib/contract/caller.ts';
import * as contract from '../../lib/contract/orders.ts';
import { Problem } from '../../lib/contract/problems.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { versionTag } from '../../lib/entry/http-result.ts';
import { findOrder } from '../../lib/orders/read.sql.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path }: Request<typeof contract.getOrder, Customer>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const order = await findOrder(sql(), { orderId: path.orderId, customerId: caller.customerId });
  if (order === undefined) throw new Problem('not-found', 'You have no such order.');
  return { status: 200, body: order, etag: versionTag(order.version) };
}

export const handler = httpDoor(routes['get-order'], contract.getOrder, run, () => ({
  sql: () => sqlAs('orders_api'),
}));
