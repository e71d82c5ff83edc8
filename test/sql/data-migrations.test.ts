import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readDataMigrations, setPaused } from '../../lib/database/data-migrations.sql.ts';
import { type DataMigrationOptions, describeData, runDataMigrations } from '../../lib/database/data-migrations.ts';
import { down, migrate, status } from '../../lib/database/migrate.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { killInBatch } from '../support/data-migration-process.ts';
import { startTrial, type Trial } from '../support/migration-trial.ts';

/** Splits a name in two, and counts how often it did, so that a row which is done twice shows. */
const split = `
  with batch as (
    select id from people where id > $1 order by id limit $2
  ), done as (
    update people p set family = split_part(p.name, ' ', 2), times = times + 1
    from batch b where p.id = b.id and p.family is distinct from split_part(p.name, ' ', 2) returning 1
  )
  select (select count(*) from batch) as seen, (select count(*) from done) as changed, (select max(id) from batch) as next`;
const expand = '0002_families';
const hour = 3600_000;

let trial: Trial;
let now = Date.UTC(2030, 0, 1);
beforeEach(async () => {
  now = Date.UTC(2030, 0, 1);
  trial = await startTrial();
  await trial.write({
    people: 'create table people (id text primary key, name text not null, times integer not null default 0)',
    families: 'alter table people add family text',
  });
  await trial.writeData(expand, split);
});
afterEach(() => trial.end());

const fill = (count: number) =>
  trial.sql`
    insert into people (id, name)
    select 'person_' || lpad(n::text, 8, '0'), 'First Last' || n from generate_series(1, ${count}::integer) n`;

const work = (more: Partial<DataMigrationOptions> = {}) =>
  runDataMigrations({
    ...trial.here,
    clock: { now: () => now },
    stopwatch,
    sleep: async () => {},
    untilMs: stopwatch.elapsed() + 600_000,
    ...more,
  });

/** A person's two runs: until the first pass has ended, and when the previous release writes no more. */
async function finish() {
  await work();
  now += hour;
  return await work();
}

const contract = (name = 'only_families', needs = expand) =>
  trial.write({ [name]: `-- needs data of ${needs}\nalter table people drop name` }, 3);

describe('a data migration', () => {
  test('goes through all rows in batches, says how far it is, and ends with a pass that changes nothing', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(2500);
    await migrate(trial.here);
    expect((await status(trial.here)).data).toMatchObject([{ name: expand, startedAt: null, finishedAt: null }]);
    const [first] = await work();
    expect(first).toMatchObject({ pass: 2, changed: 2500, finishedAt: null });
    expect(first!.batches).toBeGreaterThan(3);
    expect(describeData(first!)).toContain('pass 2 begins after 2030-01-01T01:00:00.000Z');
    expect(await work()).toEqual([first]);
    now += hour;
    const [last] = await work();
    expect(last).toMatchObject({ passSeen: 2500, passChanged: 0, changed: 2500, finishedAt: new Date(now) });
    expect(describeData(last!)).toBe('finished 2030-01-01T01:00:00.000Z, 2500 rows changed');
    expect(
      await trial.sql`select count(*)::int from people where times = 1 and family = 'Last' || right(id, 8)::int`,
    ).toEqual([{ count: 2500 }]);
  });

  test('does what the previous release wrote behind it', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(50);
    await migrate(trial.here);
    await work();
    await trial.sql`update people set name = 'A Nother' where id = 'person_00000007'`;
    await trial.sql`insert into people (id, name) values ('person_0', 'The Late')`;
    now += hour;
    expect(await work()).toMatchObject([{ changed: 52, finishedAt: new Date(now) }]);
    expect(await trial.sql`select family from people where id in ('person_0', 'person_00000007') order by id`).toEqual([
      { family: 'Late' },
      { family: 'Nother' },
    ]);
  });

  test('goes on where it was when its process is killed in a batch, and does no row twice', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(100);
    // Long enough to be killed in.
    await trial.writeData(expand, split.replace('select (select count(*)', 'select pg_sleep(0.03), (select count(*)'));
    await migrate(trial.here);
    for (let time = 0; time < 3; time++) await killInBatch(trial);
    const [killed] = await readDataMigrations(trial.sql);
    expect(killed).toMatchObject({ pass: 1 });
    expect(killed!.batches).toBeGreaterThan(0);
    await finish();
    expect(await trial.sql`select times, count(*)::int from people group by times`).toEqual([{ times: 1, count: 100 }]);
  });

  test('that two work on is done once', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(2000);
    await migrate(trial.here);
    await Promise.all([work(), work({ sql: trial.connect() })]);
    expect(await trial.sql`select times, count(*)::int from people group by times`).toEqual([
      { times: 1, count: 2000 },
    ]);
  });

  test('that is paused rests where it is, and goes on when it is resumed', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(1000);
    await migrate(trial.here);
    let batches = 0;
    await work({ sleep: async () => void (++batches === 3 && (await setPaused(trial.sql, expand, true))) });
    const [paused] = await readDataMigrations(trial.sql);
    expect(paused).toMatchObject({ paused: true, batches: 3, pass: 1 });
    expect(await work()).toEqual([paused]);
    expect(describeData(paused!)).toMatch(/^paused, pass 1, \d+ rows seen/);
    expect(await setPaused(trial.sql, expand, false)).toBe(true);
    expect(await finish()).toMatchObject([{ changed: 1000, finishedAt: new Date(now) }]);
    expect(await setPaused(trial.sql, expand, true)).toBe(false);
    expect(await setPaused(trial.sql, '0009_nothing', true)).toBe(false);
  });

  test('that would hold its locks for longer than 80 ms is cut short and goes on in smaller batches', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(40);
    const slow = split.replace(
      "split_part(p.name, ' ', 2), times",
      "split_part(p.name || pg_sleep(0.02), ' ', 2), times",
    );
    await trial.writeData(expand, slow);
    await migrate(trial.here);
    const [row] = await work();
    expect(row).toMatchObject({ pass: 2, changed: 40, note: null });
    // Ten rows would have taken 200 ms.
    expect(row!.batches).toBeGreaterThan(10);
    expect(await trial.sql`select distinct times from people`).toEqual([{ times: 1 }]);
  });

  test('waits while others wait for locks, and while a replica is behind, and says so', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(100);
    await migrate(trial.here);
    const [holder, waiter] = [trial.connect(), trial.connect()];
    const release = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const held = holder.begin(async (tx) => {
      await tx`select from people where id = 'person_00000001' for update`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const waiting = waiter`update people set name = name where id = 'person_00000001'`.execute();
    await vi.waitFor(
      async () =>
        expect(
          await trial.sql`select 1 from pg_locks where not granted and waitstart < clock_timestamp() - interval '100 ms'`,
        ).toHaveLength(1),
      { timeout: 60_000 },
    );
    const notes: (string | null)[] = [];
    const note = async () => {
      notes.push((await readDataMigrations(trial.sql))[0]!.note);
    };
    await work({
      sleep: async () => {
        await note();
        release.resolve();
        await Promise.all([held, waiting]);
      },
    });
    expect(notes[0]).toBe('waits: 1 sessions wait for locks');
    expect((await readDataMigrations(trial.sql))[0]).toMatchObject({ changed: 100, note: null });

    now += hour;
    let looks = 0;
    const behind = { waiting: 0, lagBytes: 0, lagMs: -1 };
    await work({ most: behind, stopwatch: { elapsed: () => looks }, untilMs: 3, sleep: async () => void looks++ });
    expect((await readDataMigrations(trial.sql))[0]).toMatchObject({
      note: 'waits: a replica is 0 ms and 0 MB behind',
      finishedAt: null,
    });
    expect(await work()).toMatchObject([{ note: null, finishedAt: new Date(now) }]);
  });

  test('that fails says why, and is done once it is mended', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(10);
    await migrate(trial.here);
    await trial.sql`alter table people add constraint short check (length(family) < 3)`;
    await expect(work()).rejects.toThrow('violates check constraint "short"');
    const [failed] = await readDataMigrations(trial.sql);
    expect(failed).toMatchObject({ changed: 0, note: expect.stringContaining('failed: new row') });
    await trial.sql`alter table people drop constraint short`;
    expect(await finish()).toMatchObject([{ changed: 10, note: null, finishedAt: new Date(now) }]);
  });

  test('whose file changed or is gone is refused', async () => {
    await migrate(trial.here);
    await trial.writeData(expand, `${split} -- changed`);
    await expect(work()).rejects.toMatchObject({ name: 'ChangedMigration' });
    await trial.remove(expand);
    await trial.write({ families: 'alter table people add family text' }, 2);
    await expect(work()).rejects.toMatchObject({ name: 'ChangedMigration' });
  });

  test('goes with its migration when that is reverted', async () => {
    await migrate(trial.here);
    await down(trial.here);
    expect(await readDataMigrations(trial.sql)).toEqual([]);
  });
});

describe('a migration that contracts', () => {
  test('is refused while its data migration is unfinished, with nothing applied, and then applied', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(1500);
    await contract();
    const refused = { name: 'DataMigrationUnfinished', message: expect.stringContaining(`data run ${expand}`) };
    await expect(migrate(trial.here)).rejects.toMatchObject(refused);
    expect((await status(trial.here)).pending).toEqual(['0003_only_families']);
    expect(await trial.sql`select distinct times from people`).toEqual([{ times: 0 }]);
    await work();
    await expect(migrate(trial.here)).rejects.toMatchObject(refused);
    now += hour;
    await work();
    expect(await migrate(trial.here)).toEqual({ applied: ['0003_only_families'] });
  });

  test('does the data of few rows itself, and none in an empty shop, unless it is paused', async () => {
    await migrate({ ...trial.here, target: 1 });
    await fill(700);
    await contract();
    await migrate({ ...trial.here, target: 2 });
    await setPaused(trial.sql, expand, true);
    await expect(migrate(trial.here)).rejects.toMatchObject({ name: 'DataMigrationUnfinished' });
    await setPaused(trial.sql, expand, false);
    expect(await migrate(trial.here)).toEqual({ applied: ['0003_only_families'] });
    expect(await trial.sql`select times, count(*)::int from people group by times`).toEqual([{ times: 1, count: 700 }]);

    const empty = await startTrial();
    try {
      expect((await migrate({ ...trial.here, sql: empty.sql })).applied).toHaveLength(3);
      expect(await readDataMigrations(empty.sql)).toMatchObject([{ changed: 0, finishedAt: expect.any(Date) }]);
    } finally {
      await empty.end();
    }
  });

  test.each([
    ['that does not exist', '0001_people'],
    ['that comes later', '0004_later'],
  ])('and needs data %s is refused', async (_, needs) => {
    await contract('contracts', needs);
    await trial.write({ later: 'select 1' }, 4);
    await trial.writeData('0004_later', split);
    await expect(migrate(trial.here)).rejects.toMatchObject({ name: 'UnknownDataMigration' });
  });

  test('two statements are no batch', async () => {
    await trial.writeData(expand, `${split}; select 1`);
    await expect(migrate(trial.here)).rejects.toMatchObject({ name: 'RefusedStatement' });
  });
});
