import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { periodOf } from '../../lib/analytics/period.ts';
import { reportSales } from '../../lib/analytics/reports.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/reports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { reportResult } from '../../lib/platform/report-result.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { routes } from '../routes.ts';

export async function run(
  { query, format }: Request<typeof contract.getSalesReport, App>,
  deps: PartsDeps,
): Promise<Result> {
  const { groupBy, currency, ...range } = query;
  const period = periodOf(range, deps.clock);
  const answer = await reportSales(period, { groupBy, currency }, deps);
  return reportResult({ ...period, groupBy, ...answer }, contract.salesRow, format);
}

export const handler = httpHandler(routes['get-sales-report'], contract.getSalesReport, run, reportDeps);
