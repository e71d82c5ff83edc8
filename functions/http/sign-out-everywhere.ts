import { endAllSessions } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

export async function run(request: Request<typeof contract.signOutEverywhere, Customer>, deps: Deps): Promise<Result> {
  await endAllSessions(deps.sessions, request.caller.customerId);
  return { status: 204 };
}

export const handler = httpHandler(routes['sign-out-everywhere'], contract.signOutEverywhere, run, () => ({
  sessions: sessionStore(),
}));
