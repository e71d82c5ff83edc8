import type { Customer } from '../../lib/contract/caller.ts';
import * as contract from '../../lib/contract/sessions.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { sessionStore } from '../../lib/platform/deps.ts';
import { endAllSessions } from '../../lib/sessions/own-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/sessions/sessions.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

export async function run(request: Request<typeof contract.signOutEverywhere, Customer>, deps: Deps): Promise<Result> {
  await endAllSessions(deps.sessions, request.caller.customerId);
  return { status: 204 };
}

export const handler = httpDoor(routes['sign-out-everywhere'], contract.signOutEverywhere, run, () => ({
  sessions: sessionStore(),
}));
