import type { Sql, TransactionSql } from 'postgres';
import type { Stopwatch } from '../../kernel/clock.ts';
import { AgeUnknown, ReaderBehind, readSnapshot, type Snapshot } from './extract.sql.ts';

type Sleep = (milliseconds: number) => Promise<unknown>;

const tries = 60;
const pauseMs = 500;

/**
 * Runs work in one snapshot of the database, in a transaction that only reads. A reader that has only just started, or replays
 * its first transaction after an idle hour, gets half a minute to find out how old its data are.
 * @throws AgeUnknown, ReaderBehind
 */
export async function inSnapshot<T>(
  sql: Sql,
  sleep: Sleep,
  work: (tx: TransactionSql, snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return (await sql.begin('isolation level repeatable read read only', async (tx) =>
        work(tx, await readSnapshot(tx)),
      )) as T;
    } catch (error) {
      if (!(error instanceof AgeUnknown || error instanceof ReaderBehind) || left === 1) throw error;
      await sleep(pauseMs);
    }
  }
}

const settlePauseMs = 250;

/** What a later snapshot must not know to be open any more, so that it has everything of before a moment. */
export type Fence = { next: bigint; asOf: Date };

/**
 * Waits until every transaction is over that was open at a moment, for so long at most. A snapshot whose watermark has reached
 * `next` has every row that a transaction wrote which began before `asOf`.
 */
export async function fence(
  { sql, sleep, stopwatch }: { sql: Sql; sleep: Sleep; stopwatch: Stopwatch },
  patienceMs: number,
): Promise<Fence> {
  const look = () => inSnapshot(sql, sleep, async (_, snapshot) => snapshot);
  const first = await look();
  const next = BigInt(first.next);
  const until = stopwatch.elapsed() + patienceMs;
  let { watermark } = first;
  while (BigInt(watermark) < next && stopwatch.elapsed() < until) {
    await sleep(settlePauseMs);
    ({ watermark } = await look());
  }
  return { next, asOf: first.asOf };
}
