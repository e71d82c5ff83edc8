import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import type { Running } from './main.ts';

/** The right to be the one worker. */
export type WorkerLock = Running;

const everyMs = 1000;

/**
 * Waits until no other worker has the lock. It is PostgreSQL's, on a session of its own, so it ends with the process that has it,
 * whatever that process died of. A session that is lost is noticed within two seconds.
 * @param onLost the lock is gone: another worker may begin
 * @returns undefined when the signal came first
 */
export async function takeWorkerLock(
  connection: postgres.Options<Record<string, postgres.PostgresType>>,
  { signal, onWait, onLost }: { signal: AbortSignal; onWait: () => void; onLost: () => void },
): Promise<WorkerLock | undefined> {
  let [holds, ended] = [false, false];
  const lose = () => {
    if (holds && !ended) onLost();
  };
  // The only connection, and it never ends by itself: the lock is the session's.
  const sql: Sql = postgres({
    ...connection,
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    onclose: lose,
  }) as unknown as Sql;
  for (let waits = false; !signal.aborted; ) {
    const [row] = await sql<[{ taken: boolean }]>`
      select pg_try_advisory_lock(hashtextextended('counterfoil worker', 0)) as taken`;
    if (row.taken) {
      holds = true;
      break;
    }
    if (!waits) onWait();
    waits = true;
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
  const end = async () => {
    ended = true;
    clearInterval(timer);
    await sql.end({ timeout: 1 });
  };
  // A network that is cut says nothing: the session is asked, and not answering counts as lost.
  const timer = setInterval(() => {
    const late = setTimeout(lose, 2 * everyMs);
    sql`select 1`.then(() => clearTimeout(late), lose);
  }, everyMs);
  if (holds) return { stop: end };
  await end();
  return undefined;
}
