import { endSession, type SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { SignedIn } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

export async function run(request: Request<typeof contract.signOut, SignedIn>, deps: Deps): Promise<Result> {
  await endSession(deps.sessions, request.caller.session);
  return { status: 204 };
}

export const handler = httpHandler(routes['sign-out'], contract.signOut, run, () => ({ sessions: sessionStore() }));
