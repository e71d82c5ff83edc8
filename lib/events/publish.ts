import type { Sql } from 'postgres';
import type { StoredEvent } from '../contract/events/define-event.ts';
import { inTransaction } from '../database/transaction.sql.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { claimEvents, markPublished, oldestUnpublished } from './publish.sql.ts';

/** Where events are published to. */
export type EventBus = {
  /**
   * Hands events over, in any order.
   * @returns the ids of those that the bus has taken; the others have to be sent again
   */
  put(events: readonly StoredEvent[]): Promise<Set<string>>;
};

export type PublishDeps = {
  sql: Sql;
  bus: EventBus;
  clock: Clock;
  stopwatch: Stopwatch;
  /** No further batch is claimed after so many milliseconds. */
  limitMs: number;
  onRefused: (events: readonly StoredEvent[]) => void;
};

export type Published = {
  published: number;
  /** How often the bus did not take an event. The next run sends it again. */
  refused: number;
  /** Age in seconds of the oldest event that is not published; 0 when all are. */
  oldest: number;
};

/** Ten calls of EventBridge, which takes ten events each. */
const batch = 100;

/**
 * Publishes what the outbox holds, until it is empty: each event at least once, and those of one order, customer or product
 * in their sequence. An event counts as published once the bus has it. Runs may overlap; one that dies leaves its events
 * to the next.
 */
export async function publishEvents(deps: PublishDeps): Promise<Published> {
  const { sql, clock, stopwatch, limitMs } = deps;
  const until = stopwatch.elapsed() + limitMs;
  const counts = { published: 0, refused: 0 };
  for (;;) {
    const { taken, refused, oldest } = await inTransaction(sql, async (tx) => {
      const events = await claimEvents(tx, batch);
      if (events.length === 0) return { taken: 0, refused: 0, oldest: await oldestUnpublished(tx) };
      const ids = await deps.bus.put(events);
      if (ids.size > 0) await markPublished(tx, [...ids], new Date(clock.now()));
      const left = events.filter(({ id }) => !ids.has(id));
      if (left.length > 0) deps.onRefused(left);
      return { taken: ids.size, refused: left.length, oldest: await oldestUnpublished(tx) };
    });
    counts.published += taken;
    counts.refused += refused;
    // What is refused is not sent again at once: the bus is busy or away.
    if (oldest === null || taken === 0 || stopwatch.elapsed() >= until) {
      return {
        ...counts,
        oldest: oldest === null ? 0 : Math.max(0, Math.round((clock.now() - oldest.getTime()) / 1000)),
      };
    }
  }
}
