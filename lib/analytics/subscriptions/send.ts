import type { Sql, TransactionSql } from 'postgres';
import { Problem, problems } from '../../contract/api/problems.ts';
import type { SentReport } from '../../contract/api/report-subscriptions.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { type ReportAnswer, type ReportQuery, totalsOf } from '../named-reports.ts';
import { queryAt } from './check.ts';
import {
  announceRun,
  type DueSubscription,
  dropSubscription,
  endDueTime,
  type NewRun,
  nextDue,
  postpone,
  skipTo,
} from './runs.sql.ts';
import { dueAfter } from './schedule.ts';

/** What a mail tells of a run: the report, or why there is none. */
export type RunNews = {
  subscription: DueSubscription;
  /** The days that it is of, from the first up to the one after the last; undefined for a report of now. */
  days: { from: string; to: string } | undefined;
  outcome:
    | { answer: ReportAnswer; totals: ReturnType<typeof totalsOf> }
    | { answer: undefined; reason: string; detail: string };
};

export type SendDeps = {
  sql: Sql;
  clock: Clock;
  stopwatch: Stopwatch;
  /** No due time is begun after so many milliseconds of the stopwatch. */
  untilMs: number;
  ask: (report: SentReport, query: ReportQuery) => Promise<ReportAnswer>;
  /** Whether an application may have reports now. */
  accessOf: (applicationId: string) => Promise<'allowed' | 'suspended' | 'lacks-scopes' | 'gone'>;
  /** Writes the mails of a run, in the transaction that ends its due time. */
  writeMails: (tx: TransactionSql, news: RunNews) => Promise<void>;
  onFailure: (what: { subscriptionId: string; report: SentReport; dueAt: string }, error: unknown) => void;
};

const minute = 60_000;
/** So long a report waits, from its first attempt on, for data that are new enough or for its sources to answer. */
const patienceMs = 120 * minute;
const retryMs = minute;
/** Due times from before that are passed over: after a long stop nobody wants all mails of the past. */
const oldestMs = 31 * 24 * 60 * minute;

type Outcome = 'sent' | 'failed' | 'skipped' | 'waiting' | 'passedOver' | 'dropped' | 'taken';

/**
 * Sends every report that is due, those of a subscription in their order. What it writes of a due time is one transaction, so that
 * each is sent once, however often it is killed, and however many of it run.
 * @returns how many had which outcome, and whether some are left
 */
export async function sendReports(deps: SendDeps) {
  const counts: Record<Outcome, number> & { left: boolean } = {
    sent: 0,
    failed: 0,
    skipped: 0,
    waiting: 0,
    passedOver: 0,
    dropped: 0,
    taken: 0,
    left: false,
  };
  for (let due = await nextDue(deps.sql, deps.clock); due !== undefined; due = await nextDue(deps.sql, deps.clock)) {
    if (deps.stopwatch.elapsed() >= deps.untilMs) return { ...counts, left: true };
    counts[await sendOrLeave(deps, due)] += 1;
  }
  return counts;
}

/** What fails in a way that nobody foresaw is left for a minute, and keeps nothing else from being sent. */
async function sendOrLeave(deps: SendDeps, due: DueSubscription): Promise<Outcome> {
  try {
    return await sendDue(deps, due);
  } catch (error) {
    deps.onFailure(whatIs(due), error);
    await leave(deps, due);
    return 'waiting';
  }
}

const leave = ({ sql, clock }: SendDeps, due: DueSubscription): Promise<void> =>
  postpone(sql, due, { now: new Date(clock.now()), until: new Date(clock.now() + retryMs) });

const whatIs = ({ id, report, dueAt }: DueSubscription) => ({ subscriptionId: id, report, dueAt: dueAt.toISOString() });

async function sendDue(deps: SendDeps, due: DueSubscription): Promise<Outcome> {
  const { sql, clock } = deps;
  const now = clock.now();
  if (due.dueAt.getTime() < now - oldestMs) {
    await skipTo(sql, due, new Date(dueAfter(due.schedule, now - oldestMs)));
    return 'passedOver';
  }
  const access = await deps.accessOf(due.applicationId);
  if (access === 'gone') {
    await dropSubscription(sql, due);
    return 'dropped';
  }
  const { days, query } = queryAt(due, due.dueAt.getTime());
  const base = { id: newId('reportRun', clock), from: days?.from ?? null, to: days?.to ?? null, ...nothing };
  if (access !== 'allowed') return end(deps, due, { ...base, status: 'skipped', reason: access });
  const outcome = await askOnce(deps, due, query);
  const isLate = due.triedAt !== null && now - due.triedAt.getTime() >= patienceMs;
  if (outcome.answer === undefined ? !outcome.final && !isLate : isTooEarly(outcome.answer, due) && !isLate) {
    await leave(deps, due);
    return 'waiting';
  }
  const emails = due.emails.length;
  if (outcome.answer === undefined) {
    const run = { ...base, status: 'failed' as const, reason: outcome.reason, emails };
    return end(deps, due, run, { subscription: due, days, outcome }, query);
  }
  const { asOf, lagSeconds, stale, data } = outcome.answer;
  const run = { ...base, status: 'sent' as const, asOf, lagSeconds, stale, rows: data.length, emails };
  const news = { subscription: due, days, outcome: { ...outcome, totals: totalsOf(due.report, data) } };
  return end(deps, due, run, news, query);
}

const nothing = { reason: null, asOf: null, lagSeconds: null, stale: false, rows: null, emails: 0 };

/** The report, or why there is none: for good, or for now. */
async function askOnce(deps: SendDeps, due: DueSubscription, query: ReportQuery) {
  try {
    return { answer: await deps.ask(due.report, query) };
  } catch (error) {
    deps.onFailure(whatIs(due), error);
    const problem = error instanceof Problem ? error : new Problem('unavailable', 'The report could not be read.');
    const final = problems[problem.code].status < 500;
    return { answer: undefined, reason: problem.code, detail: problem.message, final };
  }
}

/**
 * Whether some of the report's time was not over for the data that it comes from: they must be as of the end of the period, or of the
 * due time where that was sooner. What the warehouse has is complete whenever it was loaded.
 */
function isTooEarly({ asOf, parts }: ReportAnswer, { dueAt }: DueSubscription): boolean {
  const due = dueAt.getTime();
  if (parts === undefined) return Date.parse(asOf) < due;
  return parts.some(
    (part) => part.source !== 'warehouse' && Date.parse(part.asOf) < Math.min(Date.parse(part.to), due),
  );
}

async function end(
  { sql, clock, writeMails }: SendDeps,
  due: DueSubscription,
  run: NewRun,
  news?: RunNews,
  query: ReportQuery = {},
): Promise<Outcome> {
  const next = new Date(dueAfter(due.schedule, due.dueAt.getTime()));
  return inTransaction(sql, async (tx) => {
    const number = await endDueTime(tx, due, run, { next, clock });
    if (number === undefined) return 'taken';
    if (news === undefined) return run.status;
    if (due.emails.length > 0) await writeMails(tx, news);
    if (due.webhook) await announceRun(tx, eventOf(due, run, query), { number, clock });
    return run.status;
  });
}

const eventOf = (due: DueSubscription, run: NewRun, query: ReportQuery) => ({
  subscriptionId: due.id,
  applicationId: due.applicationId,
  runId: run.id,
  report: due.report,
  dueAt: due.dueAt.toISOString(),
  status: run.status === 'failed' ? ('failed' as const) : ('sent' as const),
  reason: run.reason,
  path: `/reports/${due.report}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)] as [string, string]))}`,
  asOf: run.asOf,
  lagSeconds: run.lagSeconds,
  stale: run.stale,
  rows: run.rows,
});
