import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { run } from '../../functions/jobs/migrate.ts';
import { type Postgres, removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { databaseLogins } from '../../lib/platform/database-logins.ts';
import { sqlOnce } from '../../lib/platform/sql.ts';
import { logger } from '../../lib/platform/telemetry.ts';
import { freePort } from '../e2e/checkout.ts';

/** A PostgreSQL as Amazon RDS has it: no superuser to log in as, and members of `rds_iam` do not log in by a password. */
let server: Postgres;
let folder: string;
let port: number;
const admin = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-database-AbCdEf';
const secrets = new Map([[admin, JSON.stringify({ username: 'master', password: 'of the master' })]]);
for (const role of databaseRoles) secrets.set(`counterfoil/tea/database/${role}`, `first of ${role}`);
const asked: { secret: string; authorization: string }[] = [];

/** Secrets Manager, as far as the functions ask it. */
const manager = createServer(async (request, response) => {
  const { SecretId } = (await json(request)) as { SecretId: string };
  asked.push({ secret: SecretId, authorization: request.headers.authorization ?? '' });
  const found = request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue' ? secrets.get(SecretId) : undefined;
  response.writeHead(found === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(found === undefined ? { __type: 'ResourceNotFoundException' } : { SecretString: found }));
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shop-database-'));
  port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port: String(port), fsync: 'off' };
  server = await startPostgres({ dataDir: join(folder, 'postgres'), settings });
  const sql = postgres({
    host: server.socketDir,
    port,
    user: 'rdsadmin',
    database: 'postgres',
    max: 1,
    fetch_types: false,
  });
  await sql`drop database counterfoil`;
  await sql`drop role migrator`;
  await sql`create role master login createrole createdb password 'of the master'`;
  await sql`grant rds_iam, pg_monitor, pg_signal_backend to master with admin option`;
  await sql`revoke rds_iam from master`;
  const [row] = await sql`show hba_file`;
  const rules = await readFile(row!.hba_file, 'utf8');
  await writeFile(row!.hba_file, `host all +rds_iam 127.0.0.1/32 reject\n${rules}`);
  await appendFile(row!.hba_file, 'host all all 127.0.0.1/32 scram-sha-256\n');
  await sql`select pg_reload_conf()`;
  await sql.end();
  manager.listen(0, '127.0.0.1');
  await once(manager, 'listening');
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    DATABASE_HOST: '127.0.0.1',
    DATABASE_PORT: String(port),
    DATABASE_NAME: 'tea',
    DATABASE_TLS: 'off',
    DATABASE_SECRETS: 'counterfoil/tea/database',
    DATABASE_ADMIN_SECRET_ARN: admin,
    SECRETS_URL: `http://127.0.0.1:${(manager.address() as AddressInfo).port}`,
  });
});
afterAll(async () => {
  manager.close();
  await server?.stop();
  await removePostgresData(join(folder, 'postgres'));
  await rm(folder, { recursive: true, force: true });
});

const log = { info: () => {} };
/** As the function of the migrations, of which each run has connections of its own. */
const migrateOnce = () =>
  sqlOnce('migrator', async (sql) =>
    run({ sql: () => sql, log, directory: shippedMigrations, logins: databaseLogins() }),
  );
const whoAmI = (role: (typeof databaseRoles)[number]) =>
  sqlOnce(role, async (sql) => (await sql`select current_user as name, current_database() as database`)[0]);

test('the commands of docs/deploy.md make the owner whose roles log in by IAM', async () => {
  const page = await readFile(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
  const [, commands = ''] = /^ +```sql\n([\s\S]*?)^ +```$/m.exec(page) ?? [];
  const connection = { host: server.socketDir, port, max: 1, fetch_types: false };
  const sql = postgres({ ...connection, user: 'rdsadmin', database: 'postgres' });
  await sql`create role iam_master createrole createdb`;
  await sql`grant rds_iam, pg_monitor, pg_signal_backend to iam_master with admin option`;
  await sql`set role iam_master`;
  for (const command of commands.split(';').filter((each) => each.trim() !== '')) await sql.unsafe(command);
  await sql`reset role`;
  const owner = postgres({ ...connection, user: 'migrator', database: 'counterfoil', onnotice: () => {} });
  await migrate({ sql: owner as never, directory: shippedMigrations });
  const [row] = await owner`select pg_has_role('saga', 'rds_iam', 'member') as by_iam`;
  expect(row).toEqual({ by_iam: true });
  await owner.end();
  await sql`drop database counterfoil`;
  for (const role of [...databaseRoles, 'reads_personal_data']) await sql`drop role ${sql(role)}`;
  await sql.end();
});

test('a database of the shop gets its owner, its schema, and a password for each role from its own secret', async () => {
  const { applied } = await migrateOnce();
  expect(applied.length).toBeGreaterThan(20);
  asked.length = 0;
  expect(await Promise.all(databaseRoles.map(whoAmI))).toEqual(
    databaseRoles.map((name) => ({ name, database: 'tea' })),
  );
  expect(new Set(asked.map(({ secret }) => secret))).toEqual(
    new Set(databaseRoles.map((role) => `counterfoil/tea/database/${role}`)),
  );
  for (const { authorization } of asked)
    expect(authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-west-1\/secretsmanager\/aws4_request, /);
});

test('a new value of a secret counts when the migrations have run again', async () => {
  secrets.set('counterfoil/tea/database/saga', 'second of saga');
  await expect(whoAmI('saga')).rejects.toMatchObject({ code: '28P01' });
  expect(await migrateOnce()).toEqual({ applied: [] });
  expect(await whoAmI('saga')).toEqual({ name: 'saga', database: 'tea' });
});

test('a secret that is not there, or is of another form, is named without what it says', async () => {
  secrets.delete('counterfoil/tea/database/saga');
  const logged = vi.spyOn(logger(), 'error').mockImplementation(() => {});
  await expect(whoAmI('saga')).rejects.toMatchObject({ code: '28P01' });
  const reason = 'Secrets Manager answered 400 ResourceNotFoundException for the secret counterfoil/tea/database/saga';
  expect(logged).toHaveBeenCalledWith('a password cannot be read', { role: 'saga', reason });
  secrets.set(admin, 'of the master');
  const refused = await databaseLogins()!
    .prepare()
    .catch((error: Error) => error.message);
  expect(refused).toBe('the secret at DATABASE_ADMIN_SECRET_ARN does not contain username and password as JSON');
});
