import type { ReadDeps } from '../../lib/analytics/read.ts';
import { reportCustomers } from '../../lib/analytics/reports.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-reports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { reportResult } from '../../lib/platform/report-result.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { routes } from '../routes.ts';

export async function run(
  { query, format }: Request<typeof contract.getCustomersReport, App>,
  deps: ReadDeps,
): Promise<Result> {
  return reportResult(await reportCustomers(query, deps), contract.customersRow, format);
}

export const handler = httpHandler(routes['get-customers-report'], contract.getCustomersReport, run, reportDeps);
