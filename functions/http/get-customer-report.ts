import type { ReadDeps } from '../../lib/analytics/read.ts';
import { reportCustomer } from '../../lib/analytics/reports.ts';
import { countSessions } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { App } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/reports.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { reportResult } from '../../lib/platform/report-result.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = ReadDeps & { sessions: SessionStore };

export async function run(
  { path: { customerId }, format }: Request<typeof contract.getCustomerReport, App>,
  deps: Deps,
): Promise<Result> {
  const report = await reportCustomer(customerId, deps);
  // Files have the rows alone.
  const sessions = format === 'json' ? await countSessions(deps.sessions, customerId).catch(notKnown) : null;
  return reportResult({ ...report, sessions }, contract.customerRow, format);
}

/** The rest of the report needs no session. */
function notKnown(error: unknown): null {
  if (error instanceof DependencyUnavailable) return null;
  throw error;
}

export const handler = httpHandler(
  routes['get-customer-report'],
  contract.getCustomerReport,
  run,
  (runtime): Deps => ({ ...reportDeps(runtime), sessions: sessionStore() }),
);
