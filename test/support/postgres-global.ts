import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { loadCertificate } from '../../infra/local/certificate.ts';
import { removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import { startRdsProxy } from '../../infra/local/rds-proxy/server.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { migrate, shippedMigrations } from '../../lib/database/migrate.ts';
import { judgeOf } from './judges.ts';
import { startPgBouncer } from './pgbouncer.ts';

/** What the test files of a run share: one PostgreSQL, one RDS Proxy in front of it, and a database to clone. */
export type SharedPostgres = {
  socketDir: string;
  socketPath: string;
  port: number;
  template: string;
  /** Between the tests and PostgreSQL, where PgBouncer judges them. */
  bouncer?: { socketDir: string; prepares: boolean };
  proxy: {
    host: string;
    port: number;
    region: string;
    caFile: string;
    ca: string;
    /** May connect as every role of the contract. */
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
};

declare module 'vitest' {
  interface ProvidedContext {
    postgres: SharedPostgres;
  }
}

/**
 * Vitest's global set-up. The run's first project starts PostgreSQL for all, and describes it in `TEST_POSTGRES` as
 * JSON.
 */
export default async function setup({ provide }: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  if (process.env.TEST_POSTGRES !== undefined) {
    provide('postgres', JSON.parse(process.env.TEST_POSTGRES) as SharedPostgres);
    return async () => {};
  }
  const shared = await startSharedPostgres((sql) => migrate({ sql, directory: shippedMigrations }));
  provide('postgres', shared.details);
  process.env.TEST_POSTGRES = JSON.stringify(shared.details);
  return shared.stop;
}

type Shared = { details: SharedPostgres; stop(): Promise<void> };

/** Starts what the tests share. `prepareTemplate` fills the database that is cloned, as `migrator`. */
export async function startSharedPostgres(prepareTemplate?: (sql: postgres.Sql) => Promise<unknown>): Promise<Shared> {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-test-'));
  const dataDir = join(folder, 'postgres');
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '200' }; // No data here is needed after the run.
  const server = await startPostgres({ dataDir, settings });
  const stops = [() => rm(folder, { recursive: true }), () => removePostgresData(dataDir), () => server.stop()];
  const stop = async () => {
    for (let next = stops.pop(); next; next = stops.pop()) await next();
  };
  try {
    await makeTemplate(server.socketDir, prepareTemplate);
    const bouncer = await startBouncer(server);
    if (bouncer !== undefined) stops.push(() => bouncer.stop());
    const { caFile, ca, cert, key } = await loadCertificate(join(folder, 'certificate'));
    const region = 'eu-central-1';
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'test/secret' };
    const principal = { secretAccessKey: credentials.secretAccessKey, dbUsers: databaseRoles };
    const proxy = await startRdsProxy({
      host: 'localhost',
      region,
      cert,
      key,
      backendSocketPath: bouncer?.socketPath ?? server.socketPath,
      principals: (accessKeyId) => (accessKeyId === credentials.accessKeyId ? principal : undefined),
      maxClients: 150,
    });
    stops.push(() => proxy.stop());
    const { socketDir, socketPath, port } = server;
    const { host, port: proxyPort } = proxy;
    const details = { region, caFile, ca, credentials, host, port: proxyPort };
    const pooled = bouncer && { bouncer: { socketDir: bouncer.socketDir, prepares: bouncer.prepares } };
    return { details: { socketDir, socketPath, port, template, ...pooled, proxy: details }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const startBouncer = async (server: { socketDir: string; port: number }) => {
  const program = judgeOf('pgbouncer');
  return program === undefined ? undefined : startPgBouncer(program, server);
};

const template = 'counterfoil_template';

async function makeTemplate(host: string, prepare?: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const connect = (user: string, database: string) => postgres({ host, user, database, max: 1, onnotice: () => {} });
  const admin = connect('rdsadmin', 'postgres');
  const sql = connect('migrator', template);
  try {
    await admin`create database ${admin(template)} owner migrator`;
    await prepare?.(sql);
  } finally {
    await Promise.all([sql.end({ timeout: 5 }), admin.end({ timeout: 5 })]);
  }
}
