import type { Sql } from 'postgres';

type Owner = {
  database: string;
  /** What PostgreSQL stores of the owner's password; without it the owner has the one that it had. */
  verifier?: string;
  /** Whether roles log in by IAM. Who is a member of `rds_iam` cannot log in by a password on Amazon RDS. */
  byIam: boolean;
};

/**
 * Makes the database and its owner, `migrator`, by a role that may create both, such as the master user of Amazon RDS. The owner makes
 * the other roles, and is no superuser. Idempotent.
 * @param sql a connection of that role to another database
 */
export async function makeOwner(sql: Sql, { database, verifier, byIam }: Owner): Promise<void> {
  const [there] = await sql<[{ owner: boolean; database: boolean }]>`
    select to_regrole('migrator') is not null as owner,
      exists (select from pg_database where datname = ${database}) as database`;
  if (!there.owner) {
    await sql`create role migrator login createrole createdb`;
    await sql`grant pg_monitor, pg_signal_backend to migrator with admin option`;
    if (byIam) await sql`grant rds_iam to migrator with admin option`;
    // By which the migrations tell.
    else await sql`comment on role migrator is 'logs in by password'`;
  }
  if (verifier !== undefined) await setVerifier(sql, 'migrator', verifier);
  if (there.database) return;
  // Only who may act for the owner gives it a database.
  await sql`grant migrator to current_user`;
  await sql`create database ${sql(database)} owner migrator`;
}

/** Sets a password by what PostgreSQL stores of it, so that neither the connection nor the server's log has it. */
export const setVerifier = (sql: Sql, role: string, verifier: string) =>
  sql`alter role ${sql(role)} password ${sql.unsafe(`'${verifier}'`)}`;
