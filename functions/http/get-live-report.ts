import type { ReadDeps } from '../../lib/analytics/read.ts';
import { reportLive } from '../../lib/analytics/reports.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/reports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { reportResult } from '../../lib/platform/report-result.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { routes } from '../routes.ts';

export async function run(
  { query, format }: Request<typeof contract.getLiveReport, App>,
  deps: ReadDeps,
): Promise<Result> {
  const live = await reportLive(query.zone, deps);
  const headers = { vary: 'Accept' };
  if (format === 'json') return { status: 200, body: live, headers };
  const { ordersLastHour, activeOrders, inManualReview, today } = live;
  const none = { currency: null, orders: 0, sales: 0 };
  const data = (today.length === 0 ? [none] : today).map((row) => ({
    ...row,
    ordersLastHour,
    activeOrders,
    inManualReview,
  }));
  return reportResult({ ...live, data }, contract.liveRow, format);
}

export const handler = httpHandler(routes['get-live-report'], contract.getLiveReport, run, reportDeps);
