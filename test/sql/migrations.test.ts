import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run as migrateJob } from '../../functions/jobs/migrate.ts';
import { removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import type { Sql } from '../../lib/database/applied.sql.ts';
import { down, migrate, shippedMigrations, status } from '../../lib/database/migrate.ts';
import { readMigrations } from '../../lib/database/migration-files.ts';
import { statementsOf } from '../../lib/database/statements.ts';
import { describeCatalog } from '../support/catalog.ts';

let folder: string;
let server: Awaited<ReturnType<typeof startPostgres>>;
let admin: Sql;
let database: string;
let sql: Sql;

// A server of its own, because login roles belong to the whole server, and these tests create and drop them.
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'migrations-test-')));
  server = await startPostgres({ dataDir: join(folder, 'postgres'), settings: { fsync: 'off' } });
  admin = connect('rdsadmin', 'postgres');
});

afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await removePostgresData(join(folder, 'postgres'));
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  database = `test_${Math.random().toString(36).slice(2)}`;
  await admin.unsafe(`create database ${database} owner migrator`);
  sql = connect('migrator');
});

afterEach(async () => {
  await sql.end();
  await admin.unsafe(`drop database ${database} with (force)`);
  const roles = await admin`
    select rolname from pg_roles where rolname !~ '^pg_' and rolname not in ('rdsadmin', 'rds_iam', 'migrator')`;
  for (const { rolname } of roles) await admin.unsafe(`drop role ${rolname}`);
});

/** From the first release on, migrations are only added; files up to this one make up the first release's schema. */
const baseline = 9;

describe('the shipped migrations', () => {
  const shipped = () => ({ sql, directory: shippedMigrations });

  test('are numbered from 1 without a gap, and each has an up and a down file', async () => {
    const versions = (await readMigrations(shippedMigrations)).map(({ version }) => version);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    expect(versions.length).toBeGreaterThanOrEqual(baseline);
  });

  test('an index that a build by hand left behind is named by the status', async () => {
    await migrate(shipped());
    expect((await status(shipped())).invalidIndexes).toEqual([]);
    const owner = connect('rdsadmin');
    await owner`update pg_index set indisvalid = false where indexrelid = 'stock.movements_pkey'::regclass`.finally(
      () => owner.end(),
    );
    expect((await status(shipped())).invalidIndexes).toEqual(['stock.movements_pkey']);
  });

  test('create each table of the first release in one place: no file of the baseline alters an object', async () => {
    const files = (await readMigrations(shippedMigrations)).slice(0, baseline);
    const alterations = files.flatMap(({ name, up }) =>
      statementsOf(up)
        .filter(
          ({ words: [verb, next] }) => verb === 'alter' || verb === 'drop' || (verb === 'create' && next === 'or'),
        )
        .map(({ words, line }) => `${name} line ${line}: ${words.slice(0, 3).join(' ')}`),
    );
    expect(alterations).toEqual([]);
  });

  test('down leaves the catalog as it was before up, and up again makes the same catalog', async () => {
    const { pending } = await status(shipped());
    const before: string[][] = [];
    for (const [index] of pending.entries()) {
      before.push(await describeCatalog(sql));
      await migrate({ ...shipped(), target: index + 1 });
    }
    const all = await describeCatalog(sql);
    expect(all.length).toBeGreaterThan(300);
    for (const catalog of before.toReversed()) {
      await down(shipped());
      expect(await describeCatalog(sql)).toEqual(catalog);
    }
    expect(await migrate(shipped())).toEqual({ applied: pending });
    expect(await describeCatalog(sql)).toEqual(all);
  });

  test('two databases of a server share the roles, and reverting one keeps the roles of the other', async () => {
    await migrate(shipped());
    const before = await describeCatalog(sql);
    const other = `${database}_2`;
    await admin.unsafe(`create database ${other} owner migrator`);
    const second = connect('migrator', other);
    await migrate({ ...shipped(), sql: second });
    await down({ ...shipped(), sql: second, target: 0 });
    expect(await describeCatalog(sql)).toEqual(before);
    await second.end();
    await admin.unsafe(`drop database ${other}`);
  });

  test('are each smaller than 16 KB, from which on RDS Proxy pins a session', async () => {
    for (const file of await readdir(shippedMigrations)) {
      expect((await stat(new URL(file, shippedMigrations))).size, file).toBeLessThan(16 * 1024);
    }
  });

  test('are all applied by the job, which names them in its log and its answer', async () => {
    const lines: string[] = [];
    const log = { info: (line: unknown) => void lines.push(String(line)) };
    const { applied } = await migrateJob({
      sql: () => sql,
      log: log as never,
      directory: shippedMigrations,
    });
    expect(applied).toEqual((await status(shipped())).applied.map(({ name }) => name));
    expect(lines).toEqual(applied.map((name) => `applied ${name}`));
    expect(applied).toHaveLength((await readdir(shippedMigrations)).length / 2);
  });
});

function connect(username: string, name = database): Sql {
  return postgres({
    host: server.socketDir,
    port: server.port,
    username,
    database: name,
    max: 1,
    prepare: false,
    fetch_types: false,
    onnotice: () => {},
  }) as unknown as Sql;
}
