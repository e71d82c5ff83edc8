import { createHash } from 'node:crypto';
import type { CustomerSessions } from '../../contract/api/customer-reports.ts';
import type { OwnSessionView } from '../../contract/api/sessions.ts';
import { writeEach } from '../../database/batches.dynamo.ts';
import { toEpochSeconds, toTimestamp } from '../../kernel/clock.ts';
import { orUnavailable } from '../store.dynamo.ts';
import { endSession, openSession, type Session, type SessionItem, type SessionStore } from './sessions.dynamo.ts';

/** A session as its customer sees it. Times are in milliseconds since the epoch. */
export type CustomerSession = {
  id: string;
  createdAt: number;
  expiresAt: number;
  /** The truncated address that it was opened from. */
  network: string | null;
  applicationId: string | null;
};

/** The public id of a session. It cannot be used as a token. */
export const sessionIdOf = ({ tokenHash }: Pick<Session, 'tokenHash'>): string =>
  `ses_${createHash('sha256').update(`session ${tokenHash}`).digest('hex').slice(0, 32)}`;

/**
 * A customer's active sessions, newest first.
 * @throws DependencyUnavailable
 */
export async function listSessions(store: SessionStore, customerId: string): Promise<CustomerSession[]> {
  const now = toEpochSeconds(store.clock.now());
  const items: SessionItem[] = [];
  for await (const page of pages(store, customerId)) items.push(...page);
  return items
    .filter(({ expiresAt }) => expiresAt > now)
    .map(({ tokenHash, createdAt, expiresAt, network = null, applicationId = null }) => ({
      id: sessionIdOf({ tokenHash }),
      createdAt: createdAt * 1000,
      expiresAt: expiresAt * 1000,
      network,
      applicationId,
    }))
    .toSorted((one, other) => other.createdAt - one.createdAt || (one.id < other.id ? -1 : 1));
}

/** The most sessions that a customer is shown. */
const mostShown = 100;

/**
 * The active sessions of a signed-in customer as the API shows them, newest first.
 * @throws DependencyUnavailable
 */
export async function listOwnSessions(store: SessionStore, current: Session): Promise<OwnSessionView[]> {
  const found = await listSessions(store, current.customerId);
  const id = sessionIdOf(current);
  return found.slice(0, mostShown).map((session) => ({
    ...session,
    createdAt: toTimestamp(session.createdAt),
    expiresAt: toTimestamp(session.expiresAt),
    current: session.id === id,
  }));
}

/**
 * How many sessions of a customer are active now, and when they last signed in, by application. Of sessions that have ended nothing
 * is kept. No token, nor what it could be found by, is read.
 * @throws DependencyUnavailable
 */
export async function countSessions(store: SessionStore, customerId: string): Promise<CustomerSessions> {
  const now = store.clock.now();
  const byApplication = new Map<string | null, { active: number; last: number }>();
  for await (const page of pages(store, customerId, 'createdAt, expiresAt, applicationId')) {
    for (const { expiresAt, createdAt, applicationId = null } of page) {
      if (expiresAt <= toEpochSeconds(now)) continue;
      const { active, last } = byApplication.get(applicationId) ?? { active: 0, last: 0 };
      byApplication.set(applicationId, { active: active + 1, last: Math.max(last, createdAt) });
    }
  }
  const applications = [...byApplication]
    .toSorted(([, one], [, other]) => other.last - one.last)
    .map(([applicationId, { active, last }]) => ({ applicationId, active, lastSignInAt: toTimestamp(last * 1000) }));
  return {
    active: applications.reduce((sum, { active }) => sum + active, 0),
    lastSignInAt: applications[0]?.lastSignInAt ?? null,
    applications,
    asOf: toTimestamp(now),
  };
}

/**
 * Ends the customer's session with this id.
 * @returns whether the customer had an active session with this id
 * @throws DependencyUnavailable
 */
export async function endSessionById(store: SessionStore, customerId: string, sessionId: string): Promise<boolean> {
  for await (const page of pages(store, customerId)) {
    const session = page.find((item) => sessionIdOf(item) === sessionId);
    if (session === undefined) continue;
    await endSession(store, session);
    return session.expiresAt > toEpochSeconds(store.clock.now());
  }
  return false;
}

/**
 * Ends all sessions of a customer, except `kept`.
 * @throws DependencyUnavailable when some may be left; calling again is safe
 */
export async function endAllSessions(store: SessionStore, customerId: string, kept?: Session): Promise<void> {
  for await (const page of pages(store, customerId)) {
    await deleteEach(
      store,
      page.filter(({ tokenHash }) => tokenHash !== kept?.tokenHash),
    );
  }
}

/** How many sessions a customer can have. */
export const maxSessions = 50;

/**
 * Opens a session, and ends the oldest of a customer who then has more than `maxSessions`.
 * @param onSurplusLeft called when they could not be ended, which fails nothing: the next session ends them
 * @throws DependencyUnavailable when the session could not be opened
 */
export async function openCappedSession(
  store: SessionStore,
  session: Parameters<typeof openSession>[1],
  onSurplusLeft: (error: unknown) => void,
): ReturnType<typeof openSession> {
  const opened = await openSession(store, session);
  await endOldestSessions(store, session.customerId, opened.tokenHash).catch(onSurplusLeft);
  return opened;
}

/** Expired sessions count as the oldest, and the one just opened as the newest, also of several in one second. */
async function endOldestSessions(store: SessionStore, customerId: string, opened: string): Promise<void> {
  const now = toEpochSeconds(store.clock.now());
  const items: SessionItem[] = [];
  for await (const page of pages(store, customerId)) items.push(...page);
  const age = (item: SessionItem) =>
    item.tokenHash === opened ? Number.MAX_SAFE_INTEGER : item.expiresAt > now ? item.createdAt : 0;
  const surplus = items.toSorted((one, other) => age(other) - age(one)).slice(maxSessions);
  await deleteEach(store, surplus);
}

async function* pages(store: SessionStore, customerId: string, attributes?: string): AsyncGenerator<SessionItem[]> {
  let from: Record<string, unknown> | undefined;
  do {
    const page = await orUnavailable(
      store.client.query({
        TableName: store.table,
        KeyConditionExpression: 'customerId = :customer',
        ExpressionAttributeValues: { ':customer': customerId },
        ConsistentRead: true,
        ExclusiveStartKey: from,
        ...(attributes === undefined ? {} : { ProjectionExpression: attributes }),
      }),
    );
    yield (page.Items ?? []) as SessionItem[];
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

const deleteEach = (
  store: SessionStore,
  sessions: readonly Pick<Session, 'customerId' | 'tokenHash'>[],
): Promise<void> =>
  orUnavailable(
    writeEach(
      store.client,
      sessions.map(({ customerId, tokenHash }) => ({ table: store.table, delete: { customerId, tokenHash } })),
    ),
  );
