import { callerKey } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/returns.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { requireScope } from '../../lib/http/authorize.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import { ownerOf } from '../../lib/http/order-owner.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import type { GoodsDeps } from '../../lib/shop/fulfilment/fulfilments.ts';
import { noSuchOrder, orderExists } from '../../lib/shop/fulfilment/order.sql.ts';
import { requestReturn } from '../../lib/shop/fulfilment/returns.ts';
import { routes } from '../routes.ts';

type Deps = Omit<GoodsDeps, 'sql'> & { sql: () => GoodsDeps['sql'] };

/**
 * Customers and guests act for themselves by an application that may place their orders; others need to be allowed for
 * everybody.
 */
export async function run(
  request: Request<typeof contract.requestReturn, CallerOf<'client'>>,
  deps: Deps,
): Promise<Result> {
  const { caller, path, body, orderToken } = request;
  requireScope(caller, caller.kind === 'app' ? 'returns:manage' : 'orders:place');
  const of = { ...path, ...ownerOf(caller, path.orderId, orderToken) };
  const sql = deps.sql();
  // Guests share the keys of an address, and a token can end: a stored answer is for who may see the order now.
  if (caller.kind === 'client' && !(await orderExists(sql, of))) throw noSuchOrder();
  // The key of a guest has their address, which is not kept.
  const requestedBy = caller.kind === 'client' ? 'guest' : callerKey(caller);
  const wanted = { ...body, of, requestedBy };
  const { answer, replayed } = await requestReturn({ ...deps, sql }, claimOf('request-return', request), wanted);
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['request-return'], contract.requestReturn, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('fulfilment_api'),
  clock,
  keys: idempotency('orders.fulfilment_idempotency_keys'),
}));
