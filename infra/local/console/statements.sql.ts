import connect, { type Sql } from 'postgres';
import { type SlowStatement, slowStatements } from './parts.sql.ts';

/**
 * The slowest statements, from `pg_stat_statements`. Its view is made in the database `postgres`, where it says what all
 * databases do, so that the product's own has nothing in it that a deployed one has not.
 * @returns undefined when the server was started without it
 */
export async function readStatements(folder: string): Promise<SlowStatement[] | undefined> {
  const sql = connect({
    host: folder,
    user: 'rdsadmin',
    database: 'postgres',
    max: 1,
    connect_timeout: 3,
    fetch_types: false,
    transform: { column: { from: connect.toCamel } },
    onnotice: () => {},
    connection: { application_name: 'counterfoil-console', statement_timeout: 3000 },
  }) as unknown as Sql;
  try {
    const [{ loaded }] = await sql<[{ loaded: boolean }]>`
      select current_setting('shared_preload_libraries') like '%pg_stat_statements%' as loaded`;
    if (!loaded) return undefined;
    await sql`create extension if not exists pg_stat_statements`;
    return await slowStatements(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
