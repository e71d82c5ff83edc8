import { listSessions, sessionIdOf } from '../../lib/auth/sessions/customer-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { SignedIn } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import type { Request } from '../../lib/http/request.ts';
import type { Result } from '../../lib/http/response.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { httpHandler } from '../../lib/platform/handlers/http.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

const maxSessions = 100;

export async function run({ caller }: Request<typeof contract.listSessions, SignedIn>, deps: Deps): Promise<Result> {
  const found = await listSessions(deps.sessions, caller.customerId);
  const current = sessionIdOf(caller.session);
  const data = found.slice(0, maxSessions).map((session) => ({
    ...session,
    createdAt: toTimestamp(session.createdAt),
    expiresAt: toTimestamp(session.expiresAt),
    current: session.id === current,
  }));
  return { status: 200, body: { data } };
}

export const handler = httpHandler(routes['list-sessions'], contract.listSessions, run, () => ({
  sessions: sessionStore(),
}));
