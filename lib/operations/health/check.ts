import type { Health } from '../../contract/api/system.ts';
import { type Clock, type Stopwatch, toTimestamp } from '../../kernel/clock.ts';

export type Part = keyof Health['parts'];

export type HealthOptions = {
  /** Rejects, or does not answer in time, when its part is away. */
  probes: Readonly<Record<Part, () => Promise<unknown>>>;
  version: string;
  clock: Clock;
  stopwatch: Stopwatch;
  /** Told why a part is down; the answer does not say. */
  onDown?: (part: Part, error: unknown) => void;
  /** Milliseconds that a probe has. */
  deadlineMs?: number;
  /** Milliseconds for which an answer is replayed, because nothing limits who asks. */
  keepMs?: number;
};

/** A part did not answer its probe. */
export class ProbeTimeout extends Error {
  override readonly name = 'ProbeTimeout';
  readonly part: Part;
  constructor(part: Part, milliseconds: number) {
    super(`${part} did not answer within ${milliseconds} ms`);
    this.part = part;
  }
}

/**
 * Asks every part at once whether it is there. `down` without the database, for nothing can be served then; `degraded`
 * without sessions or sagas. However many ask at a time, the parts are asked once, and not again for `keepMs`.
 */
export function healthCheck({ keepMs = 1000, ...options }: HealthOptions): () => Promise<Health> {
  let last: { health: Promise<Health>; until: number } | undefined;
  return () => {
    if (last !== undefined && options.clock.now() < last.until) return last.health;
    const asked = { health: askAll(options), until: Number.POSITIVE_INFINITY };
    last = asked;
    return asked.health.finally(() => {
      asked.until = options.clock.now() + keepMs;
    });
  };
}

async function askAll(options: Omit<HealthOptions, 'keepMs'>): Promise<Health> {
  const [database, sessions, states] = await Promise.all([
    ask('database', options),
    ask('sessions', options),
    ask('states', options),
  ]);
  return {
    status: overall(database.status, sessions.status, states.status),
    parts: { database, sessions, states },
    version: options.version,
    checkedAt: toTimestamp(options.clock.now()),
  };
}

function overall(database: State, ...others: State[]): Health['status'] {
  if (database === 'down') return 'down';
  return others.includes('down') ? 'degraded' : 'up';
}

type State = Health['parts'][Part]['status'];

async function ask(part: Part, { probes, stopwatch, onDown, deadlineMs = 1000 }: HealthOptions) {
  const startedAt = stopwatch.elapsed();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProbeTimeout(part, deadlineMs)), deadlineMs);
  });
  let status: State = 'up';
  try {
    await Promise.race([probes[part](), late]);
  } catch (error) {
    status = 'down';
    onDown?.(part, error);
  } finally {
    clearTimeout(timer);
  }
  return { status, latencyMs: stopwatch.elapsed() - startedAt };
}
