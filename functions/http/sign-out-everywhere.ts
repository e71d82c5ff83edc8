import { endAllSessions } from '../../lib/auth/sessions/own-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { Customer } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import { sessionStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

export async function run(request: Request<typeof contract.signOutEverywhere, Customer>, deps: Deps): Promise<Result> {
  await endAllSessions(deps.sessions, request.caller.customerId);
  return { status: 204 };
}

export const handler = httpHandler(routes['sign-out-everywhere'], contract.signOutEverywhere, run, () => ({
  sessions: sessionStore(),
}));
