import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { down, migrate, status } from '../../lib/database/migrate.ts';
import { startTrial, type Trial } from '../support/migration-trial.ts';

let trial: Trial;
beforeEach(async () => {
  trial = await startTrial();
});
afterEach(() => trial.end());

describe('going up and down', () => {
  test('a migration is recorded with checksum, time and duration, and is not applied again', async () => {
    await trial.write({
      one: 'create table a (id integer); select pg_sleep(0.02)',
      two: 'create table b (id integer)',
    });
    expect(await migrate(trial.here)).toEqual({ applied: ['0001_one', '0002_two'] });
    expect(await migrate(trial.here)).toEqual({ applied: [] });
    const { applied, pending, problem } = await status(trial.here);
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
    await trial.write({ one: 'create table a ()', two: 'create table b ()', three: 'create table c ()' });
    expect(await migrate({ ...trial.here, target: 2 })).toEqual({ applied: ['0001_one', '0002_two'] });
    expect((await status(trial.here)).pending).toEqual(['0003_three']);
    expect(await migrate({ ...trial.here, target: 1 })).toEqual({ applied: [] });
    expect(await migrate(trial.here)).toEqual({ applied: ['0003_three'] });
    expect(await down(trial.here)).toEqual({ reverted: ['0003_three'] });
    expect(await down({ ...trial.here, target: 0 })).toEqual({ reverted: ['0002_two', '0001_one'] });
    expect(await down(trial.here)).toEqual({ reverted: [] });
    expect(await trial.tables()).toEqual(['migrations.applied']);
  });

  test('a target that does not exist is refused', async () => {
    await trial.write({ one: 'create table a ()' });
    await expect(migrate({ ...trial.here, target: 2 })).rejects.toMatchObject({ name: 'UnknownTarget' });
    await expect(migrate({ ...trial.here, target: 0 })).rejects.toMatchObject({ name: 'UnknownTarget' });
    await expect(down({ ...trial.here, target: 1 })).rejects.toMatchObject({
      name: 'UnknownTarget',
      message: 'cannot go down to 1: the database is at 0',
    });
    expect(await trial.tables()).toEqual([]);
  });

  test('reading the status of a database that was never migrated changes nothing', async () => {
    await trial.write({ one: 'create table a ()' });
    expect(await status(trial.here)).toEqual({
      applied: [],
      data: [],
      invalidIndexes: [],
      pending: ['0001_one'],
      problem: undefined,
    });
    expect(await trial.tables()).toEqual([]);
  });

  test('several concurrent migrators apply each migration once', async () => {
    await trial.write({
      one: 'create table a (id integer)',
      two: 'insert into a select 1 from pg_sleep(0.05)',
      three: 'insert into a values (2)',
    });
    const results = await Promise.all(
      Array.from({ length: 6 }, () => migrate({ ...trial.here, sql: trial.connect() })),
    );
    expect(results.flatMap(({ applied }) => applied).toSorted()).toEqual(
      ['0001_one', '0002_two', '0003_three'].toSorted(),
    );
    expect(await trial.sql`select id from a order by id`).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('Windows line ends do not count as a change', async () => {
    await trial.write({ one: 'create table a (\n  id integer\n)' });
    await migrate(trial.here);
    const file = join(trial.directory, '0001_one.up.sql');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('\n', '\r\n'));
    expect(await migrate(trial.here)).toEqual({ applied: [] });
  });
});

describe('a wrong history stops the migrator before it does anything', () => {
  beforeEach(async () => {
    await trial.write({ one: 'create table a ()', two: 'create table b ()', three: 'create table c ()' });
    await migrate({ ...trial.here, target: 2 });
  });

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'an applied file was changed',
      () => writeFile(join(trial.directory, '0002_two.up.sql'), 'create table b (id integer)'),
      'ChangedMigration',
      /^0002_two\.up\.sql was changed since it was applied: put it back/,
    ],
    [
      'an applied file has another name',
      async () => {
        await rename(join(trial.directory, '0002_two.up.sql'), join(trial.directory, '0002_deux.up.sql'));
        await rename(join(trial.directory, '0002_two.down.sql'), join(trial.directory, '0002_deux.down.sql'));
      },
      'ChangedMigration',
      /^0002_deux\.up\.sql was renamed \(from 0002_two\) since it was applied: put it back/,
    ],
    [
      'the first applied file has another name',
      async () => {
        await rename(join(trial.directory, '0001_one.up.sql'), join(trial.directory, '0001_un.up.sql'));
        await rename(join(trial.directory, '0001_one.down.sql'), join(trial.directory, '0001_un.down.sql'));
      },
      'ChangedMigration',
      /^0001_un\.up\.sql was renamed \(from 0001_one\)/,
    ],
    [
      'the first applied file was changed',
      () => writeFile(join(trial.directory, '0001_one.up.sql'), 'create table a (id integer)'),
      'ChangedMigration',
      /^0001_one\.up\.sql was changed/,
    ],
    [
      'the database starts with another first migration',
      () => trial.remove('0001_one').then(() => trial.write({ baseline: 'create table z ()' })),
      'ReplacedBaseline',
      /^the database starts with 0001_one and this release with 0001_baseline: .* start with an empty one$/,
    ],
    [
      'an applied file is gone',
      () => trial.remove('0001_one'),
      'MissingMigration',
      /^0001_one is applied but 0001_one\.up\.sql is not there/,
    ],
    [
      'the database is ahead of the files',
      () => trial.remove('0002_two', '0003_three'),
      'UnknownMigration',
      /^0002_two is applied but this release ends with 0001_one: deploy/,
    ],
    [
      'a number among the files is missing',
      () => trial.remove('0003_three').then(() => trial.write({ four: 'select 1' }, 4)),
      'MigrationGap',
      /^there is no migration 0003 before 0004_four/,
    ],
    [
      'a number among the applied migrations is missing',
      () => trial.sql`delete from migrations.applied where version = 1`,
      'MigrationGap',
      /^0002_two is applied but 0001_one before it is not/,
    ],
    [
      'two files have the same number',
      () => trial.write({ drei: 'select 1' }, 3),
      'DuplicateMigration',
      /0003_three.*0003_drei|0003_drei.*0003_three/,
    ],
    [
      'a file has no counterpart',
      () => rm(join(trial.directory, '0003_three.down.sql')),
      'UnpairedMigration',
      /0003_three\.down\.sql/,
    ],
    [
      'a file has a strange name',
      () => writeFile(join(trial.directory, '4_x.sql'), ''),
      'MisnamedMigration',
      /^4_x\.sql/,
    ],
    [
      'the folder is empty',
      () => rm(trial.directory, { recursive: true }),
      'MigrationsNotFound',
      /there are no migrations in/,
    ],
  ])('%s', async (_situation, spoil, name, message) => {
    const before = await trial.tables();
    await spoil();
    await expect(migrate(trial.here)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
    await expect(down(trial.here)).rejects.toMatchObject({ name });
    expect(await trial.tables()).toEqual(before);
  });

  test('the status has the problem beside the migrations', async () => {
    await writeFile(join(trial.directory, '0002_two.up.sql'), 'create table b (id integer)');
    const { applied, pending, problem } = await status(trial.here);
    expect(applied.map(({ name }) => name)).toEqual(['0001_one', '0002_two']);
    expect(pending).toEqual(['0003_three']);
    expect(problem).toMatchObject({ name: 'ChangedMigration' });
  });
});
