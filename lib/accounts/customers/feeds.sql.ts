import type { Sql, TransactionSql } from 'postgres';
import type { FeedEntry, FeedRow } from '../../contract/api/customer-feeds.ts';

/** A row of a feed, and which one of the file it is. */
export type NumberedRow = { row: number; value: FeedRow };

/** What became of a row. */
export type FeedOutcome = { row: number; outcome: 'loaded' | 'unchanged' | 'unknown' };

/** Adds the rows of a feed, or brings those up to date that are there. No id may be in it twice. */
export async function storeFeedRows(sql: Sql, source: string, rows: readonly NumberedRow[]): Promise<FeedOutcome[]> {
  const sent = rows.map(({ row, value }) => ({ row, ...value }));
  const outcomes = await sql`
    with sent as materialized (
      select r."row", r.id, r.kind, r.at, r.channel, r.topic, r.status, r."endedAt", h.customer_id
      from jsonb_to_recordset(${JSON.stringify(sent)}::text::jsonb) as r (
        "row" integer, id text, kind text, "emailHash" text, at timestamptz, channel text, topic text, status text,
        "endedAt" timestamptz
      )
      left join customers.email_hashes h on h.email_hash = r."emailHash"
    ),
    stored as (
      insert into customers.feed_entries as e (source, id, customer_id, kind, at, channel, topic, status, ended_at)
      select ${source}, id, customer_id, kind, at, channel, topic, status, "endedAt"
      from sent where customer_id is not null order by id
      on conflict (source, id) do update set
        customer_id = excluded.customer_id, kind = excluded.kind, at = excluded.at, channel = excluded.channel,
        topic = excluded.topic, status = excluded.status, ended_at = excluded.ended_at
      where (e.customer_id, e.kind, e.at, e.channel, e.topic, e.status, e.ended_at) is distinct from
        (excluded.customer_id, excluded.kind, excluded.at, excluded.channel, excluded.topic, excluded.status, excluded.ended_at)
      returning e.id
    )
    select s."row", case when s.customer_id is null then 'unknown' when t.id is null then 'unchanged' else 'loaded' end as outcome
    from sent s left join stored t on t.id = s.id`;
  return [...outcomes] as unknown as FeedOutcome[];
}

export type ReceivedFeed = {
  source: string;
  applicationId: string;
  receivedAt: Date;
  total: number;
  failed: number;
  newestAt: Date | null;
};

/** Notes when a feed came last, and what it had. */
export async function saveFeed(sql: Sql, feed: ReceivedFeed): Promise<void> {
  const { source, applicationId, receivedAt, total, failed, newestAt } = feed;
  await sql`
    insert into customers.feeds as f (source, application_id, received_at, total, failed, newest_at)
    values (${source}, ${applicationId}, ${receivedAt}, ${total}, ${failed}, ${newestAt})
    on conflict (source) do update set application_id = excluded.application_id, received_at = excluded.received_at,
      total = excluded.total, failed = excluded.failed, newest_at = greatest(f.newest_at, excluded.newest_at)`;
}

/** Everything that feeds said of a customer, newest first. */
export async function exportFeedEntries(sql: Sql, customerId: string): Promise<FeedEntry[]> {
  const rows = await sql`
    select source, kind, at, channel, topic, status, ended_at from customers.feed_entries
    where customer_id = ${customerId} order by at desc, source, id`;
  return rows.map(({ at, endedAt, ...entry }) => ({
    ...(entry as Omit<FeedEntry, 'at' | 'endedAt'>),
    at: at.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  }));
}

export async function forgetFeedEntries(tx: TransactionSql, customerId: string): Promise<void> {
  await tx`delete from customers.feed_entries where customer_id = ${customerId}`;
}

/** Deletes about `limit` of what happened, and ended, before a moment, the oldest first. @returns how many */
export async function purgeFeedEntries(sql: Sql, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const { count } = await sql`
    delete from customers.feed_entries where coalesce(ended_at, at) <= least(
      ${before}, (select coalesce(ended_at, at) from customers.feed_entries order by 1 offset ${limit - 1} limit 1)
    )`;
  return count;
}
