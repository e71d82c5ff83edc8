import type { Sql } from 'postgres';
import { openCappedSession } from '../../auth/sessions/customer-sessions.dynamo.ts';
import { endSession, type SessionStore } from '../../auth/sessions/sessions.dynamo.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { Clock } from '../../kernel/clock.ts';
import { describeError, type Logger } from '../../kernel/log.ts';
import { findStanding } from './accounts.sql.ts';
import type { Access } from './customers.sql.ts';
import { announceCustomer } from './events.sql.ts';

/** @param authenticatedAt when they proved who they are, in milliseconds since the epoch; now by default */
type Origin = { applicationId: string; address: string; authenticatedAt?: number };

/**
 * Opens a session for a customer who has proved who they are. `expiresAt` is in milliseconds since the epoch.
 * @returns also whether it was their first, which is an event
 * @throws Problem customer-suspended; access-changed when how they get in was changed meanwhile; DependencyUnavailable
 */
export async function openSessionOf(
  { sql, sessions, clock }: { sql: () => Sql; sessions: SessionStore; clock: Clock },
  { id: customerId, suspended, accessVersion }: Access,
  origin: Origin,
  { log, requestId }: { log: Pick<Logger, 'warn'>; requestId: string },
): Promise<{ token: string; expiresAt: number; announced: boolean }> {
  if (suspended) throw new Problem('customer-suspended', 'This account is suspended. Contact the shop.');
  const session = await openCappedSession(sessions, { ...origin, customerId }, (error) =>
    log.warn('oldest sessions not ended', { error: describeError(error) }),
  );
  // A change that was stored meanwhile has ended the sessions it found, and perhaps not this one.
  const standing = await findStanding(sql(), customerId);
  if (standing?.accessVersion !== accessVersion) {
    await endSession(sessions, { customerId, tokenHash: session.tokenHash });
    throw new Problem('access-changed', 'How you sign in was changed at this moment. Sign in again.');
  }
  const announced = !standing.announced && (await announceCustomer(sql(), customerId, { clock, requestId }));
  return { ...session, announced };
}
