import type { Sql } from 'postgres';
import { type Batched, type Batching, inBatches, walkInBatches } from '../../database/batches.ts';
import { placeEvents } from '../../events/feed.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { moveEvents, moveMovements, moveOrders } from './move.sql.ts';

export type ArchiveDeps = Omit<Batching, 'untilMs'> & {
  sql: Sql;
  clock: Clock;
  /** Orders, and movements of stock, stay where they are for so many months. */
  afterMonths: number;
  /** Events stay in the outbox for so many days after they were published. */
  eventDays: number;
  /** No further batch begins after so many milliseconds. */
  limitMs: number;
};

/** What a run moved, whether anything is left, and its longest batch in milliseconds. */
export type Archived = { orders: number; movements: number; events: number; done: boolean; longestMs: number };

/** The most that one page of the archive holds. */
const ordersPage = 100;
const movementsPage = 500;

/**
 * Moves to the archive what is old enough: orders on which nothing has happened for some months, then the movements of stock
 * that belong to no other order, by whole months, and published events. What there is no time for waits for the next run.
 */
export async function archiveRecords(deps: ArchiveDeps): Promise<Archived> {
  const { sql, clock, stopwatch } = deps;
  const now = new Date(clock.now());
  const before = monthsBefore(now, deps.afterMonths);
  const until = stopwatch.elapsed() + deps.limitMs;
  const share = (part: number) => ({ ...deps, untilMs: until - Math.round(deps.limitMs * (1 - part)) });

  const eventsBefore = new Date(now.getTime() - deps.eventDays * 24 * 3600_000);
  const placed = await inBatches(share(1 / 6), (limit) => placeEvents(sql, { before: eventsBefore, limit }));
  const events = await inBatches(share(1 / 3), (limit) => moveEvents(sql, { before: eventsBefore, limit }));
  const orders = await inBatches(share(2 / 3), (limit) => moveOrders(sql, { before, now, limit }), ordersPage);
  const movements = await moveLedgers(deps, startOfMonth(before), share(1));
  const parts = [placed, events, orders, movements];
  return {
    orders: orders.rows,
    movements: movements.rows,
    events: events.rows,
    done: parts.every(({ done }) => done),
    longestMs: Math.max(...parts.map(({ longestMs }) => longestMs)),
  };
}

const moveLedgers = ({ sql }: ArchiveDeps, before: Date, batching: Batching): Promise<Batched> =>
  walkInBatches(
    batching,
    (after: string | undefined, limit) => moveMovements(sql, { after, before, limit }),
    movementsPage,
  );

/** The same time so many months earlier, in UTC; the last day of that month if it is shorter. */
export function monthsBefore(now: Date, months: number): Date {
  const earlier = new Date(now);
  earlier.setUTCDate(1);
  earlier.setUTCMonth(earlier.getUTCMonth() - months);
  const days = new Date(Date.UTC(earlier.getUTCFullYear(), earlier.getUTCMonth() + 1, 0)).getUTCDate();
  earlier.setUTCDate(Math.min(now.getUTCDate(), days));
  return earlier;
}

const startOfMonth = (at: Date): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
