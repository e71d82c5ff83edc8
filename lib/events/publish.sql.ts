import type { Fragment, Sql, TransactionSql } from 'postgres';
import type { StoredEvent } from '../contract/events/define-event.ts';

/**
 * Locks unpublished events until the transaction ends, the oldest first, at most one of each aggregate: its first one that is
 * not published. Concurrent callers get different ones, and nobody gets an event while the one before it is locked.
 */
export async function claimEvents(tx: TransactionSql, limit: number): Promise<StoredEvent[]> {
  const rows = await tx<EventRow[]>`
    select ${eventColumns(tx)}
    from outbox.events e
    where e.published_at is null
      -- The one before it decides for all earlier ones, because it was published only when they were.
      and coalesce((
        select p.published_at is not null
        from outbox.events p
        where p.aggregate_id = e.aggregate_id and p.sequence < e.sequence
        order by p.sequence desc
        limit 1
      ), true)
    order by e.id
    limit ${limit}
    for update skip locked`;
  return rows.map(toStoredEvent);
}

/**
 * The columns of an EventRow, of the row `e` of `outbox.events`. What led to an event is the one before it that the same
 * request led to.
 */
export const eventColumns = (sql: Sql | TransactionSql): Fragment => sql`
  e.id, e.type, e.schema_version, e.subject, e.aggregate_id, e.sequence, e.occurred_at, e.correlation_id, e.data,
  coalesce(${before(sql, sql`outbox.events`)}, ${before(sql, sql`archive.events`)}) as causation_id`;

const before = (sql: Sql | TransactionSql, table: Fragment): Fragment => sql`(
  select before.id from ${table} before
  where before.aggregate_id = e.aggregate_id and before.sequence < e.sequence
    and before.correlation_id = e.correlation_id
  order by before.sequence desc
  limit 1
)`;

/** The columns of an event as the driver reads them. */
export type EventRow = Omit<StoredEvent, 'version' | 'occurredAt'> & { schemaVersion: number; occurredAt: Date };

export const toStoredEvent = ({ schemaVersion, occurredAt, ...row }: EventRow): StoredEvent => ({
  ...row,
  version: schemaVersion,
  occurredAt: occurredAt.toISOString(),
});

export async function markPublished(tx: TransactionSql, ids: readonly string[], at: Date): Promise<void> {
  await tx`
    update outbox.events set published_at = ${at}
    where id = any (string_to_array(${ids.join(',')}, ','))`;
}

/** When the oldest event happened that is not published; null when all are. */
export async function oldestUnpublished(tx: TransactionSql): Promise<Date | null> {
  const [row] = await tx<[{ oldest: Date | null }]>`
    select (select occurred_at from outbox.events where published_at is null order by id limit 1) as oldest`;
  return row.oldest;
}
