import type { Clock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { MoveInRefused } from './errors.ts';

/** What a cut-over went through, with the seconds that it took. */
export type StepTime = { step: string; seconds: number };
export type CutOver = {
  source: string;
  startedAt: Date;
  state: 'rehearsing' | 'rehearsed' | 'running' | 'failed' | 'switched' | 'backed out';
  aliveUntil: Date;
  switchedAt: Date | null;
  steps: StepTime[];
  /** Since the old shop was closed; in a rehearsal, since it would have been. */
  closedSeconds: number | null;
};
type Key = Pick<CutOver, 'source' | 'startedAt'>;

/** A killed command keeps the next one away for so long. */
const leaseMs = 30_000;

/**
 * Notes that a cut-over or a rehearsal begins. One that was killed counts as failed.
 * @throws MoveInRefused while another one runs, and after one that switched
 */
export async function beginCutOver(
  sql: Sql,
  { source, rehearse, clock }: { source: string; rehearse: boolean; clock: Clock },
): Promise<Key> {
  const now = new Date(clock.now());
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('counterfoil cut-over', 0))`;
    await tx`
      update archive.cut_overs set state = 'failed', reason = 'The command was killed.'
      where source = ${source} and state in ('running', 'rehearsing') and alive_until <= ${now}`;
    const [other] = await tx<Pick<CutOver, 'state' | 'startedAt'>[]>`
      select state, started_at from archive.cut_overs
      where source = ${source} and state in ('running', 'rehearsing', 'switched') order by state = 'switched' desc limit 1`;
    if (other !== undefined) throw refused(source, other);
    await tx`
      insert into archive.cut_overs (source, started_at, state, alive_until)
      values (${source}, ${now}, ${rehearse ? 'rehearsing' : 'running'}, ${new Date(now.getTime() + leaseMs)})`;
    return { source, startedAt: now };
  });
}

const refused = (source: string, { state, startedAt }: Pick<CutOver, 'state' | 'startedAt'>): MoveInRefused =>
  new MoveInRefused(
    state === 'switched'
      ? `${source} was cut over by the run of ${startedAt.toISOString()}: this shop sells now. Only back-out goes back.`
      : `A cut-over of ${source} runs since ${startedAt.toISOString()}. If it was killed, try again in ${leaseMs / 1000} seconds.`,
  );

/** Keeps others away while the work is under way. */
export async function whileAlive<T>(sql: Sql, key: Key, clock: Clock, work: () => Promise<T>): Promise<T> {
  const renew = () => sql`
    update archive.cut_overs set alive_until = ${new Date(clock.now() + leaseMs)}
    where source = ${key.source} and started_at = ${key.startedAt} and state in ('running', 'rehearsing')`;
  const timer = setInterval(() => void renew().catch(() => {}), leaseMs / 3);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/**
 * Notes how it ended.
 * @throws MoveInRefused when another command has meanwhile taken this one for killed
 */
export async function endCutOver(
  sql: Sql,
  { source, startedAt }: Key,
  end: Pick<CutOver, 'state' | 'steps' | 'closedSeconds'> & { at: Date; reason?: string },
): Promise<void> {
  const switchedAt = end.state === 'switched' ? end.at : null;
  const { count } = await sql`
    update archive.cut_overs
    set state = ${end.state}, steps = ${JSON.stringify(end.steps)}::text::jsonb, closed_seconds = ${end.closedSeconds},
      reason = ${end.reason ?? null}, switched_at = ${switchedAt}
    where source = ${source} and started_at = ${startedAt} and state in ('running', 'rehearsing')`;
  if (count === 0)
    throw new MoveInRefused('This run was silent for so long that another one took it for killed. Look at that one.');
}

/** The cut-over that made this shop the one that sells, if any. */
export async function findSwitched(sql: Sql, source: string): Promise<CutOver | undefined> {
  const [row] = await sql<CutOver[]>`
    select source, started_at, state, alive_until, switched_at, steps, closed_seconds::float8 as closed_seconds
    from archive.cut_overs where source = ${source} and state = 'switched'`;
  return row;
}

/** How long the last rehearsal says that the old shop will be closed. */
export async function findRehearsal(sql: Sql, source: string): Promise<CutOver | undefined> {
  const [row] = await sql<CutOver[]>`
    select source, started_at, state, alive_until, switched_at, steps, closed_seconds::float8 as closed_seconds
    from archive.cut_overs where source = ${source} and state = 'rehearsed' order by started_at desc limit 1`;
  return row;
}

/** Notes that the old shop sells again. */
export async function noteBackOut(sql: Sql, { source, startedAt }: Key, at: Date): Promise<void> {
  await sql`
    update archive.cut_overs set state = 'backed out', backed_out_at = ${at}
    where source = ${source} and started_at = ${startedAt} and state = 'switched'`;
}
