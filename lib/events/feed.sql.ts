import type { Fragment, Sql } from 'postgres';
import type { FeedEvent } from '../contract/api/events.ts';
import { inTransaction } from '../database/transaction.sql.ts';
import { type EventRow, eventColumns, toStoredEvent } from './publish.sql.ts';

export type FeedQuery = { after: number; type?: string | undefined; limit: number };
export type FeedPage = { data: FeedEvent[]; next: number; hasMore: boolean };

/** How many aggregates get places at once. */
const atOnce = 200;

/**
 * A page of the feed. Events that have been committed and have no place yet get one first, so the feed ends with the newest.
 * @param query.after the place to go on from; 0 is before the first event
 */
export async function readFeed(sql: Sql, query: FeedQuery): Promise<FeedPage> {
  const { page, pending } = await read(sql, query);
  if (page.hasMore || !pending) return page;
  await givePlaces(sql, atOnce);
  const again = await read(sql, query);
  return { ...again.page, hasMore: again.page.hasMore || again.pending };
}

/** What has a place by now, and whether there are events without one. */
async function read(sql: Sql, { after, type, limit }: FeedQuery): Promise<{ page: FeedPage; pending: boolean }> {
  const [state] = await sql<[{ last: number; pending: boolean }]>`
    select coalesce((select max(position) from outbox.events), 0) as last,
      coalesce((select true from outbox.events where position is null order by id limit 1), false) as pending`;
  // An event is in the outbox or in the archive, in any one statement.
  const part = (table: Fragment) => sql`(
    select e.position, ${eventColumns(sql)}
    from ${table} e
    where e.position > ${after} and e.position <= ${state.last} ${type === undefined ? sql`` : sql`and e.type = ${type}`}
    order by e.position
    limit ${limit + 1}
  )`;
  const rows = await sql<FeedRow[]>`
    ${part(sql`outbox.events`)} union all ${part(sql`archive.events`)}
    order by position
    limit ${limit + 1}`;
  const hasMore = rows.length > limit;
  const data = rows.slice(0, limit).map(toEvent);
  // What a filter has left out need not be looked at again.
  const next = hasMore ? data.at(-1)!.position : Math.max(after, state.last);
  return { page: { data, next, hasMore }, pending: state.pending };
}

/**
 * Gives places to events without one. One caller does so at a time, after the commits of what it sees, so a place that is
 * visible has none missing before it. An event whose predecessor is visible stands behind it: an aggregate's events are
 * committed one after the other, and those that are pending get their places together.
 */
const givePlaces = (sql: Sql, batch: number): Promise<void> =>
  inTransaction(sql, async (tx) => {
    await tx`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('outbox feed', 0))`;
    // A statement of its own, because it must see what the caller before has committed.
    await tx`
      with chosen as (
        select distinct aggregate_id
        from (select aggregate_id from outbox.events where position is null order by id limit ${batch}) oldest
      ),
      pending as (
        select e.id, e.aggregate_id, e.sequence,
          -- Clocks differ: an event is at least as late as those before it.
          max(e.id) over (partition by e.aggregate_id order by e.sequence) as moment
        from chosen, lateral (
          select id, aggregate_id, sequence from outbox.events
          where aggregate_id = chosen.aggregate_id and position is null
          -- Looks up one aggregate after the other, instead of joining all events.
          offset 0
        ) e
      ),
      placed as (
        select id, (select coalesce(max(position), 0) from outbox.events)
          + row_number() over (order by moment, aggregate_id, sequence) as place
        from pending
      )
      update outbox.events e set position = placed.place from placed where e.id = placed.id`;
  });

/**
 * Gives places to events of up to `limit` aggregates, if one without a place happened before a time: in a shop whose feed
 * nobody reads. @returns 0 when there was none
 */
export async function placeEvents(sql: Sql, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const [oldest] = await sql`
    select true from (select occurred_at from outbox.events where position is null order by id limit 1) e
    where e.occurred_at < ${before}`;
  if (oldest === undefined) return 0;
  await givePlaces(sql, limit);
  return limit;
}

type FeedRow = EventRow & { position: number };

const toEvent = ({ position, ...row }: FeedRow): FeedEvent => ({ position, ...toStoredEvent(row) }) as FeedEvent;
