import type { Sql, TransactionSql } from 'postgres';
import type { ReportRun, SubscriptionFields } from '../../contract/api/report-subscriptions.ts';
import type { EventData } from '../../contract/events/define-event.ts';
import { reportSent } from '../../contract/events/domain-events.ts';
import { insertEvents } from '../../events/outbox.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';

/** A subscription that is due. */
export type DueSubscription = SubscriptionFields & {
  id: string;
  applicationId: string;
  dueAt: Date;
  triedAt: Date | null;
  version: number;
};

/** The subscription that has been due for the longest. */
export async function nextDue(sql: Sql, clock: Clock): Promise<DueSubscription | undefined> {
  const [row] = await sql<DueSubscription[]>`
    select id, application_id, name, report, parameters, range, schedule, emails, attachment, webhook, due_at, tried_at, version
    from reports.subscriptions
    where due_at is not null and greatest(due_at, retry_at) <= ${new Date(clock.now())}
    order by greatest(due_at, retry_at), id limit 1`;
  return row;
}

/** Leaves a due time for later, and notes when that was first done. */
export async function postpone(
  sql: Sql,
  { id, dueAt, version }: DueSubscription,
  { now, until }: { now: Date; until: Date },
): Promise<void> {
  await sql`
    update reports.subscriptions set retry_at = ${until}, tried_at = coalesce(tried_at, ${now}) where id = ${id} and due_at = ${dueAt} and version = ${version}`;
}

/** Passes over due times, up to the next one. */
export async function skipTo(sql: Sql, { id, dueAt, version }: DueSubscription, next: Date): Promise<void> {
  await sql`
    update reports.subscriptions set due_at = ${next}, tried_at = null, retry_at = null
    where id = ${id} and due_at = ${dueAt} and version = ${version}`;
}

/** Deletes a subscription whose application is gone. */
export async function dropSubscription(sql: Sql, { id }: Pick<DueSubscription, 'id'>): Promise<void> {
  await sql`delete from reports.subscriptions where id = ${id}`;
}

export type NewRun = Omit<ReportRun, 'id' | 'endedAt' | 'dueAt'> & { id: string };

/**
 * Ends a due time, as part of the transaction that sends what is to be sent of it. Nothing else makes it end once: whoever comes
 * second, also after a change of the subscription, finds it taken.
 * @returns which run of the subscription it was; undefined when it was taken
 */
export async function endDueTime(
  tx: TransactionSql,
  { id, dueAt, version }: DueSubscription,
  run: NewRun,
  { next, clock }: { next: Date; clock: Clock },
): Promise<number | undefined> {
  const [row] = await tx<{ runs: number }[]>`
    with taken as (
      update reports.subscriptions set due_at = ${next}, tried_at = null, retry_at = null, runs = runs + 1
      where id = ${id} and due_at = ${dueAt} and version = ${version}
      returning id, runs
    ),
    added as (
      insert into reports.runs (
        id, subscription_id, due_at, status, reason, first_day, end_day, as_of, lag_seconds, stale, rows, emails, ended_at
      )
      select ${run.id}, id, ${dueAt}, ${run.status}, ${run.reason}, ${run.from}::date, ${run.to}::date, ${run.asOf}::timestamptz,
        ${run.lagSeconds}, ${run.stale}, ${run.rows}, ${run.emails}, ${new Date(clock.now())}
      from taken
    )
    select runs from taken`;
  return row?.runs;
}

/** Writes the event of a run that has ended. */
export async function announceRun(
  tx: TransactionSql,
  data: EventData<typeof reportSent>,
  { number, clock }: { number: number; clock: Clock },
): Promise<void> {
  await insertEvents(
    tx,
    [
      {
        id: newId('event', clock),
        definition: reportSent,
        subject: tx`${data.subscriptionId}::text`,
        aggregateId: tx`${data.subscriptionId}::text`,
        sequence: tx`${number}::integer`,
        occurrence: tx`${number}::integer`,
        correlationId: tx`null::text`,
        data: tx`${JSON.stringify(data)}::text::jsonb`,
        from: tx`(select) as run`,
      },
    ],
    new Date(clock.now()),
  );
}

type Row = Omit<ReportRun, 'dueAt' | 'asOf' | 'endedAt'> & { dueAt: Date; asOf: Date | null; endedAt: Date };

/** The runs of a subscription, newest first, before a run. */
export async function listRuns(
  sql: Sql,
  subscriptionId: string,
  { limit, before }: { limit: number; before: string | undefined },
): Promise<ReportRun[]> {
  const rows = await sql<Row[]>`
    select id, due_at, status, reason, first_day::text as "from", end_day::text as "to", as_of, lag_seconds, stale, rows, emails,
      ended_at
    from reports.runs
    where subscription_id = ${subscriptionId} ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc limit ${limit}`;
  return rows.map(({ dueAt, asOf, endedAt, ...row }) => ({
    ...row,
    dueAt: dueAt.toISOString(),
    asOf: asOf?.toISOString() ?? null,
    endedAt: endedAt.toISOString(),
  }));
}

/** Deletes about `limit` runs that ended before, the oldest first. @returns how many */
export async function purgeRuns(sql: Sql, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const { count } = await sql`
    delete from reports.runs where ended_at <= least(
      ${before}, (select ended_at from reports.runs order by ended_at offset ${limit - 1} limit 1)
    )`;
  return count;
}
