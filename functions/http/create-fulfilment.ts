import { type App, callerKey } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/fulfilments.ts';
import { claimOf, fromStored } from '../../lib/http/idempotency.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { idempotency } from '../../lib/platform/stores.ts';
import { createFulfilment, type GoodsDeps } from '../../lib/shop/fulfilment/fulfilments.ts';
import { routes } from '../routes.ts';

type Deps = Omit<GoodsDeps, 'sql'> & { sql: () => GoodsDeps['sql'] };

export async function run(request: Request<typeof contract.createFulfilment, App>, deps: Deps): Promise<Result> {
  const wanted = { ...request.path, ...request.body, createdBy: callerKey(request.caller) };
  const { answer, replayed } = await createFulfilment(
    { ...deps, sql: deps.sql() },
    claimOf('create-fulfilment', request),
    wanted,
  );
  return fromStored(answer, replayed);
}

export const handler = httpHandler(routes['create-fulfilment'], contract.createFulfilment, run, ({ clock }) => ({
  sql: () => sqlAs('fulfilment_api'),
  clock,
  keys: idempotency('orders.fulfilment_idempotency_keys'),
}));
