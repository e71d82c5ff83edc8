import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/tax-rates.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { deleteTaxRate } from '../../lib/shop/pricing/tax-rates.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path }: Request<typeof contract.deleteTaxRate, App>,
  { sql }: { sql: () => Sql },
): Promise<Result> {
  await deleteTaxRate(sql(), path.code);
  return { status: 204 };
}

export const handler = httpHandler(routes['delete-tax-rate'], contract.deleteTaxRate, run, () => ({
  sql: () => sqlAs('catalog_api'),
}));
