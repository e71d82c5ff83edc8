import { describe, expect, test } from 'vitest';
import { aslMutants } from '../mutation/asl-mutants.ts';
import { sourceFiles, testsOf } from '../mutation/cover.ts';
import { keyMutants } from '../mutation/key-mutants.ts';
import { edit, type Result } from '../mutation/mutant.ts';
import { sqlEdits } from '../mutation/sql-edits.ts';
import { sqlMutants } from '../mutation/sql-mutants.ts';
import { sqlTemplates, tokenize } from '../mutation/sql-tokens.ts';
import { judge, readAccepted } from '../mutation/survivors.ts';

const changed = (text: string) => sqlEdits(text, tokenize(text)).map((each) => edit(text, each));

describe('a statement', () => {
  test('loses each operand of its conditions once, and has it negated once', () => {
    expect(changed('delete from t where a = 1 and (b = 2 or not c) returning a')).toEqual([
      'delete from t where true and (b = 2 or not c) returning a',
      'delete from t where not (a = 1) and (b = 2 or not c) returning a',
      'delete from t where a = 1 and (false or not c) returning a',
      'delete from t where a = 1 and (not (b = 2) or not c) returning a',
      'delete from t where a = 1 and (b = 2 or false) returning a',
      'delete from t where a = 1 and (b = 2 or c) returning a',
    ]);
  });

  test('between is one operand, and so is a case', () => {
    expect(changed('select from t where a between 1 and 2')).toEqual([
      'select from t where true',
      'select from t where not (a between 1 and 2)',
    ]);
    expect(changed('select from t where case when a and b then c else d end')).toEqual([
      'select from t where true',
      'select from t where not (case when a and b then c else d end)',
      'select from t where c',
      'select from t where d',
    ]);
  });

  test.each([
    ['select from t for update', ['select from t ']],
    ['select from t for no key update skip locked', ['select from t ']],
    ['select coalesce(a, b, 0)', ['select a', 'select 0']],
    ['select exists (select from t)', ['select true', 'select false']],
    ['select from a left join b using (c)', ['select from a  join b using (c)']],
    [
      'select distinct a from t order by a limit 3',
      [
        'select  a from t order by a limit 3',
        'select distinct a from t  limit 3',
        'select distinct a from t order by a ',
      ],
    ],
    ['insert into t select 1 on conflict (a) do nothing returning a', ['insert into t select 1  returning a']],
    [
      'insert into t select 1 on conflict do update set a = 1',
      ['insert into t select 1 ', 'insert into t select 1 on conflict do nothing'],
    ],
    ['update t set a = 1, b = 2', ['update t set b = 2', 'update t set a = 1']],
    ['select a is distinct from b', ['select a <> b']],
    ["select a in ('x', 'y')", ["select a in ('y')", "select a in ('x')"]],
    ['select a < b', ['select a <= b']],
    ['select pg_try_advisory_xact_lock(1) as free', ['select true as free']],
    ["select 'where a = 1' -- where b = 2", []],
  ])('%s', (text, expected) => {
    expect(changed(text)).toEqual(expected);
  });
});

describe('a file', () => {
  test('its statements are found, those within others as well', () => {
    const source = 'const a = sql<Row[]>`x #{b ? sql`y #{c({ d: `e` })}` : f} z`; const g = `h`;'.replaceAll('#', '$');
    const found = sqlTemplates(source).map(({ start, end }) => source.slice(start, end).replaceAll('$', '#'));
    expect(found).toEqual(['x #{b ? sql`y #{c({ d: `e` })}` : f} z', 'y #{c({ d: `e` })}']);
  });

  test('each that has guards has tests to try them with', () => {
    const files = sourceFiles();
    const mutants = [
      ...files.filter((file) => file.endsWith('.sql.ts')).flatMap(sqlMutants),
      ...files.flatMap(keyMutants),
    ];
    expect(mutants.length).toBeGreaterThan(300);
    expect(aslMutants().length).toBeGreaterThan(50);
    expect(files.filter((file) => testsOf(file).length === 0)).toEqual([]);
  });
});

describe('the list of survivors', () => {
  const mutant = { part: 'sql', folder: 'lib/a', file: 'lib/a/b.sql.ts', line: 1, change: 'a → b' } as const;
  const result = (outcome: Result['outcome']): Result => ({ ...mutant, outcome });
  const { part, file, change } = mutant;
  const entry = { part, file, change, why: 'it is the same' };

  test('explains a mutant that lives, and no other', () => {
    const other = { ...result('survived'), change: 'c → d' };
    const verdict = judge([result('survived'), other], [mutant, other], () => true, [entry]);
    expect(verdict).toMatchObject({
      explained: [{ change: 'a → b', why: entry.why }],
      unexplained: [other],
      stale: [],
    });
  });

  test('is stale where the mutant is killed or gone, but not where nobody looked', () => {
    expect(judge([result('killed')], [mutant], () => true, [entry]).stale).toEqual([entry]);
    expect(judge([], [], () => true, [entry]).stale).toEqual([entry]);
    expect(judge([], [mutant], () => true, [entry]).stale).toEqual([]);
    expect(judge([], [], () => false, [entry]).stale).toEqual([]);
  });

  test('gives a reason for each, and names none twice', () => {
    const accepted = readAccepted();
    expect(accepted.filter(({ why }) => why.length < 20)).toEqual([]);
    expect(new Set(accepted.map((each) => JSON.stringify([each.part, each.file, each.change]))).size).toBe(
      accepted.length,
    );
  });
});
