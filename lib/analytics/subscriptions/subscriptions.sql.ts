import type { Sql, TransactionSql } from 'postgres';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import {
  maxReportSubscriptions,
  type ReportSubscription,
  type SubscriptionFields,
} from '../../contract/api/report-subscriptions.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import { atVersion } from '../../database/version-condition.sql.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { checkFields } from './check.ts';
import { dueAfter } from './schedule.ts';

type Row = Omit<ReportSubscription, 'nextAt' | 'createdAt' | 'updatedAt'> & {
  dueAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

/**
 * Adds a subscription of an application.
 * @throws Problem too-many-report-subscriptions, and what `checkFields` throws
 */
export async function insertSubscription(
  tx: TransactionSql,
  applicationId: string,
  fields: SubscriptionFields,
  clock: Clock,
): Promise<ReportSubscription> {
  checkFields(fields, clock);
  await tx`select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${`reports ${applicationId}`}, 0))`;
  const [known] = await tx<[{ count: number }]>`
    select count(*)::integer as count from reports.subscriptions where application_id = ${applicationId}`;
  if (known.count >= maxReportSubscriptions) {
    const detail = `An application has at most ${maxReportSubscriptions} report subscriptions; delete one first.`;
    throw new Problem('too-many-report-subscriptions', detail);
  }
  const now = clock.now();
  const { name, report, range, attachment, webhook } = fields;
  const [row] = await tx<[Row]>`
    insert into reports.subscriptions (
      id, application_id, name, report, parameters, range, schedule, emails, attachment, webhook, due_at, created_at, updated_at
    )
    values (
      ${newId('reportSubscription', clock)}, ${applicationId}, ${name}, ${report}, ${json(fields.parameters)}::text::jsonb, ${range},
      ${json(fields.schedule)}::text::jsonb, ${json(fields.emails)}::text::jsonb, ${attachment}, ${webhook},
      ${new Date(dueAfter(fields.schedule, now))}, ${new Date(now)}, ${new Date(now)}
    )
    returning ${columns(tx)}`;
  return toSubscription(row);
}

/** The subscriptions of an application, oldest first. */
export async function listSubscriptions(sql: Sql, applicationId: string): Promise<ReportSubscription[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from reports.subscriptions where application_id = ${applicationId} order by id`;
  return rows.map(toSubscription);
}

export type SubscriptionKey = { applicationId: string; subscriptionId: string };

/** @throws Problem not-found, also when it is of another application */
export async function findSubscription(
  sql: Sql | TransactionSql,
  { applicationId, subscriptionId }: SubscriptionKey,
  lock = sql``,
): Promise<ReportSubscription> {
  const [row] = await sql<Row[]>`
    select ${columns(sql)} from reports.subscriptions
    where id = ${subscriptionId} and application_id = ${applicationId} ${lock}`;
  if (row === undefined) throw notFound();
  return toSubscription(row);
}

export type SubscriptionChanges = { [Name in keyof SubscriptionFields]?: SubscriptionFields[Name] | undefined } & {
  status?: ReportSubscription['status'] | undefined;
};

/**
 * Changes the given fields, if the version meets the condition. What is due stays due, unless the schedule changes or it was paused.
 * @throws Problem not-found, version-stale, and what `checkFields` throws
 */
export const updateSubscription = (
  sql: Sql,
  key: SubscriptionKey,
  changes: SubscriptionChanges,
  { condition, clock }: { condition: VersionCondition; clock: Clock },
): Promise<ReportSubscription> =>
  inTransaction(sql, async (tx) => {
    // Locked, so that a due time that is just being taken does not come back.
    const before = await findSubscription(tx, key, tx`for no key update`);
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const after = { ...before, ...(given as Partial<ReportSubscription>) };
    checkFields(after, clock);
    const now = clock.now();
    const stays = before.nextAt !== null && json(before.schedule) === json(after.schedule);
    const next = stays ? new Date(before.nextAt!) : new Date(dueAfter(after.schedule, now));
    const [row] = await tx<Row[]>`
      update reports.subscriptions set
        name = ${after.name}, report = ${after.report}, parameters = ${json(after.parameters)}::text::jsonb, range = ${after.range},
        schedule = ${json(after.schedule)}::text::jsonb, emails = ${json(after.emails)}::text::jsonb,
        attachment = ${after.attachment}, webhook = ${after.webhook}, status = ${after.status},
        due_at = ${after.status === 'active' ? next : null}, tried_at = null, retry_at = null, version = version + 1, updated_at = ${new Date(now)}
      where id = ${before.id} and version = ${before.version} ${atVersion(tx, condition)}
      returning ${columns(tx)}`;
    if (row === undefined) {
      throw new Problem('version-stale', 'The subscription has changed since you read it. Read it again.');
    }
    return toSubscription(row);
  });

/** @throws Problem not-found */
export async function deleteSubscription(sql: Sql, { applicationId, subscriptionId }: SubscriptionKey): Promise<void> {
  const { count } = await sql`
    delete from reports.subscriptions where id = ${subscriptionId} and application_id = ${applicationId}`;
  if (count === 0) throw notFound();
}

const notFound = () => new Problem('not-found', 'This report subscription does not exist, or is not yours.');
const json = (value: unknown): string => JSON.stringify(value);

const columns = (sql: Sql | TransactionSql) => sql`
  id, name, report, parameters, range, schedule, emails, attachment, webhook, status, due_at, created_at, updated_at, version`;

const toSubscription = ({ dueAt, createdAt, updatedAt, version, ...fields }: Row): ReportSubscription => ({
  ...fields,
  nextAt: dueAt?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  version,
});
