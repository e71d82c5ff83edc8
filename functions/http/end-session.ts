import { endSessionById } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { SignedIn } from '../../lib/contract/api/caller.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

export async function run(request: Request<typeof contract.endSession, SignedIn>, deps: Deps): Promise<Result> {
  const { caller, path } = request;
  const ended = await endSessionById(deps.sessions, caller.customerId, path.sessionId);
  if (!ended) throw new Problem('not-found', 'You have no such session.');
  return { status: 204 };
}

export const handler = httpHandler(routes['end-session'], contract.endSession, run, () => ({
  sessions: sessionStore(),
}));
