import type { Health } from '../../contract/api/system.ts';
import { type Clock, type Stopwatch, toTimestamp } from '../../kernel/clock.ts';
import { withDeadline } from '../../kernel/deadline.ts';

export type Part = keyof Health['parts'];

export type HealthOptions = {
  /** A probe rejects when its part is down. One that does not settle in time counts as down too. */
  probes: Readonly<Record<Part, () => Promise<unknown>>>;
  version: string;
  clock: Clock;
  stopwatch: Stopwatch;
  /** Called with the reason when a part is down; the answer does not contain it. */
  onDown?: (part: Part, error: unknown) => void;
  /** How long a probe may take, in milliseconds. */
  deadlineMs?: number;
  /** How long a result is reused, in milliseconds: the health check has no rate limit. */
  reuseMs?: number;
};

/**
 * Checks whether the parts of the service are up, all at once. The service is `down` without the database, because then
 * it can serve nothing, and `degraded` without sessions or sagas. Concurrent calls share one check, and its result is
 * reused for `reuseMs`.
 */
export function healthCheck({ reuseMs = 1000, ...options }: HealthOptions): () => Promise<Health> {
  let last: { health: Promise<Health>; until: number } | undefined;
  return () => {
    if (last !== undefined && options.clock.now() < last.until) return last.health;
    const check = { health: checkAll(options), until: Number.POSITIVE_INFINITY };
    last = check;
    return check.health.finally(() => {
      check.until = options.clock.now() + reuseMs;
    });
  };
}

async function checkAll(options: Omit<HealthOptions, 'reuseMs'>): Promise<Health> {
  const [database, sessions, states] = await Promise.all([
    checkPart('database', options),
    checkPart('sessions', options),
    checkPart('states', options),
  ]);
  return {
    status: overall(database.status, sessions.status, states.status),
    parts: { database, sessions, states },
    version: options.version,
    checkedAt: toTimestamp(options.clock.now()),
  };
}

function overall(database: Status, ...others: Status[]): Health['status'] {
  if (database === 'down') return 'down';
  return others.includes('down') ? 'degraded' : 'up';
}

type Status = Health['parts'][Part]['status'];

async function checkPart(part: Part, { probes, stopwatch, onDown, deadlineMs = 1000 }: HealthOptions) {
  const startedAt = stopwatch.elapsed();
  let status: Status = 'up';
  try {
    await withDeadline(probes[part](), deadlineMs);
  } catch (error) {
    status = 'down';
    onDown?.(part, error);
  }
  return { status, latencyMs: stopwatch.elapsed() - startedAt };
}
