import type { Sql } from 'postgres';
import type { Dependency, Meter } from '../../contract/deploy/metrics.ts';
import type { Stopwatch } from '../../kernel/clock.ts';
import { withDeadline } from '../../kernel/deadline.ts';
import { readIndexAdvice, readQueues, readSessions, readStatements, readStorage } from './database.sql.ts';
import type { statementsSince } from './statements.ts';

export type WatchDeps = {
  /** A probe rejects when what it asks is down. Those of `database` and `reader` log in anew. */
  probes: Readonly<Partial<Record<Dependency, () => Promise<unknown>>>>;
  sql: () => Sql;
  compare: ReturnType<typeof statementsSince>;
  meter: Pick<Meter, 'count'>;
  stopwatch: Stopwatch;
  onDown: (dependency: Dependency, error: unknown) => void;
  /** How long a probe may take, in milliseconds. */
  deadlineMs?: number;
};

/**
 * Looks whether what the functions depend on answers, how PostgreSQL is, and how much waits in its queues. What AWS measures is left
 * to AWS: pinned sessions, queues of what failed, the reader's lag. `wake-webhooks` measures the queue of webhooks, which it reads.
 * @returns what the job's log line says
 */
export async function watchHealth({ probes, sql, compare, meter, ...deps }: WatchDeps) {
  const asked = Object.entries(probes) as [Dependency, () => Promise<unknown>][];
  const down = (await Promise.all(asked.map((one) => isDown(one, meter, deps)))).flat();
  if (down.includes('database')) return { down };
  const sessions = await readSessions(sql());
  const connectionsUsed = Math.round((100 * sessions.connections) / sessions.connectionLimit);
  meter.count('ConnectionsUsed', connectionsUsed);
  meter.count('OldestTransaction', sessions.oldestTransaction);
  meter.count('LockWaits', sessions.lockWaits);
  meter.count('LongestLockWait', sessions.longestLockWait);
  const storage = await readStorage(sql());
  meter.count('DatabaseSize', storage.bytes);
  meter.count('FreezeAge', storage.freezePercent);
  meter.count('TablesUnvacuumed', storage.unvacuumed);
  const advice = await readIndexAdvice(sql());
  const of = (which: string) => advice.filter((each) => each.advice === which).map(({ subject }) => subject);
  const [unusedIndexes, missingIndexes] = [of('unused'), of('missing')];
  meter.count('UnusedIndexes', unusedIndexes.length);
  meter.count('MissingIndexes', missingIndexes.length);
  const waiting = await readQueues(sql());
  for (const [queue, count] of Object.entries(waiting)) meter.count('QueueDepth', count, queue);
  const { slow, slowest } = compare(await readStatements(sql()));
  meter.count('SlowStatements', slow);
  return { down, connectionsUsed, ...sessions, ...storage, unusedIndexes, missingIndexes, waiting, slow, slowest };
}

type Probing = Pick<WatchDeps, 'stopwatch' | 'onDown' | 'deadlineMs'>;

async function isDown(
  [dependency, probe]: [Dependency, () => Promise<unknown>],
  meter: Pick<Meter, 'count'>,
  { stopwatch, onDown, deadlineMs = 6000 }: Probing,
): Promise<Dependency[]> {
  const startedAt = stopwatch.elapsed();
  try {
    await withDeadline(probe(), deadlineMs);
    meter.count('DependencyDown', 0, dependency);
    if (dependency === 'database') meter.count('LoginTime', stopwatch.elapsed() - startedAt);
    return [];
  } catch (error) {
    onDown(dependency, error);
    meter.count('DependencyDown', 1, dependency);
    return [dependency];
  }
}
