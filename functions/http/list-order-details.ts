import type { App } from '../../lib/contract/api/caller.ts';
import { decodeCursor, toPage } from '../../lib/contract/api/cursor.ts';
import * as contract from '../../lib/contract/api/order-details.ts';
import { listOrderDetails, shownTo } from '../../lib/events/read-models/read-orders.sql.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, query }: Request<typeof contract.listOrderDetails, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const { limit, cursor, ...filter } = query;
  const list = `list-order-details ${JSON.stringify(filter)}`;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const { orders, readModel } = await listOrderDetails(sql(), { ...filter, before, limit: limit + 1 }, clock.now());
  const page = toPage(list, orders.map(shownTo(caller)), limit);
  return { status: 200, body: { ...page, readModel } };
}

export const handler = httpHandler(routes['list-order-details'], contract.listOrderDetails, run, ({ clock }) => ({
  sql: () => sqlAs('back_office_api'),
  clock,
}));
