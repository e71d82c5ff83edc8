import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/returns.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { announcing } from '../../lib/platform/handlers/announcing.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import type { GoodsDeps } from '../../lib/shop/fulfilment/fulfilments.ts';
import { receiveReturn } from '../../lib/shop/fulfilment/returns.ts';
import { routes } from '../routes.ts';

type Deps = Omit<GoodsDeps, 'sql'> & { sql: () => GoodsDeps['sql'] };

export async function run(request: Request<typeof contract.receiveReturn, App>, deps: Deps): Promise<Result> {
  const wanted = { ...request.path, ...request.body };
  const { answer, replayed } = await receiveReturn(
    { ...deps, sql: deps.sql() },
    claimOf('receive-return', request),
    wanted,
  );
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['receive-return'], contract.receiveReturn, announcing(run), ({ clock }) => ({
  sql: () => sqlAs('fulfilment_api'),
  clock,
  keys: idempotency('orders.fulfilment_idempotency_keys'),
}));
