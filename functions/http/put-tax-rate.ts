import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/tax-rates.ts';
import type { Request } from '../../lib/http/request.ts';
import { type Result, versionTag } from '../../lib/http/response.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { replaceTaxRate } from '../../lib/shop/pricing/tax-rates.sql.ts';
import { routes } from '../routes.ts';

export async function run(
  { path, body, condition }: Request<typeof contract.putTaxRate, App>,
  { sql, clock }: { sql: () => Sql; clock: Clock },
): Promise<Result> {
  const { added, row } = await replaceTaxRate(sql(), path.code, body, { condition, at: new Date(clock.now()) });
  return { status: added ? 201 : 200, body: row, headers: { etag: versionTag(row.version) } };
}

export const handler = httpHandler(routes['put-tax-rate'], contract.putTaxRate, run, ({ clock }) => ({
  sql: () => sqlAs('catalog_api'),
  clock,
}));
