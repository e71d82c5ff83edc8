import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/captures.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { findCapture } from '../../lib/shop/payments/captures.ts';
import { routes } from '../routes.ts';

export const run = async (
  { path: { orderId } }: Request<typeof contract.getCapture, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> => ({ status: 200, body: await findCapture(sql(), orderId) });

export const handler = httpHandler(routes['get-capture'], contract.getCapture, run, () => ({
  sql: () => sqlAs('refunds_api'),
}));
