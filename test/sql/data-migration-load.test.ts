import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDataMigrations } from '../../lib/database/data-migrations.sql.ts';
import { runDataMigrations } from '../../lib/database/data-migrations.ts';
import { migrate } from '../../lib/database/migrate.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { sleep } from '../../lib/shop/orders/wait.ts';
import { killInBatch } from '../support/data-migration-process.ts';
import { startTrial, type Trial } from '../support/migration-trial.ts';

/* A release that splits a name in two, from the one before it to the one after it, while customers write. */

const rows = 200_000;
const data = '0002_families';
const family = "split_part(p.name, ' ', 2)";

let trial: Trial;
beforeEach(async () => {
  trial = await startTrial();
  await trial.write({
    people: 'create table people (id integer primary key, name text not null)',
    families: 'alter table people add family text',
    only_families: `-- needs data of ${data}\nalter table people drop name`,
  });
  await trial.writeData(
    data,
    `with batch as (
      select id from people where id > case when $1 = '' then 0 else $1::integer end order by id limit $2
    ), done as (
      update people p set family = ${family} from batch b where p.id = b.id and p.family is distinct from ${family} returning 1
    )
    select (select count(*) from batch) as seen, (select count(*) from done) as changed, (select max(id)::text from batch) as next`,
  );
});
afterEach(() => trial.end());

test('200,000 rows are migrated under writes and through three kills, and no writer waits long for a lock', async () => {
  await migrate({ ...trial.here, target: 1 });
  await trial.sql`insert into people select n, 'First Last' || n from generate_series(1, ${rows}::integer) n`;
  await migrate({ ...trial.here, target: 2 });
  const refused = { name: 'DataMigrationUnfinished' };

  const previous = startWriters((name) => ({ name }));
  for (let time = 0; time < 3; time++) await killInBatch(trial, 20);
  const [killed] = await readDataMigrations(trial.sql);
  expect(killed).toMatchObject({ pass: 1, finishedAt: null });
  await expect(migrate(trial.here)).rejects.toMatchObject(refused);
  await work(Date.now());
  expect((await readDataMigrations(trial.sql))[0]).toMatchObject({ pass: 2, finishedAt: null });
  const written = await previous.stop();

  // The canary has ended: from here on everybody writes both columns.
  const next = startWriters((name) => ({ name, family: name.split(' ')[1]! }));
  await work(Date.now() + 3600_000);
  expect(written + (await next.stop())).toBeGreaterThan(100);
  const [done] = await readDataMigrations(trial.sql);
  expect(done!.finishedAt).not.toBeNull();
  expect(done!.changed).toBeGreaterThanOrEqual(rows);
  expect(
    await trial.sql`select count(*)::integer from people p where family is distinct from ${trial.sql.unsafe(family)}`,
  ).toEqual([{ count: 0 }]);
  expect(await migrate(trial.here)).toEqual({ applied: ['0003_only_families'] });
});

const work = (now: number) =>
  runDataMigrations({
    ...trial.here,
    clock: { now: () => now },
    stopwatch,
    sleep,
    untilMs: stopwatch.elapsed() + 240_000,
  });

/** Four customers change their names, one after the other. One that waits half a second for a lock fails the test. */
function startWriters(row: (name: string) => Record<string, string>) {
  let isOn = true;
  const writing = Array.from({ length: 4 }, async (_, writer) => {
    const sql = trial.connect();
    await sql`set lock_timeout = '500ms'`;
    let count = 0;
    for (; isOn; count++) {
      const change = row(`New Name${writer}x${count}`);
      await sql`update people set ${sql(change)} where id = ${1 + Math.floor(Math.random() * rows)}`;
    }
    return count;
  });
  return {
    async stop(): Promise<number> {
      isOn = false;
      return (await Promise.all(writing)).reduce((sum, count) => sum + count);
    },
  };
}
