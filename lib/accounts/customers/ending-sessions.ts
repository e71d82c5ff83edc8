import type { Sql, TransactionSql } from 'postgres';
import type { IdentityLinks } from '../../auth/identity/identity-links.dynamo.ts';
import { endAllSessions } from '../../auth/sessions/customer-sessions.dynamo.ts';
import type { Session, SessionStore } from '../../auth/sessions/sessions.dynamo.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock } from '../../kernel/clock.ts';

export type AccountDeps = {
  sql: () => Sql;
  clock: Clock;
  sessions: SessionStore;
  links: IdentityLinks;
  /** Called when sessions that were opened while a change was stored may be left, because DynamoDB does not answer. */
  onSessionsLeft: (error: unknown) => void;
};

/**
 * Stores a change that a customer's sessions must not outlive. They end before the change is committed, so that it is not
 * stored when they cannot be ended. They end once more afterwards, because a session may have been opened meanwhile.
 * @param kept the one session that stays, if any
 * @throws what the change throws; DependencyUnavailable, and then nothing has changed
 */
export async function endingSessions<C extends { id: string }>(
  { sql, sessions, onSessionsLeft }: Pick<AccountDeps, 'sql' | 'sessions' | 'onSessionsLeft'>,
  kept: Session | undefined,
  change: (tx: TransactionSql) => Promise<C>,
): Promise<C> {
  const changed = await inTransaction(sql(), async (tx) => {
    const stored = await change(tx);
    await endAllSessions(sessions, stored.id, kept);
    return stored;
  });
  await endAllSessions(sessions, changed.id, kept).catch(onSessionsLeft);
  return changed;
}
