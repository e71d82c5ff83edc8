import { reportCohorts } from '../../lib/analytics/cohorts.ts';
import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { periodOfMonths } from '../../lib/analytics/period.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/customer-reports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { reportResult } from '../../lib/platform/report-result.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { routes } from '../routes.ts';

export async function run(
  { query, format }: Request<typeof contract.getCohortsReport, App>,
  deps: PartsDeps,
): Promise<Result> {
  const { from, to, zone, period } = periodOfMonths(query, deps.clock);
  return reportResult({ from, to, zone, ...(await reportCohorts(period, deps)) }, contract.cohortRow, format);
}

export const handler = httpHandler(routes['get-cohorts-report'], contract.getCohortsReport, run, reportDeps);
