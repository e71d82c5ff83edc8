import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { inject } from 'vitest';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { SharedPostgres } from './postgres-global.ts';

export type TestDatabase = {
  name: string;
  /** Opens a pool as a role, over the unix socket. The caller closes it. */
  connect(user: string, options?: postgres.Options<Record<string, postgres.PostgresType>>): postgres.Sql;
  /**
   * Drops the database. When a pool was not closed after `graceMs` (two minutes by default), drops it too and throws
   * LeakedConnections.
   */
  drop(graceMs?: number): Promise<void>;
};

/** A test file has left connections to its database open. */
export class LeakedConnections extends Error {
  override readonly name = 'LeakedConnections';
  constructor(database: string, sessions: readonly postgres.Row[]) {
    const each = sessions.map(({ usename, application_name, state, query }) => {
      return `${usename} (${application_name}, ${state}, last: ${String(query).slice(0, 80)})`;
    });
    super(`${sessions.length} connections to ${database} were not ended: ${each.join('; ')}`);
  }
}

/** The PostgreSQL and the RDS Proxy that this run's test files share. */
export function testPostgres(): SharedPostgres {
  return inject('postgres');
}

/** Clones a database, by default the one with every migration applied. */
export async function createDatabase({ template = testPostgres().template } = {}): Promise<TestDatabase> {
  const { bouncer } = testPostgres();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin((sql) => sql`create database ${sql(name)} template ${sql(template)} owner migrator`);
  return {
    name,
    connect: (user, options) =>
      postgres({
        ...placeFor(user, options),
        user,
        database: name,
        fetch_types: false,
        onnotice: () => {},
        ...options,
      }),
    // PgBouncer keeps its connections.
    drop: (graceMs) => asAdmin((sql) => drop(sql, name, bouncer === undefined ? graceMs : 0)),
  };
}

/**
 * Where a role connects: to PgBouncer where it judges, and past it where one backend is needed. That is who is no role of the
 * product, such as the administrator, and who sets parameters of the session.
 */
function placeFor(user: string, options: Parameters<TestDatabase['connect']>[1] = {}) {
  const { socketDir, bouncer } = testPostgres();
  const isRole = (databaseRoles as readonly string[]).includes(user);
  const needsOne = !isRole || Object.keys(options.connection ?? {}).some((name) => name !== 'application_name');
  if (bouncer === undefined || needsOne) return { host: socketDir };
  return { host: bouncer.socketDir, ...(bouncer.prepares ? {} : { prepare: false }) };
}

/** PostgreSQL takes a moment to notice that a client has disconnected, longer on a busy machine. */
const defaultGraceMs = 2 * 60_000;

async function drop(sql: postgres.Sql, name: string, graceMs = defaultGraceMs): Promise<void> {
  const sessions = () => sql`
    select usename, application_name, state, query from pg_stat_activity
    where datname = ${name} and backend_type = 'client backend'`;
  let open = await sessions();
  for (const end = Date.now() + graceMs; open.length > 0 && Date.now() < end; open = await sessions()) await sleep(10);
  await sql`drop database ${sql(name)} with (force)`;
  if (open.length > 0 && testPostgres().bouncer === undefined) throw new LeakedConnections(name, open);
}

async function asAdmin<T>(work: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
  const sql = postgres({ host: testPostgres().socketDir, user: 'rdsadmin', database: 'postgres', max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
