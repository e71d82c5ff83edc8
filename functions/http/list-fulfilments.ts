import * as contract from '../../lib/contract/api/fulfilments.ts';

import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readFulfilments } from '../../lib/shop/fulfilment/fulfilments.sql.ts';
import { noSuchOrder, orderExists } from '../../lib/shop/fulfilment/order.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path, orderToken }: Request<typeof contract.listFulfilments, CallerOf<'client'>>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const of = { ...path, ...ownerOf(caller, path.orderId, orderToken) };
  if (!(await orderExists(sql(), of))) throw noSuchOrder();
  return { status: 200, body: { data: await readFulfilments(sql(), path) } };
}

export const handler = httpHandler(routes['list-fulfilments'], contract.listFulfilments, run, () => ({
  sql: () => sqlAs('fulfilment_api'),
}));
