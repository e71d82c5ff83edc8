import { setImmediate as turn } from 'node:timers/promises';
import type { Sql, TransactionSql } from 'postgres';

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. `work` runs a second time, in a
 * new transaction, when a migration has changed what one of its prepared statements returns. Outside transactions the
 * driver does the same by itself.
 *
 * It differs from `sql.begin` when the connection is lost on the way. The driver then still sends the statements that
 * follow, and its own rollback, to a socket that is gone. That throws where nobody can catch it and ends the process; or,
 * if the pool has connected again, runs the statements outside the transaction (porsager/postgres issues 1133, 1208).
 * Here nothing more is sent once the connection is lost, and the caller gets the driver's error.
 */
export const inTransaction = <T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> =>
  once(sql, work).catch((error: unknown) => {
    if (isStalePlan(error)) return once(sql, work);
    throw error;
  });

function once<T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
  let lost = false;
  const done = sql.begin(async (tx) => {
    try {
      const result = await work(guarded(tx, () => lost));
      return lost ? await forever : result;
    } catch (error) {
      // The socket reports its end in the turn after its error.
      await turn();
      if (lost || endsSession(error)) await forever;
      throw error;
    }
  }) as Promise<T>;
  done.catch(() => {
    lost = true;
  });
  return done;
}

/** Never settles. The driver rejects the transaction itself when its connection ends, so nobody waits for this. */
const forever = new Promise<never>(() => {});

const guarded = (tx: TransactionSql, lost: () => boolean): TransactionSql =>
  new Proxy(tx, {
    apply(target, self, args) {
      if (lost()) throw new Error('the connection of this transaction was lost');
      return Reflect.apply(target as unknown as (...args: unknown[]) => unknown, self, args);
    },
  });

/** PostgreSQL closes the connection after an error of these severities. */
const endsSession = (error: unknown): boolean =>
  error instanceof Error && 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC');

/** "cached plan must not change result type". The driver has forgotten the statement by then. */
const isStalePlan = (error: unknown): boolean =>
  error instanceof Error && 'routine' in error && error.routine === 'RevalidateCachedQuery';
