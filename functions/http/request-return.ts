import { callerKey, customerOf } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/returns.ts';
import type { CallerOf } from '../../lib/contract/deploy/route.ts';
import { requireScope } from '../../lib/http/authorize.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import type { GoodsDeps } from '../../lib/shop/fulfilment/fulfilments.ts';
import { requestReturn } from '../../lib/shop/fulfilment/returns.ts';
import { routes } from '../routes.ts';

type Deps = Omit<GoodsDeps, 'sql'> & { sql: () => GoodsDeps['sql'] };

/** Customers act for themselves by an application that may place their orders; others need to be allowed for everybody. */
export async function run(
  request: Request<typeof contract.requestReturn, CallerOf<'customerOrApp'>>,
  deps: Deps,
): Promise<Result> {
  const { caller, path, body } = request;
  const customerId = customerOf(caller);
  requireScope(caller, customerId === undefined ? 'returns:manage' : 'orders:place');
  const wanted = { ...path, ...body, customerId, requestedBy: callerKey(caller) };
  const { answer, replayed } = await requestReturn(
    { ...deps, sql: deps.sql() },
    claimOf('request-return', request),
    wanted,
  );
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['request-return'], contract.requestReturn, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('fulfilment_api'),
  clock,
  keys: idempotency('orders.fulfilment_idempotency_keys'),
}));
