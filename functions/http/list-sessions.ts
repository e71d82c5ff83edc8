import { listOwnSessions } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { SignedIn } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

export async function run({ caller }: Request<typeof contract.listSessions, SignedIn>, deps: Deps): Promise<Result> {
  return { status: 200, body: { data: await listOwnSessions(deps.sessions, caller.session) } };
}

export const handler = httpHandler(routes['list-sessions'], contract.listSessions, run, () => ({
  sessions: sessionStore(),
}));
