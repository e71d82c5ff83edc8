import { once } from 'node:events';
import { connect } from 'node:net';
import { databaseRoles } from '../../../lib/contract/deploy/roles.ts';
import type { DataMigration } from '../../../lib/database/data-migrations.sql.ts';
import { describeData } from '../../../lib/database/data-migrations.ts';
import { shippedMigrations, status } from '../../../lib/database/migrate.ts';
import { config } from '../../../lib/platform/config.ts';
import { dropPool } from '../../../lib/platform/pools.ts';
import { type Check, count, duration, type Finding, fail, ok, type Patient, warn } from './check.ts';
import { explain } from './failures.ts';

/** Of all connections. Above it new functions cannot start. */
const mostConnections = 0.8;
/** A transaction that is open for longer keeps vacuum and migrations waiting. */
const longTransactionMs = 60_000;
/** Of waiting for a lock, and of doing nothing in a transaction. Our own roles give up a lock after four seconds. */
const longWaitMs = 2_000;
/** Its job runs every five minutes, and rests an hour before the second pass. */
const dataQuietMs = 2 * 3600_000;
/** Rows that vacuum has not removed, where they are more than a fifth of the table. */
const manyDeadRows = 10_000;

/** The way to PostgreSQL, and how it is. */
export const databaseChecks: readonly Check[] = [
  { name: 'network', needs: ['stack'], run: checkNetwork },
  { name: 'log-in', needs: ['network'], run: checkLogins },
  { name: 'migrations', needs: ['log-in'], run: checkMigrations },
  { name: 'connections', needs: ['log-in'], run: checkConnections },
  { name: 'transactions', needs: ['log-in'], run: checkTransactions },
  { name: 'tables', needs: ['log-in'], run: checkTables },
  { name: 'replication', needs: ['log-in'], run: checkReplication },
];

async function checkNetwork(): Promise<Finding> {
  const { DATABASE_HOST: host, DATABASE_PORT: port } = config();
  if (host === undefined) {
    return fail('DATABASE_HOST is not set, so the database cannot be reached.', 'npm run doctor -- --stage prod');
  }
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(5000) });
    return ok(`${host}:${port} accepts connections.`);
  } catch (error) {
    const timedOut = (error as Error).name === 'AbortError';
    return explain(`${host}:${port}`, timedOut ? Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }) : error);
  } finally {
    socket.destroy();
  }
}

/** TLS, IAM token and role of each kind of work. */
async function checkLogins({ sql }: Patient): Promise<Finding[]> {
  const failed: Finding[] = [];
  for (const role of databaseRoles) {
    try {
      await sql(role)`select 1`;
      // A database at its limit has no room for one connection of each.
      if (role !== 'migrator') dropPool(role);
    } catch (error) {
      failed.push(explain(`role ${role}`, error));
      // What is wrong with the way there is wrong for all of them.
      if (!/\((28000|28P01|42501)\)$/.test(failed[0]!.text)) break;
    }
  }
  return failed.length > 0 ? failed : [ok(`All ${databaseRoles.length} roles log in by IAM over verified TLS.`)];
}

async function checkMigrations({ sql, now }: Patient): Promise<Finding[]> {
  const { applied, pending, data, invalidIndexes, problem } = await status({
    sql: sql('migrator'),
    directory: shippedMigrations,
  });
  const page = 'docs/migrations.md';
  if (problem !== undefined) return [fail(`${problem.message}.`, 'npm run migrate -- status', page)];
  const findings = invalidIndexes.map((name) =>
    warn(
      `Index ${name} was left half-built: nothing uses it, and every write pays for it.`,
      `drop index concurrently ${name}`,
      page,
    ),
  );
  findings.push(...data.flatMap((row) => dataFinding(row, now())));
  if (pending.length > 0) {
    return [
      ...findings,
      fail(`${count(pending.length, 'migration')} of this release are not applied.`, 'npm run migrate -- up', page),
    ];
  }
  return [...findings, ok(`All ${applied.length} migrations are applied.`)];
}

/** A data migration that is finished needs no word. */
export function dataFinding(row: DataMigration, now: number): Finding[] {
  if (row.finishedAt !== null) return [];
  const text = `The data migration ${row.name} is not finished: ${describeData(row)}.`;
  const page = 'docs/migrations.md#data-migrations';
  if (row.paused) return [warn(text, `npm run migrate -- data resume ${row.name}`, page)];
  if (row.note?.startsWith('failed')) return [fail(text, `npm run migrate -- data run ${row.name}`, page)];
  const quietMs = now - (row.lastBatchAt?.getTime() ?? now);
  if (row.note === null && quietMs < dataQuietMs) return [ok(text)];
  return [warn(text, `npm run migrate -- data run ${row.name}`, page)];
}

async function checkConnections({ sql }: Patient): Promise<Finding> {
  const rows = await sql('migrator')<{ role: string; name: string; held: number; idle: number; most: number }[]>`
    select coalesce(usename, '') as role, application_name as name, count(*)::integer as held,
      (count(*) filter (where state like 'idle in transaction%'))::integer as idle,
      current_setting('max_connections')::integer as most
    from pg_stat_activity where backend_type = 'client backend' group by 1, 2 order by held desc`;
  const [{ role, name, held, most }, idle, used] = [rows[0]!, sumOf(rows, 'idle'), sumOf(rows, 'held')];
  const text = `${used} of ${most} connections are in use, ${idle} of them idle in a transaction.`;
  if (used <= most * mostConnections) return ok(text);
  const page = 'docs/runbooks/database-full.md';
  const why = `${text} New functions cannot connect. ${role} holds ${held} by the name "${name}".`;
  return fail(
    why,
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}' and application_name = '${name}'; or raise the capacity, when all of them have work`,
    page,
  );
}

const sumOf = <K extends string>(rows: readonly Record<K, number>[], name: K): number =>
  rows.reduce((sum, row) => sum + row[name], 0);

async function checkTransactions({ sql }: Patient): Promise<Finding[]> {
  const rows = await sql('migrator')<
    { pid: number; role: string; ageMs: number; idleMs: number; waitMs: number; blockers: number[]; query: string }[]
  >`
    select pid, coalesce(usename, '') as role,
      (extract(epoch from clock_timestamp() - xact_start) * 1000)::bigint as age_ms,
      case when state like 'idle in transaction%'
        then (extract(epoch from clock_timestamp() - state_change) * 1000)::bigint else 0 end as idle_ms,
      case when wait_event_type = 'Lock'
        then (extract(epoch from clock_timestamp() - state_change) * 1000)::bigint else 0 end as wait_ms,
      to_jsonb(pg_blocking_pids(pid)) as blockers,
      left(regexp_replace(query, '\\s+', ' ', 'g'), 80) as query
    from pg_stat_activity
    where xact_start is not null and pid <> pg_backend_pid() and backend_type = 'client backend'
    order by xact_start`;
  const page = 'docs/runbooks/slow-requests.md';
  const waiting = rows.filter(({ waitMs }) => waitMs > longWaitMs).toSorted((one, other) => other.waitMs - one.waitMs);
  const holders = new Set(waiting.map(({ blockers }) => blockers[0] ?? 0));
  const waits = [...holders].map((holder) => {
    const [first, ...others] = waiting.filter(({ blockers }) => (blockers[0] ?? 0) === holder);
    const { pid, role, waitMs } = first!;
    const more = others.length === 0 ? '' : ` So have ${count(others.length, 'other')}.`;
    return fail(
      `Process ${pid} of ${role} has waited ${duration(waitMs)} for a lock of ${holder}.${more}`,
      `select pg_terminate_backend(${holder})`,
      page,
    );
  });
  const idle = rows
    .filter(({ pid, idleMs }) => idleMs > longWaitMs && !holders.has(pid))
    .map(({ pid, role, idleMs, query }) =>
      warn(
        `Process ${pid} of ${role} has done nothing for ${duration(idleMs)} in a transaction that it left open, and keeps its locks. Its last statement: ${query}. Whoever needs the same rows waits, and orders with them.`,
        `select pg_terminate_backend(${pid})`,
        page,
      ),
    );
  const long = rows
    .filter(({ ageMs, idleMs }) => ageMs > longTransactionMs && idleMs <= longWaitMs)
    .map(({ pid, role, ageMs, query }) =>
      warn(
        `A transaction of ${role} has been open for ${duration(ageMs)}: ${query}. Vacuum and migrations wait for it.`,
        `select pg_terminate_backend(${pid})`,
        page,
      ),
    );
  return waits.length + idle.length + long.length > 0
    ? [...waits, ...idle, ...long]
    : [ok('No transaction is old, and none waits for a lock.')];
}

async function checkTables({ sql }: Patient): Promise<Finding[]> {
  const rows = await sql('migrator')<{ name: string; dead: number; live: number }[]>`
    select format('%I.%I', schemaname, relname) as name, n_dead_tup as dead, n_live_tup as live
    from pg_stat_user_tables
    where n_dead_tup > ${manyDeadRows} and n_dead_tup > 0.2 * n_live_tup
    order by n_dead_tup desc limit 5`;
  const [size] = await sql('migrator')<{ bytes: number }[]>`select pg_database_size(current_database()) as bytes`;
  const text = `The database holds ${Math.ceil(size!.bytes / 1024 / 1024)} MB.`;
  if (rows.length === 0) return [ok(text)];
  return rows.map(({ name, dead, live }) =>
    warn(`${name} has ${dead} dead rows beside ${live}: vacuum does not keep up.`, `vacuum (analyze) ${name}`),
  );
}

async function checkReplication({ sql }: Patient): Promise<Finding[]> {
  const rows = await sql('migrator')<{ name: string; state: string; behind: number }[]>`
    select application_name as name, state, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::bigint as behind
    from pg_stat_replication`;
  if (rows.length === 0) return [ok('No standby follows the database.')];
  return rows.map(({ name, state, behind }) =>
    state === 'streaming' && behind < 64 * 1024 * 1024
      ? ok(`${name} streams, ${behind} bytes behind.`)
      : warn(
          `${name} is in state ${state}, ${Math.round(behind / 1024 / 1024)} MB behind.`,
          undefined,
          'docs/runbooks/failover.md',
        ),
  );
}
