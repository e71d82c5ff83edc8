import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import type { Sql } from '../../lib/database/applied.sql.ts';
import { down, type MigrateOptions, migrate, shippedMigrations, status } from '../../lib/database/migrate.ts';
import { describeCatalog } from '../support/catalog.ts';

let folder: string;
let server: Awaited<ReturnType<typeof startPostgres>>;
let admin: Sql;
let database: string;
let directory: string;
let sql: Sql;
let opened: Sql[];

// A server of its own: login roles belong to the whole server, and these tests make and drop them.
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'migrations-test-')));
  server = await startPostgres({ dataDir: join(folder, 'postgres'), settings: { fsync: 'off' } });
  opened = [];
  admin = connect('rdsadmin', 'postgres');
});

afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await removePostgresData(join(folder, 'postgres'));
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  opened = [];
  database = `test_${Math.random().toString(36).slice(2)}`;
  await admin.unsafe(`create database ${database} owner migrator`);
  directory = await mkdtemp(join(folder, 'files-'));
  sql = connect('migrator');
});

afterEach(async () => {
  await Promise.all(opened.map((connection) => connection.end({ timeout: 1 })));
  await admin.unsafe(`drop database ${database} with (force)`);
  const roles = await admin`select rolname from pg_roles where rolcanlogin and rolname not in ('rdsadmin', 'migrator')`;
  for (const { rolname } of roles) await admin.unsafe(`drop role ${rolname}`);
});

describe('the shipped migrations', () => {
  const shipped = () => ({ sql, directory: shippedMigrations });

  test('each one undone leaves what was there before it, and done again what it made', async () => {
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

  test('a second database of the server shares the roles, and undoing one keeps the roles of the other', async () => {
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

  test('each is smaller than the 16 KB from which RDS Proxy pins a session', async () => {
    for (const file of await readdir(shippedMigrations)) {
      expect((await stat(new URL(file, shippedMigrations))).size, file).toBeLessThan(16 * 1024);
    }
  });

  test('the job applies them all, and says so in its log and answer', async () => {
    const lines: string[] = [];
    const log = { info: (line: unknown) => void lines.push(String(line)) };
    const { applied } = await (await import('../../functions/jobs/migrate.ts')).run({
      sql: () => sql,
      log: log as never,
      directory: shippedMigrations,
    });
    expect(applied).toEqual((await status(shipped())).applied.map(({ name }) => name));
    expect(lines).toEqual(applied.map((name) => `applied ${name}`));
    expect(applied).toHaveLength((await readdir(shippedMigrations)).length / 2);
  });
});

describe('going up and down', () => {
  test('what is applied is recorded with checksum, time and duration, and not applied again', async () => {
    await write({ one: 'create table a (id integer); select pg_sleep(0.02)', two: 'create table b (id integer)' });
    expect(await migrate(here())).toEqual({ applied: ['0001_one', '0002_two'] });
    expect(await migrate(here())).toEqual({ applied: [] });
    const { applied, pending, problem } = await status(here());
    expect(pending).toEqual([]);
    expect(problem).toBeUndefined();
    expect(applied.map(({ version, name }) => [version, name])).toEqual([
      [1, '0001_one'],
      [2, '0002_two'],
    ]);
    expect(applied[0]!.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(applied[0]!.executionMs).toBeGreaterThanOrEqual(20);
    expect(Math.abs(applied[0]!.appliedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  test('a target stops the way up and the way down', async () => {
    await write({ one: 'create table a ()', two: 'create table b ()', three: 'create table c ()' });
    expect(await migrate({ ...here(), target: 2 })).toEqual({ applied: ['0001_one', '0002_two'] });
    expect((await status(here())).pending).toEqual(['0003_three']);
    expect(await migrate({ ...here(), target: 1 })).toEqual({ applied: [] });
    expect(await migrate(here())).toEqual({ applied: ['0003_three'] });
    expect(await down(here())).toEqual({ undone: ['0003_three'] });
    expect(await down({ ...here(), target: 0 })).toEqual({ undone: ['0002_two', '0001_one'] });
    expect(await down(here())).toEqual({ undone: [] });
    expect(await tables()).toEqual(['migrations.applied']);
  });

  test('a target that is not there is refused', async () => {
    await write({ one: 'create table a ()' });
    await expect(migrate({ ...here(), target: 2 })).rejects.toMatchObject({ name: 'UnknownTarget' });
    await expect(migrate({ ...here(), target: 0 })).rejects.toMatchObject({ name: 'UnknownTarget' });
    await expect(down({ ...here(), target: 1 })).rejects.toMatchObject({
      name: 'UnknownTarget',
      message: 'cannot go down to 1: the database is at 0',
    });
    expect(await tables()).toEqual([]);
  });

  test('asking for the status of a database that was never migrated changes nothing', async () => {
    await write({ one: 'create table a ()' });
    expect(await status(here())).toEqual({ applied: [], pending: ['0001_one'], problem: undefined });
    expect(await tables()).toEqual([]);
  });

  test('many migrators at once apply each migration once', async () => {
    await write({
      one: 'create table a (id integer)',
      two: 'insert into a select 1 from pg_sleep(0.05)',
      three: 'insert into a values (2)',
    });
    const results = await Promise.all(
      Array.from({ length: 6 }, () => migrate({ ...here(), sql: connect('migrator') })),
    );
    expect(results.flatMap(({ applied }) => applied).toSorted()).toEqual(
      ['0001_one', '0002_two', '0003_three'].toSorted(),
    );
    expect(await sql`select id from a order by id`).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('line ends as Windows writes them do not count as a change', async () => {
    await write({ one: 'create table a (\n  id integer\n)' });
    await migrate(here());
    const file = join(directory, '0001_one.up.sql');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('\n', '\r\n'));
    expect(await migrate(here())).toEqual({ applied: [] });
  });
});

describe('a history that is not as it must be stops everything before anything is done', () => {
  beforeEach(async () => {
    await write({ one: 'create table a ()', two: 'create table b ()', three: 'create table c ()' });
    await migrate({ ...here(), target: 2 });
  });

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'an applied file was changed',
      () => writeFile(join(directory, '0002_two.up.sql'), 'create table b (id integer)'),
      'ChangedMigration',
      /^0002_two\.up\.sql was changed since it was applied: put it back/,
    ],
    [
      'an applied file has another name',
      async () => {
        await rename(join(directory, '0002_two.up.sql'), join(directory, '0002_deux.up.sql'));
        await rename(join(directory, '0002_two.down.sql'), join(directory, '0002_deux.down.sql'));
      },
      'ChangedMigration',
      /0002_deux\.up\.sql has got a new name \(0002_two\)/,
    ],
    [
      'an applied file is gone',
      () => remove('0001_one.up.sql', '0001_one.down.sql'),
      'MissingMigration',
      /^0001_one is applied but 0001_one\.up\.sql is not there/,
    ],
    [
      'the database is ahead of the files',
      () => remove('0002_two.up.sql', '0002_two.down.sql', '0003_three.up.sql', '0003_three.down.sql'),
      'UnknownMigration',
      /^0002_two is applied but this release ends with 0001_one: deploy/,
    ],
    [
      'a number among the files is left out',
      () => remove('0003_three.up.sql', '0003_three.down.sql').then(() => write({ four: 'select 1' }, 4)),
      'MigrationGap',
      /^there is no migration 0003 before 0004_four/,
    ],
    [
      'a number among the applied is left out',
      () => sql`delete from migrations.applied where version = 1`,
      'MigrationGap',
      /^0002_two is applied but 0001_one before it is not/,
    ],
    [
      'two files have one number',
      () => write({ drei: 'select 1' }, 3),
      'DuplicateMigration',
      /0003_three.*0003_drei|0003_drei.*0003_three/,
    ],
    ['a file has no counterpart', () => remove('0003_three.down.sql'), 'UnpairedMigration', /0003_three\.down\.sql/],
    ['a file has a strange name', () => writeFile(join(directory, '4_x.sql'), ''), 'MisnamedMigration', /^4_x\.sql/],
    [
      'the folder is empty',
      () => rm(directory, { recursive: true }),
      'MigrationsNotFound',
      /there are no migrations in/,
    ],
  ])('%s', async (_situation, spoil, name, message) => {
    const before = await tables();
    await spoil();
    await expect(migrate(here())).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
    await expect(down(here())).rejects.toMatchObject({ name });
    expect(await tables()).toEqual(before);
  });

  test('the status says what is wrong beside what is there', async () => {
    await writeFile(join(directory, '0002_two.up.sql'), 'create table b (id integer)');
    const { applied, pending, problem } = await status(here());
    expect(applied.map(({ name }) => name)).toEqual(['0001_one', '0002_two']);
    expect(pending).toEqual(['0003_three']);
    expect(problem).toMatchObject({ name: 'ChangedMigration' });
  });
});

describe('half a migration', () => {
  test.each([
    ['begin', 'begin; create table a (); commit'],
    ['commit', 'create table a ();\ncommit;\ncreate table b ()'],
    ['end', 'create table a (); end'],
    ['start', '/* x */ start transaction'],
    ['savepoint', 'savepoint s'],
    ['rollback', 'create table a (); Rollback'],
    ['create index … concurrently', 'create table a (id integer); create index concurrently on a (id)'],
    ['drop index … concurrently', 'drop index concurrently i'],
  ])('a file that says %s is refused before anything is done', async (statement, text) => {
    await write({ one: 'create table before ()', two: text });
    await expect(migrate(here())).rejects.toMatchObject({
      name: 'RefusedStatement',
      message: expect.stringContaining(
        `0002_two.up.sql line ${text.startsWith('create table a ();\n') ? 2 : 1} says "${statement}"`,
      ),
    });
    expect(await tables()).toEqual([]);
  });

  test('a statement that fails undoes its file, keeps the files before it and names file and line', async () => {
    await write({
      one: 'create table a ()',
      two: 'create table b ();\n\nselect\n  missing from b;',
      three: 'select 1',
    });
    const { applied } = await migrate({ ...here(), target: 1 });
    expect(applied).toEqual(['0001_one']);
    await expect(migrate(here())).rejects.toMatchObject({
      name: 'MigrationFailed',
      message: expect.stringMatching(
        /^0002_two\.up\.sql line 4: column "missing" does not exist; nothing of this file/,
      ),
    });
    expect(await tables()).toEqual(['migrations.applied', 'public.a']);
    await write({ two: 'create table b ()' }, 2);
    expect(await migrate(here())).toEqual({ applied: ['0002_two', '0003_three'] });
  });

  test('a migrator that dies in the middle of a file leaves nothing of it, and the next one does it', async () => {
    await write({ one: 'create table a ()', two: 'create table b (); select pg_sleep(20)' });
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', migrating()], { stdio: 'inherit' });
    const exited = once(child, 'exit');
    const pid = await eventually(async () => {
      const [row] = await admin`
        select pid from pg_stat_activity where datname = ${database} and state = 'active' and query like '%pg_sleep(20)%'`;
      return row?.pid as number | undefined;
    });
    child.kill('SIGKILL');
    await exited;
    await admin`select pg_terminate_backend(${pid}, 5000)`; // As TCP keep-alive would have done.
    expect(await tables()).toEqual(['migrations.applied', 'public.a']);
    await write({ two: 'create table b ()' }, 2);
    expect(await migrate(here())).toEqual({ applied: ['0002_two'] });
  });
});

describe('a busy table', () => {
  test('the migrator steps back each time, so that others go on, and comes through when it is free', async () => {
    await write({ one: 'create table a (id integer)', two: 'alter table a add column b integer' });
    await migrate({ ...here(), target: 1 });
    const busy = connect('migrator');
    const other = connect('migrator');
    const waits: string[] = [];
    let migrating: Promise<{ applied: string[] }> | undefined;
    await busy.begin(async (tx) => {
      await tx`insert into a values (1)`;
      migrating = migrate({
        ...here(),
        patience: { lockTimeoutMs: 50, attempts: 100 },
        log: (line) => waits.push(line),
      });
      await eventually(async () => waits.length >= 2 || undefined);
      const startedAt = performance.now();
      await other`select * from a`;
      expect(performance.now() - startedAt).toBeLessThan(1000);
    });
    expect(await migrating).toEqual({ applied: ['0002_two'] });
    expect(waits[0]).toMatch(/^0002_two\.up\.sql waits for others .*attempt 1 of 100/);
  });

  test('one that never becomes free ends in a clear error with nothing done', async () => {
    await write({ one: 'create table a (id integer)', two: 'create table b (); drop table a' });
    await migrate({ ...here(), target: 1 });
    const busy = connect('migrator');
    await busy.begin(async (tx) => {
      await tx`select from a`;
      await expect(migrate({ ...here(), patience: { lockTimeoutMs: 20, attempts: 2 } })).rejects.toMatchObject({
        name: 'MigrationBlocked',
        message: expect.stringMatching(/^0002_two\.up\.sql did not get its locks in 2 attempts/),
      });
    });
    expect(await tables()).toEqual(['migrations.applied', 'public.a']);
  });

  test('waiting for another migrator has no limit', async () => {
    await write({ one: 'select pg_sleep(0.4)' });
    const patience = { lockTimeoutMs: 20, attempts: 1 };
    const both = [connect('migrator'), connect('migrator')].map((own) => migrate({ ...here(), sql: own, patience }));
    expect((await Promise.all(both)).flatMap(({ applied }) => applied)).toEqual(['0001_one']);
  });
});

const here = (): MigrateOptions => ({ sql, directory });

function connect(username: string, name = database): Sql {
  const connection = postgres({
    host: server.socketDir,
    port: server.port,
    username,
    database: name,
    max: 1,
    prepare: false,
    fetch_types: false,
    onnotice: () => {},
  }) as unknown as Sql;
  opened.push(connection);
  return connection;
}

const migrating = () => `
  import postgres from ${JSON.stringify(import.meta.resolve('postgres'))};
  import { migrate } from ${JSON.stringify(new URL('../../lib/database/migrate.ts', import.meta.url).href)};
  const sql = postgres({ host: '${server.socketDir}', username: 'migrator', database: '${database}', prepare: false });
  await migrate({ sql, directory: '${directory}' });`;

/** Writes migrations by name, numbered from `first`; each is undone by dropping the tables that it creates. */
async function write(files: Record<string, string>, first = 1): Promise<void> {
  for (const [index, [name, text]] of Object.entries(files).entries()) {
    const base = join(directory, `${String(first + index).padStart(4, '0')}_${name}`);
    const made = [...text.matchAll(/create table (\w+)/g)].map(([, table]) => `drop table ${table};`);
    await writeFile(`${base}.up.sql`, text);
    await writeFile(`${base}.down.sql`, made.join('\n'));
  }
}

const remove = async (...files: string[]): Promise<void> => {
  for (const file of files) await rm(join(directory, file));
};

async function tables(): Promise<string[]> {
  const rows = await sql`
    select schemaname || '.' || tablename as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') order by name`;
  return rows.map(({ name }) => name as string);
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(10)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not happen within 10 s');
}
