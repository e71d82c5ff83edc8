import type { ReadDeps } from '../../lib/analytics/read.ts';
import { reportLive } from '../../lib/analytics/reports.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/reports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { routes } from '../routes.ts';

export async function run({ query }: Request<typeof contract.getLiveReport, App>, deps: ReadDeps): Promise<Result> {
  return { status: 200, body: await reportLive(query.zone, deps) };
}

export const handler = httpHandler(routes['get-live-report'], contract.getLiveReport, run, reportDeps);
