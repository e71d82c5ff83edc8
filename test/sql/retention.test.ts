import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobs } from '../../functions/jobs.ts';
import { keepers, postgresRetention } from '../../lib/contract/deploy/retention.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database?.drop());

test('every table of PostgreSQL has a rule for how long its rows are kept, and no rule is of a table that is gone', async () => {
  const owner = database.connect('migrator', { max: 1 });
  const tables = await owner`
    select n.nspname || '.' || c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
    order by 1`;
  await owner.end();
  expect(tables.map(({ name }) => name)).toEqual(Object.keys(postgresRetention).toSorted());
});

test('each rule says how long, why and who ends it: a job that exists, or somebody else who is known', () => {
  const known = new Set<string>([...Object.keys(jobs), ...Object.values(keepers)]);
  for (const [table, { kept, why, by }] of Object.entries(postgresRetention)) {
    expect(kept.length * why.length, table).toBeGreaterThan(0);
    expect(known, table).toContain(by);
  }
});
