import * as contract from '../../lib/contract/api/order-changes.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { changeOrder } from '../../lib/shop/orders/change.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; clock: Clock };

export async function run(
  {
    caller,
    path: { orderId },
    body,
    condition,
    orderToken,
    requestId,
  }: Request<typeof contract.updateOrder, CallerOf<'client'>>,
  { sql, clock }: Deps,
): Promise<Result> {
  const of = { orderId, ...ownerOf(caller, orderId, orderToken) };
  const by = caller.kind === 'client' ? 'guest' : caller.kind === 'app' ? 'application' : 'customer';
  const order = await changeOrder({ sql: sql(), clock }, of, body, { by, condition, requestId });
  return { status: 200, body: order, etag: versionTag(order.version) };
}

export const handler = httpHandler(routes['update-order'], contract.updateOrder, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('orders_api'),
  clock,
}));
