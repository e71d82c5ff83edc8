import type { Sql, TransactionSql } from 'postgres';
import { decodeCursor, toPage } from '../../contract/api/cursor.ts';
import { type Finding, type FindingKind, findingKinds } from '../../contract/api/findings.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import type { CompensatingInput } from '../../saga/inputs.ts';
import type { Verdict } from './verdict.ts';

/**
 * Keeps what comparisons came to: a problem opens its finding or brings it up to date, no problem clears it.
 * @returns the findings that are new
 */
export async function saveVerdicts(sql: Sql, verdicts: readonly Verdict[], clock: Clock): Promise<Verdict[]> {
  // Of several words on one thing that of the problem counts.
  const byThing = new Map<string, Verdict & { id: string }>();
  for (const each of verdicts) {
    const thing = `${each.kind} ${each.subject}`;
    if (byThing.get(thing)?.problem === undefined) byThing.set(thing, { ...each, id: newId('finding', clock) });
  }
  if (byThing.size === 0) return [];
  const sent = [...byThing.values()].map(({ problem, ...rest }) => ({
    ...rest,
    details: problem?.details ?? null,
    advice: problem?.advice ?? null,
  }));
  const at = new Date(clock.now());
  const rows = await sql`
    with verdicts as materialized (
      select id, kind, subject, details, advice
      from jsonb_to_recordset(${JSON.stringify(sent)}::text::jsonb)
        as v (id text, kind text, subject text, details jsonb, advice text)
    ),
    found as (
      insert into monitor.findings as f (id, kind, subject, details, advice, first_seen, last_seen)
      select id, kind, subject, details, advice, ${at}::timestamptz, ${at}::timestamptz
      from verdicts where advice is not null
      order by kind, subject
      on conflict (kind, subject) where cleared_at is null do update
        set details = excluded.details, advice = excluded.advice,
          last_seen = greatest(f.last_seen, excluded.last_seen)
      returning f.id
    ),
    cleared as (
      update monitor.findings f set cleared_at = ${at}
      from verdicts v
      where v.advice is null and f.kind = v.kind and f.subject = v.subject and f.cleared_at is null
    )
    select id from found`;
  const kept = new Set(rows.map((row) => row.id as string));
  return [...byThing.values()].filter(({ id }) => kept.has(id)).map(({ id: _, ...each }) => each);
}

/** An open finding that a run has not come to, because what it is about lies outside of what the run compares. */
export type Unseen = { id: string; kind: FindingKind; subject: string; details: Record<string, unknown> };

/** Open findings of a kind that nobody has looked at since `since`, the oldest first. */
export async function listUnseen(
  sql: Sql,
  { kinds, since, after, limit }: { kinds: readonly FindingKind[]; since: Date; after: string; limit: number },
): Promise<Unseen[]> {
  const rows = await sql`
    select id, kind, subject, details from monitor.findings
    where cleared_at is null and last_seen < ${since} and id > ${after}
      and kind in (select jsonb_array_elements_text(${JSON.stringify(kinds)}::text::jsonb))
    order by id
    limit ${limit}`;
  return rows as unknown as Unseen[];
}

/** How many findings of each kind are open. */
export async function countOpen(sql: Sql): Promise<Record<FindingKind, number>> {
  const rows = await sql`
    select kind, count(*)::integer as count from monitor.findings where cleared_at is null group by kind`;
  const counts = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  for (const { kind, count } of rows) counts[kind as FindingKind] = count;
  return counts;
}

/**
 * Records, before it is made, that a repair is made.
 * @returns whether this call may make it: nobody did so before, for this finding or any other
 */
export async function claimRepair(
  sql: Sql | TransactionSql,
  repair: {
    kind: FindingKind;
    subject: string;
    key: string;
    state: 'started' | 'done';
    input?: CompensatingInput;
    at: Date;
  },
): Promise<boolean> {
  const rows = await sql`
    update monitor.findings f
    set repair = ${repair.state}, repair_key = ${repair.key}, repaired_at = ${repair.at},
      repair_input = ${repair.input === undefined ? null : JSON.stringify(repair.input)}::text::jsonb
    where f.kind = ${repair.kind} and f.subject = ${repair.subject} and f.cleared_at is null and f.repair is null
      and not exists (select from monitor.findings other where other.repair_key = ${repair.key})
    returning f.id`.catch((error: { constraint_name?: string }) => {
    if (error.constraint_name === 'findings_repaired_once') return [];
    throw error;
  });
  return rows.length > 0;
}

/** Repairs that were begun and of whose end nothing is known yet, the oldest first. */
export async function listStartedRepairs(sql: Sql, { limit }: { limit: number }) {
  const rows = await sql`
    select id, subject, repair_input as input from monitor.findings
    where repair = 'started' and repair_input is not null
    order by id
    limit ${limit}`;
  return rows as unknown as { id: string; subject: string; input: CompensatingInput }[];
}

/** Records how a repair ended. */
export async function settleRepair(sql: Sql, { id, state }: { id: string; state: 'done' | 'failed' }): Promise<void> {
  await sql`update monitor.findings set repair = ${state} where id = ${id} and repair = 'started'`;
}

type FindingRow = Omit<Finding, 'firstSeen' | 'lastSeen' | 'clearedAt'> & {
  firstSeen: Date;
  lastSeen: Date;
  clearedAt: Date | null;
};

/**
 * A page of findings, newest first.
 * @throws Problem invalid-cursor
 */
export async function listFindings(
  sql: Sql,
  filter: {
    kind?: FindingKind | undefined;
    state: 'open' | 'cleared' | 'all';
    limit: number;
    cursor?: string | undefined;
  },
) {
  const { kind, state, limit, cursor } = filter;
  const listName = `list-findings ${kind ?? ''} ${state}`;
  const rows = await sql<FindingRow[]>`
    select id, kind, subject, details, advice, repair, first_seen, last_seen, cleared_at
    from monitor.findings
    where true
      ${kind === undefined ? sql`` : sql`and kind = ${kind}`}
      ${state === 'all' ? sql`` : state === 'open' ? sql`and cleared_at is null` : sql`and cleared_at is not null`}
      ${cursor === undefined ? sql`` : sql`and id < ${decodeCursor(listName, cursor)}`}
    order by id desc
    limit ${limit + 1}`;
  return toPage(listName, rows.map(toFinding), limit);
}

const toFinding = ({ firstSeen, lastSeen, clearedAt, ...row }: FindingRow): Finding => ({
  ...row,
  firstSeen: firstSeen.toISOString(),
  lastSeen: lastSeen.toISOString(),
  clearedAt: clearedAt === null ? null : clearedAt.toISOString(),
});
