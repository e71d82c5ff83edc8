import { Signer } from '@aws-sdk/rds-signer';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { waitingForLocks } from '../support/locks.ts';
import { createDatabase, LeakedConnections, testPostgres } from '../support/postgres.ts';

test('two clones of a database are independent', async () => {
  const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
  const [sql, otherSql] = [one.connect('migrator'), other.connect('migrator')];
  await sql`create table only_here (n int)`;
  await expect(otherSql`select * from only_here`).rejects.toMatchObject({ code: '42P01' });
  await Promise.all([sql.end(), otherSql.end()]);

  const copy = await createDatabase({ template: one.name });
  const copySql = copy.connect('migrator');
  expect(await copySql`select * from only_here`).toEqual([]);
  await copySql.end();
  await Promise.all([one.drop(), other.drop(), copy.drop()]);
});

test('a pool that was not closed is named when its database is dropped', async () => {
  const database = await createDatabase();
  const sql = database.connect('migrator', { connection: { application_name: 'forgotten' }, max: 1 });
  await sql`select 'the last query'`;
  const error = await database.drop(500).catch((reason) => reason);
  expect(error).toBeInstanceOf(LeakedConnections);
  expect(error.message).toMatch(
    /1 connections to test_\w+ were not ended: migrator \(forgotten, idle, last: .*last query/,
  );
  await sql.end({ timeout: 0 });
});

test('a session that waits for a lock is counted in its own database alone', async () => {
  const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
  const [sql, otherSql] = [one.connect('migrator'), other.connect('migrator')];
  await sql`create table things as select 1 as n`;
  let waiting: Promise<unknown> | undefined;
  await sql.begin(async (tx) => {
    await tx`update things set n = 2`;
    waiting = sql`update things set n = 3`.execute();
    await expect.poll(() => waitingForLocks(sql), { interval: 5 }).toBe(1);
    expect(await waitingForLocks(otherSql)).toBe(0);
  });
  await waiting;
  await Promise.all([sql.end(), otherSql.end()]);
  await Promise.all([one.drop(), other.drop()]);
});

test('the shared RDS Proxy leads to a clone', async () => {
  const database = await createDatabase();
  const { host, port, region, ca, credentials } = testPostgres().proxy;
  const signer = new Signer({ hostname: host, port, region, username: 'migrator', credentials });
  const ssl = { ca, servername: host };
  const options = { host, port, database: database.name, username: 'migrator', ssl, max: 1 };
  const sql = postgres({ ...options, password: () => signer.getAuthToken() });
  expect(await sql`select current_database() as name`).toEqual([{ name: database.name }]);
  await sql.end();
  await database.drop();
});
