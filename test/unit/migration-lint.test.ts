import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkApprovals } from '../../infra/migration-lint/approvals.ts';
import { lintMigrations } from '../../infra/migration-lint/lint.ts';
import { rules } from '../../infra/migration-lint/rules.ts';
import { runLint } from '../../infra/tools/lint-migrations.ts';
import { shippedMigrations } from '../../lib/database/migrate.ts';
import { readMigrations } from '../../lib/database/migration-files.ts';

/** What the running release has. */
const released = `
  create schema s;
  create table s.t (id bigint primary key, a text, b integer default 1, e text unique);
  create table s.u (id bigint primary key);
  create table s.p (id bigint) partition by range (id);
  create domain s.checked as integer check (value > 0);
  create domain s.plain as integer;
  create materialized view s.m as select id from s.t;
  create type s.mood as enum ('good', 'bad');
  create view s.v as select id, a as label from s.t;
  create function s.f() returns integer language sql return 1;
  create function s.g(i integer) returns integer language sql return i;
  create index t_a on s.t (a);
  create unique index t_b on s.t (b);`;

const migration = (version: number, up: string) => ({
  version,
  name: `${String(version).padStart(4, '0')}_some`,
  up,
  down: '-- Nothing to revert.',
  checksum: '',
});

const rulesBrokenBy = async (...ups: string[]): Promise<string[]> => {
  const files = [released, ...ups].map((up, index) => migration(index + 1, up));
  return (await lintMigrations(files, 1)).map(({ rule }) => rule);
};

const cases: Record<keyof typeof rules, { refused: string[]; taken: string[] }> = {
  'drop-in-use': {
    refused: [
      'drop view s.v',
      'drop function s.f',
      'drop function s.f()',
      'drop type s.mood',
      'drop schema s cascade',
      'drop view if exists s.n, s.v',
      'drop extension pgcrypto',
      'drop index s.t_b',
      'alter table s.t drop constraint t_pkey',
      'alter table s.t drop constraint t_e_key',
      'alter table s.p detach partition s.t',
      'drop role someone',
      'drop owned by someone',
      'create function s.g(i integer, j integer default 0) returns integer language sql return i',
      'create function s.g(i text) returns integer language sql return 1; drop function s.g(integer)',
      'create table if not exists s.t (a integer); drop table s.t',
      'create schema if not exists s; drop view s.v',
      'alter table s.t add if not exists a text; alter table s.t drop a',
      'create or replace view s.v as select id, a as label from s.t; drop view s.v',
    ],
    taken: [
      'drop index s.t_a',
      'drop trigger x on s.t',
      'create view s.w as select 1 as one; drop view s.w',
      'create or replace view s.w as select 1 as one; drop view s.w',
      'alter table s.t drop constraint t_b_check',
      'alter table s.t add d text; alter table s.t rename d to f; alter table s.t drop f',
      'create table s.n (a integer); alter table s.n rename to o; drop table s.o',
      'create role anyone; drop role anyone',
      'create or replace function s.g(i integer default 1) returns integer language sql return i',
      'create function s.h(i integer default 1) returns integer language sql return i',
    ],
  },
  'rename-in-use': {
    refused: [
      'alter table s.t rename to x',
      'alter table s.t rename column a to x',
      'alter view s.v rename to x',
      'alter view s.v rename column label to x',
      'alter function s.f() rename to g',
      'alter type s.mood rename to x',
      'alter schema s rename to x',
      'alter table s.t set schema public',
      'alter table "s"."t" rename to "x"',
      'alter role someone rename to x',
      'alter index s.t_b rename to x',
      'alter table s.t rename constraint t_e_key to x',
    ],
    taken: ['alter index s.t_a rename to x', 'alter trigger t on s.t rename to x'],
  },
  'enum-value': {
    refused: [`alter type s.mood rename value 'good' to 'fine'`],
    taken: [`alter type s.mood add value 'fair'`],
  },
  'narrowed-view': {
    refused: [
      'create or replace view s.v as select id from s.t',
      'create or replace view s.v as select id, a from s.t',
      'create or replace view s.v as select a as label, id from s.t',
      'create or replace view s.v as select * from s.t',
    ],
    taken: ['create or replace view s.v as select id, a as label, b from s.t'],
  },
  'revoke-in-use': {
    refused: [
      'revoke select on s.t from someone',
      'revoke select (a) on s.t from public, someone',
      'revoke usage on schema s from someone',
      'revoke r from someone',
      'alter role someone nologin',
      'alter table s.t enable row level security',
      'create policy x on s.t as restrictive using (id > 1)',
      'alter policy x on s.t using (id > 1)',
      'drop policy x on s.t',
    ],
    taken: [
      'revoke all on function s.f() from public',
      'grant select on s.t to someone',
      'create policy x on s.t using (id > 1)',
      'create table s.n (a integer); alter table s.n enable row level security',
    ],
  },
  'column-type': {
    refused: [
      'alter table s.t alter column a type varchar(10)',
      'alter table s.t alter b type bigint',
      'alter table s.t alter id add generated always as identity',
      'alter table s.t alter id set generated always',
    ],
    taken: ['create table s.n (a integer); alter table s.n alter a type bigint'],
  },
  'required-column': {
    refused: [
      'alter table s.t add c integer not null',
      'alter table s.t alter b drop default',
      'alter table s.t alter b set default null',
      'alter table s.t alter id drop identity',
      'alter table s.t alter b drop expression',
      'alter domain s.plain drop default',
    ],
    taken: [
      'alter table s.t add c integer',
      'alter table s.t add c integer not null default 0',
      'create table s.n (a integer); alter table s.n add b integer not null',
    ],
  },
  'set-not-null': {
    refused: [
      'alter table s.t alter a set not null',
      'alter table s.t add constraint a_there not null a',
      'alter domain s.plain set not null',
    ],
    taken: ['alter table s.t add constraint a_there not null a not valid'],
  },
  'rewriting-default': {
    refused: [
      'alter table s.t add c uuid default gen_random_uuid()',
      'alter table s.t add c bigint generated always as identity',
      'alter table s.t add c integer generated always as (b * 2) stored',
      'alter table s.t add c serial',
      'alter table s.t add c timestamptz not null default clock_timestamp()',
      'alter table s.t add c s.checked',
      'alter table s.t alter b set expression as (3)',
    ],
    taken: [
      'alter table s.t add c s.plain',
      'alter table s.t add c integer generated always as (b * 2) virtual',
      'alter table s.t add c timestamptz default now()',
      `alter table s.t add c text default 'x'`,
    ],
  },
  'unvalidated-constraint': {
    refused: [
      'alter table s.t add constraint c check (b > 0)',
      'alter table s.t add foreign key (b) references s.u (id)',
      'alter table s.t add c bigint default 1 references s.u (id)',
      'alter table s.t add c bigint check (c > 0)',
      'alter table s.t alter constraint c enforced',
      'alter domain s.plain add constraint c check (value > 0)',
    ],
    taken: [
      'alter table s.t add constraint c check (b > 0) not enforced',
      'alter domain s.plain add constraint c check (value > 0) not valid',
      'alter table s.t add constraint c check (b > 0) not valid',
      'alter table s.t add c bigint references s.u (id)',
    ],
  },
  'validated-at-once': {
    refused: [
      'alter table s.t add constraint c check (b > 0) not valid, validate constraint c',
      'alter table s.t add constraint c check (b > 0) not valid; alter table s.t validate constraint c',
      'alter table s.t add d integer; alter table s.t validate constraint c',
    ],
    taken: [
      'alter table s.t validate constraint c',
      'alter table s.u add d integer; alter table s.t validate constraint c',
    ],
  },
  'unique-constraint': {
    refused: [
      'alter table s.t add unique (a)',
      'alter table s.t add exclude using gist (a with =)',
      'alter table s.t add c text unique',
    ],
    taken: ['alter table s.t add constraint t_a_once unique using index t_a'],
  },
  'blocking-index': {
    refused: ['create index on s.t (b)', 'create unique index if not exists x on s.t (b)'],
    taken: ['create table s.n (a integer); create index on s.n (a)'],
  },
  'table-lock': {
    refused: [
      'lock table s.t',
      'vacuum full s.t',
      'cluster s.t using t_a',
      'reindex table s.t',
      'alter table s.t set unlogged',
      'alter table s.t set tablespace other',
      'alter table all in tablespace one set tablespace other',
      'refresh materialized view s.m',
      'alter table s.p attach partition s.t for values from (1) to (2)',
      'set local lock_timeout = 0',
      `select set_config('lock_timeout', '0', true)`,
    ],
    taken: [
      'alter table s.t set (fillfactor = 80)',
      'vacuum s.t',
      'refresh materialized view concurrently s.m',
      'create table s.n (id bigint); alter table s.p attach partition s.n for values from (1) to (2)',
    ],
  },
  'data-loss': {
    refused: ['truncate s.t', 'drop table s.t', 'alter table s.t drop a, drop column if exists b'],
    taken: ['create table s.n (a integer); alter table s.n drop a; truncate s.n; drop table s.n'],
  },
  'every-row': {
    refused: [
      'update s.t set b = 1',
      'delete from s.t',
      'with gone as (delete from s.t returning id) select 1 from gone',
      'delete from s.t where true',
      'update s.t set b = 1 where 1 = 1',
    ],
    taken: [
      'create table s.n (a integer); update s.n set a = 1',
      'create function s.g() returns void language sql begin atomic update s.t set b = 1; end',
    ],
  },
  'rows-in-a-migration': {
    refused: [
      'update s.t set b = 1 where b = 2',
      'delete from s.t using s.u where t.id = u.id',
      'merge into s.t using s.u on t.id = u.id when matched then update set b = 1',
      'insert into s.t (id) values (1) on conflict (id) do update set b = 1',
    ],
    taken: ['insert into s.u (id) values (1)', 'insert into s.u (id) values (1) on conflict do nothing'],
  },
  'unreadable-block': {
    refused: ['do $$ begin update s.t set b = 1; end $$', 'call s.r()', 'select s.f()', 'set search_path = s'],
    taken: [`create function s.h() returns integer language sql set search_path = '' return 1`],
  },
};

test('each rule has its cases here, and a section of its own on its page', async () => {
  expect(Object.keys(cases)).toEqual(Object.keys(rules));
  const page = await readFile(new URL('../../docs/migration-rules.md', import.meta.url), 'utf8');
  const headings = [...page.matchAll(/^### ([a-z-]+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([...Object.keys(rules), 'missing-down']);
});

test.each(Object.entries(cases).flatMap(([rule, { refused }]) => refused.map((sql) => [rule, sql] as const)))(
  '%s refuses %s',
  async (rule, sql) => expect(await rulesBrokenBy(sql)).toContain(rule),
);

test.each(Object.values(cases).flatMap(({ taken }) => taken.map((sql) => [sql])))('nothing refuses %s', async (sql) => {
  expect(await rulesBrokenBy(sql)).toEqual([]);
});

test('what came since the release is not in use, in whichever file it was made', async () => {
  expect(await rulesBrokenBy('alter table s.t add c integer', 'alter table s.t drop c')).toEqual([]);
  expect(await rulesBrokenBy('create schema n', 'create table n.t (a integer)', 'alter table n.t rename to u')).toEqual(
    [],
  );
});

test('a column is set not null when a check proves it, each in a migration of its own', async () => {
  const [add, validate] = [
    'alter table s.t add constraint a_there check (a is not null) not valid',
    'alter table s.t validate constraint a_there',
  ];
  const set = 'alter table s.t alter a set not null';
  expect(await rulesBrokenBy(add, validate, set)).toEqual([]);
  expect(await rulesBrokenBy(add.replace('check (a is not null)', 'not null a'), validate, set)).toEqual([]);
  expect(await rulesBrokenBy(add, set)).toEqual(['set-not-null']);
  expect(await rulesBrokenBy(`${add}; ${validate}; ${set}`)).toEqual(['validated-at-once']);
});

test('a down file reverts something, or says why there is nothing to revert', async () => {
  const lint = (down: string) => lintMigrations([migration(1, released), { ...migration(2, 'select 1'), down }], 1);
  expect(await lint('\n')).toEqual([
    { file: '0002_some.down.sql', line: 1, rule: 'missing-down', what: 'reverts nothing, and does not say why' },
  ]);
  expect(await lint('-- A validated constraint stays.\n')).toEqual([]);
});

test('an exception with a reason allows its rule at its statement, and no other', async () => {
  const [rename, why] = ['alter table s.t rename to x;', 'nobody has read it since 0.2'];
  expect(await rulesBrokenBy(`-- lint allow rename-in-use: ${why}\n${rename}`)).toEqual([]);
  expect(await rulesBrokenBy(`-- lint allow drop-in-use: ${why}\n${rename}`)).toEqual(['rename-in-use', 'drop-in-use']);
  expect(await rulesBrokenBy(`-- lint allow rename-in-use: ${why}\ndrop view s.v;\n${rename}`)).toContain(
    'rename-in-use',
  );
});

test('an exception needs a reason, a rule that exists, and something that it allows', async () => {
  const found = await lintMigrations(
    [
      migration(1, released),
      migration(
        2,
        `-- lint allow data-loss:
drop table s.u;
-- lint allow drop-nothing: there is no such rule
create table s.n (a integer);
-- lint allow table-lock: but nothing follows
`,
      ),
    ],
    1,
  );
  expect(found).toEqual([
    { file: '0002_some.up.sql', line: 2, rule: 'drop-in-use', what: 'drops table s.u' },
    { file: '0002_some.up.sql', line: 1, rule: 'data-loss', what: 'is allowed without a reason' },
    { file: '0002_some.up.sql', line: 3, rule: 'drop-nothing', what: 'is no rule' },
    { file: '0002_some.up.sql', line: 5, rule: 'table-lock', what: 'is allowed, but nothing here needs it' },
  ]);
});

test('prod needs the name of each migration that loses data on purpose, and only of those', () => {
  const files = {
    '0001_a.up.sql': released,
    '0002_b.up.sql': '-- lint allow data-loss: copied to s.u in 0.3\ndrop table s.t;',
    '0003_c.up.sql': '  -- lint allow data-loss: nobody wrote it\nalter table s.u drop x;',
  };
  expect(() => checkApprovals(['0002_b', '0003_c'], files)).not.toThrow();
  expect(() => checkApprovals(['0003_c'], files)).toThrow(
    'migration 0002_b loses data: when you have read it, pass -c approveDataLoss=0003_c,0002_b',
  );
  expect(() => checkApprovals(['0002_b', '0003_c', '0001_a'], files)).toThrow(
    'approveDataLoss names 0001_a, which loses no data',
  );
});

test('the command names file, line and rule of a dangerous migration, and ends with 1', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'counterfoil-lint-'));
  try {
    await writeFile(join(directory, '0001_a.up.sql'), 'create schema s;\ncreate table s.t (a integer);\n');
    await writeFile(join(directory, '0001_a.down.sql'), 'drop schema s cascade;\n');
    const lines: string[] = [];
    const lint = (...more: string[]) => runLint(['--directory', directory, ...more], (line) => lines.push(line));
    expect(await lint('--released', '1')).toBe(0);
    await writeFile(join(directory, '0002_b.up.sql'), '-- ö\n\nalter table s.t\n  drop a;\n');
    expect(await lint('--released', '1')).toBe(1);
    expect(lines.splice(0).at(-1)).toContain('has no 0002_b.down.sql');
    await writeFile(join(directory, '0002_b.down.sql'), 'alter table s.t add a integer;\n');
    expect(await lint('--released', '1')).toBe(1);
    expect(lines.splice(0)).toEqual([
      '0002_b.up.sql:3 drops column s.t.a [drop-in-use]',
      '0002_b.up.sql:3 loses what is in s.t.a [data-loss]',
      'docs/migration-rules.md#RULE says why, and what to do instead.',
    ]);
    await writeFile(join(directory, '0002_b.up.sql'), 'alter tabel s.t drop a;\n');
    expect(await lint('--released', '1')).toBe(1);
    expect(lines.splice(0)).toEqual(['0002_b.up.sql does not parse: syntax error at or near "tabel"']);
    expect(await lint('--released', 'all')).toBe(2);
    expect(await lint('--what')).toBe(2);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('this release’s migrations suit the release that runs, and the parser reads all of them', async () => {
  expect(await runLint([], () => {})).toBe(0);
  const all = await readMigrations(shippedMigrations);
  expect((await lintMigrations(all, all.length)).length).toBe(0);
});
