import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../lib/database/migrate.ts';
import { startTrial, type Trial } from '../support/migration-trial.ts';
import { testPostgres } from '../support/postgres.ts';

let trial: Trial;
beforeEach(async () => {
  trial = await startTrial();
});
afterEach(() => trial.end());

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
    await trial.write({ one: 'create table before ()', two: text });
    await expect(migrate(trial.here)).rejects.toMatchObject({
      name: 'RefusedStatement',
      message: expect.stringContaining(
        `0002_two.up.sql line ${text.startsWith('create table a ();\n') ? 2 : 1} says "${statement}"`,
      ),
    });
    expect(await trial.tables()).toEqual([]);
  });

  test('a statement that fails rolls its file back, keeps the files before it and names file and line', async () => {
    await trial.write({
      one: 'create table a ()',
      two: 'create table b ();\n\nselect\n  missing from b;',
      three: 'select 1',
    });
    const { applied } = await migrate({ ...trial.here, target: 1 });
    expect(applied).toEqual(['0001_one']);
    await expect(migrate(trial.here)).rejects.toMatchObject({
      name: 'MigrationFailed',
      message: expect.stringMatching(
        /^0002_two\.up\.sql line 4: column "missing" does not exist; nothing of this file/,
      ),
    });
    expect(await trial.tables()).toEqual(['migrations.applied', 'public.a']);
    await trial.write({ two: 'create table b ()' }, 2);
    expect(await migrate(trial.here)).toEqual({ applied: ['0002_two', '0003_three'] });
  });

  test('a migrator that dies in the middle of a file leaves nothing of it, and the next one applies it', async () => {
    await trial.write({ one: 'create table a ()', two: 'create table b (); select pg_sleep(600)' });
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', migrating()], { stdio: 'inherit' });
    const exited = once(child, 'exit');
    const pid = await eventually(async () => {
      const [row] = await trial.sql`
        select pid from pg_stat_activity where datname = ${trial.database.name} and pid <> pg_backend_pid() and state = 'active' and query like '%pg_sleep(600)%'`;
      return row?.pid as number | undefined;
    });
    child.kill('SIGKILL');
    await exited;
    await trial.sql`select pg_terminate_backend(${pid}, 120000)`; // As TCP keep-alive would have done.
    expect(await trial.tables()).toEqual(['migrations.applied', 'public.a']);
    await trial.write({ two: 'create table b ()' }, 2);
    expect(await migrate(trial.here)).toEqual({ applied: ['0002_two'] });
  });
});

describe('a busy table', () => {
  test('the migrator gives way each time, so that others go on, and finishes when the table is free', async () => {
    await trial.write({ one: 'create table a (id integer)', two: 'alter table a add column b integer' });
    await migrate({ ...trial.here, target: 1 });
    const busy = trial.connect();
    const other = trial.connect();
    const waits: string[] = [];
    let migrating: Promise<{ applied: string[] }> | undefined;
    await busy.begin(async (tx) => {
      await tx`insert into a values (1)`;
      migrating = migrate({
        ...trial.here,
        patience: { lockTimeoutMs: 50, attempts: 100 },
        log: (line) => waits.push(line),
      });
      await eventually(async () => waits.length >= 2 || undefined);
      const startedAt = performance.now();
      await other`select * from a`;
      expect(performance.now() - startedAt).toBeLessThan(1000);
    });
    expect(await migrating).toEqual({ applied: ['0002_two'] });
    expect(waits[0]).toMatch(/^0002_two\.up\.sql waits for a lock that others hold \(attempt 1 of 100/);
  });

  test('a table that never becomes free ends in a clear error, and nothing is done', async () => {
    await trial.write({ one: 'create table a (id integer)', two: 'create table b (); drop table a' });
    await migrate({ ...trial.here, target: 1 });
    const busy = trial.connect();
    await busy.begin(async (tx) => {
      await tx`select from a`;
      await expect(migrate({ ...trial.here, patience: { lockTimeoutMs: 20, attempts: 2 } })).rejects.toMatchObject({
        name: 'MigrationBlocked',
        message: expect.stringMatching(/^0002_two\.up\.sql did not get its locks in 2 attempts/),
      });
    });
    expect(await trial.tables()).toEqual(['migrations.applied', 'public.a']);
  });

  test('waiting for another migrator has no limit', async () => {
    await trial.write({ one: 'select pg_sleep(0.4)' });
    const patience = { lockTimeoutMs: 20, attempts: 1 };
    const both = [trial.connect(), trial.connect()].map((own) => migrate({ ...trial.here, sql: own, patience }));
    expect((await Promise.all(both)).flatMap(({ applied }) => applied)).toEqual(['0001_one']);
  });
});

const migrating = () => `
  import postgres from ${JSON.stringify(import.meta.resolve('postgres'))};
  import { migrate } from ${JSON.stringify(new URL('../../lib/database/migrate.ts', import.meta.url).href)};
  const sql = postgres({ host: '${testPostgres().socketDir}', username: 'migrator', database: '${trial.database.name}', prepare: false });
  await migrate({ sql, directory: '${trial.directory}' });`;

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 2 * 60_000; Date.now() < end; await sleep(10)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not happen within two minutes');
}
