import * as contract from '../../lib/contract/api/fulfilments.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { readFulfilments } from '../../lib/shop/fulfilment/fulfilments.sql.ts';
import { orderExists } from '../../lib/shop/fulfilment/order.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { caller, path, orderToken }: Request<typeof contract.getFulfilment, CallerOf<'client'>>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const of = { ...path, ...ownerOf(caller, path.orderId, orderToken) };
  const [found] = await readFulfilments(sql(), path);
  if (found === undefined || !(await orderExists(sql(), of))) {
    throw new Problem('not-found', 'The order has no such fulfilment.');
  }
  return { status: 200, body: found };
}

export const handler = httpHandler(routes['get-fulfilment'], contract.getFulfilment, run, () => ({
  sql: () => sqlAs('fulfilment_api'),
}));
