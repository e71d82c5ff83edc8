import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import postgres, { type Sql } from 'postgres';
import { jobs } from '../../functions/jobs.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { awsCredentials, config } from '../../lib/platform/config.ts';
import { passwordOf } from '../../lib/platform/database-password.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { createTables } from '../local/dynamo/tables.ts';
import { invoke } from './invoke.ts';
import { scramVerifier } from './scram.ts';

/**
 * Makes what the other containers need: with `DATABASE_ADMIN_URL_SECRET` the database and its owner, then the schema, the roles'
 * passwords, and the DynamoDB tables where `AWS_ENDPOINT_URL_DYNAMODB` names another DynamoDB than that of AWS. Idempotent.
 */
export async function prepare(say: (message: string) => void): Promise<void> {
  const { DATABASE_SECRET, AWS_REGION } = config();
  const admin = process.env.DATABASE_ADMIN_URL_SECRET;
  if (admin !== undefined && DATABASE_SECRET !== undefined) {
    await makeDatabase(admin, DATABASE_SECRET);
    say('the database and its owner are there');
  }
  await invoke(jobs.migrate.handler, {}, jobs.migrate.timeoutSeconds);
  say('the schema is that of this release');
  if (DATABASE_SECRET !== undefined) {
    const sql = sqlAs('migrator');
    for (const role of databaseRoles) if (role !== 'migrator') await setPassword(sql, role, DATABASE_SECRET);
    say('every role has its password');
  }
  if (process.env.AWS_ENDPOINT_URL_DYNAMODB !== undefined) {
    const client = new DynamoDBClient({ region: AWS_REGION, credentials: awsCredentials() });
    await createTables(
      client,
      Object.entries(tables).map(([name, keys]) => ({ name, ...keys })),
    );
    client.destroy();
    say('the DynamoDB tables are there');
  }
}

/** As Amazon RDS has them: the role `rds_iam`, and an owner who is not a superuser. */
async function makeDatabase(address: string, secret: string): Promise<void> {
  const { DATABASE_NAME } = config();
  const sql = postgres(address, { max: 1, fetch_types: false, onnotice: () => {} }) as unknown as Sql;
  try {
    const [there] = await sql<[{ iam: boolean; owner: boolean; database: boolean }]>`
      select to_regrole('rds_iam') is not null as iam, to_regrole('migrator') is not null as owner,
        exists (select from pg_database where datname = ${DATABASE_NAME}) as database`;
    if (!there.iam) await sql`create role rds_iam nologin`;
    if (!there.owner) {
      await sql`create role migrator login createrole createdb`;
      await sql`grant rds_iam to migrator with admin option`;
      await sql`grant pg_monitor, pg_signal_backend to migrator with admin option`;
    }
    await setPassword(sql, 'migrator', secret);
    if (!there.database) await sql`create database ${sql(DATABASE_NAME)} owner migrator`;
  } finally {
    await sql.end();
  }
}

/** A verifier, so that neither the connection nor the server's log has the password. */
const setPassword = (sql: Sql, role: string, secret: string) =>
  sql`alter role ${sql(role)} password ${sql.unsafe(`'${scramVerifier(passwordOf(secret, role))}'`)}`;
