import type { App } from '../../lib/contract/api/caller.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/refunds.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findRefund } from '../../lib/shop/payments/refunds.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path }: Request<typeof contract.getRefund, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  const refund = await findRefund(sql(), path);
  if (refund === undefined) throw new Problem('not-found', 'The order has no such refund.');
  return { status: 200, body: refund };
}

export const handler = httpHandler(routes['get-refund'], contract.getRefund, run, () => ({
  sql: () => sqlAs('refunds_api'),
}));
