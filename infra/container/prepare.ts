import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import postgres, { type Sql } from 'postgres';
import { jobs } from '../../functions/jobs.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { makeOwner, setVerifier } from '../../lib/database/owner.sql.ts';
import { awsCredentials, config } from '../../lib/platform/config.ts';
import { passwordOf } from '../../lib/platform/database-password.ts';
import { scramVerifier } from '../../lib/platform/scram.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { createTables } from '../local/dynamo/tables.ts';
import { invoke } from './invoke.ts';

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
    for (const role of databaseRoles)
      if (role !== 'migrator') await setVerifier(sql, role, scramVerifier(passwordOf(DATABASE_SECRET, role)));
    say('every role has its password');
  }
  if (process.env.AWS_ENDPOINT_URL_DYNAMODB !== undefined) {
    const client = new DynamoDBClient({ region: AWS_REGION, credentials: awsCredentials });
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
  const sql = postgres(address, { max: 1, fetch_types: false, onnotice: () => {} }) as unknown as Sql;
  try {
    const [{ iam }] = await sql<[{ iam: boolean }]>`select to_regrole('rds_iam') is not null as iam`;
    if (!iam) await sql`create role rds_iam nologin`;
    const verifier = scramVerifier(passwordOf(secret, 'migrator'));
    await makeOwner(sql, { database: config().DATABASE_NAME, verifier, byIam: true });
  } finally {
    await sql.end();
  }
}
