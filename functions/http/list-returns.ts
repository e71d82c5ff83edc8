import * as contract from '../../lib/contract/api/returns.ts';

import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { noSuchOrder, orderExists } from '../../lib/shop/fulfilment/order.sql.ts';
import { readReturns } from '../../lib/shop/fulfilment/returns.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path, orderToken }: Request<typeof contract.listReturns, CallerOf<'client'>>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const of = { ...path, ...ownerOf(caller, path.orderId, orderToken) };
  if (!(await orderExists(sql(), of))) throw noSuchOrder();
  return { status: 200, body: { data: await readReturns(sql(), path) } };
}

export const handler = httpHandler(routes['list-returns'], contract.listReturns, run, () => ({
  sql: () => sqlAs('fulfilment_api'),
}));
