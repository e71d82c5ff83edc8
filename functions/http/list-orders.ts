import type { Customer } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/orders.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { listOrders } from '../../lib/shop/orders/read.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, query }: Request<typeof contract.listOrders, Customer>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const { limit, cursor, status, number } = query;
  const list = `list-orders ${caller.customerId} ${status ?? ''} ${number ?? ''}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const orders = await listOrders(sql(), { customerId: caller.customerId, status, number, before, limit: limit + 1 });
  return { status: 200, body: toPage(list, orders, limit) };
}

export const handler = httpHandler(routes['list-orders'], contract.listOrders, run, () => ({
  sql: () => sqlAs('orders_api'),
}));
