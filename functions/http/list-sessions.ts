import { listSessions, sessionIdOf } from '../../lib/auth/sessions/own-sessions.dynamo.ts';
import type { SessionStore } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { SignedIn } from '../../lib/contract/api/caller.ts';
import * as contract from '../../lib/contract/api/sessions.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { sessionStore } from '../../lib/platform/deps.ts';
import { httpHandler, type Request, type Result } from '../../lib/platform/handlers/http.ts';
import { routes } from '../routes.ts';

type Deps = { sessions: SessionStore };

/** Most that are shown. */
const most = 100;

export async function run({ caller }: Request<typeof contract.listSessions, SignedIn>, deps: Deps): Promise<Result> {
  const found = await listSessions(deps.sessions, caller.customerId);
  const current = sessionIdOf(caller.session);
  const data = found.slice(0, most).map((session) => ({
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
