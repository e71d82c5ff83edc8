import { setImmediate as turn } from 'node:timers/promises';
import type { Sql, TransactionSql } from 'postgres';

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects.
 *
 * Like `sql.begin`, but for a connection that is lost on the way. The driver then still sends what follows, its own
 * rollback included, to a socket that is gone: that throws where nobody can catch it and ends the process, or, when the
 * pool has connected again meanwhile, runs statements outside the transaction (porsager/postgres issues 1133, 1208).
 * So once the connection is lost nothing more is sent, and the caller gets the driver's error.
 */
export function inTransaction<T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
  let lost = false;
  const done = sql.begin(async (tx) => {
    try {
      const result = await work(guarded(tx, () => lost));
      return lost ? await forever : result;
    } catch (error) {
      // A socket reports its error before its end.
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

/** The driver settles a transaction by itself when its connection ends, so what waits here keeps nobody waiting. */
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
