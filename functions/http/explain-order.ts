import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/manual-review.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { type ExplainDeps, explainOrder } from '../../lib/operations/manual-review/explain.ts';
import { readExecution } from '../../lib/platform/executions.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { routes } from '../routes.ts';

type Deps = Pick<ExplainDeps, 'clock' | 'readExecution'> & { sql: () => Sql };

export async function run(
  { caller, path, requestId, log }: Request<typeof contract.explainOrder, App>,
  deps: Deps,
): Promise<Result> {
  const onError = (error: unknown) => log.warn('executions not read', { ...path, reason: String(error) });
  const order = { orderId: path.orderId, keyId: caller.keyId, requestId };
  return { status: 200, body: await explainOrder({ ...deps, sql: deps.sql(), onError }, order) };
}

export const handler = httpHandler(routes['explain-order'], contract.explainOrder, run, ({ clock }) => ({
  sql: () => sqlAs('manual_review'),
  clock,
  readExecution,
}));
