import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { statementsOf } from '../../lib/database/statements.ts';

const words = (text: string) => statementsOf(text).map((statement) => statement.words.join(' '));

describe('statementsOf', () => {
  test('splits at semicolons, in lower case, and knows where each statement begins', () => {
    expect(statementsOf('SELECT 1;\n\n-- x\n  Drop\nTable t;')).toEqual([
      { words: ['select'], line: 1 },
      { words: ['drop', 'table', 't'], line: 4 },
    ]);
  });

  test.each([
    ['a line comment', 'select -- ; commit\n a'],
    ['a nested comment', 'select /* /* ; */ commit; */ a'],
    ['a string', "select '; commit; ''; commit' a"],
    ['an escape string', "select e'\\'; commit;' a"],
    ['a quoted name', 'select "; ""commit;" a'],
    ['a dollar-quoted body', 'select $$ begin; commit; end $$ a'],
    ['a tagged body with another inside', 'select $x$ $$ ; commit $y$ $x$ a'],
  ])('%s hides what is in it', (_what, text) => {
    expect(words(text)).toEqual(['select a']);
  });

  test.each(['/* commit; ', "' commit;", '" commit;', '$$ commit;', '-- commit;'])('%s may be left open', (text) => {
    expect(words(`select ${text}`)).toEqual(['select']);
  });

  test('a dollar within a name begins nothing', () => {
    expect(words('select a$b$c; commit; select d$b$')).toEqual(['select a$b$c', 'commit', 'select d$b$']);
  });

  test('a body that begins with BEGIN ATOMIC is one statement, its CASE included', () => {
    const text = 'create function f() begin atomic; select case when a then b end; select 2; end; commit';
    expect(words(text)).toHaveLength(2);
    expect(words(text)[1]).toBe('commit');
  });

  test('whatever comes after an ended string, comment or body is seen', () => {
    const hidden = fc.string().map((text) => text.replace(/['"$*/\\]/g, ''));
    const quoted = hidden.chain((text) =>
      fc.constantFrom(
        `'${text}'`,
        `e'${text}'`,
        `"${text}"`,
        `$$${text}$$`,
        `$a$${text}$a$`,
        `/*${text}*/`,
        `--${text.replace(/\n/g, '')}\n`,
      ),
    );
    fc.assert(
      fc.property(fc.array(quoted, { maxLength: 5 }), (parts) => {
        expect(words(`select ${parts.join(' ')}; commit`)).toEqual(['select', 'commit']);
      }),
    );
  });

  test('any text ends, and its lines are lines of the text', () => {
    const pieces = fc.constantFrom(
      ';',
      "'",
      '"',
      '$$',
      '$a$',
      '--',
      '/*',
      '*/',
      '\n',
      '\\',
      'begin',
      'atomic',
      'end',
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        for (const { line } of statementsOf(text)) expect(line).toBeLessThanOrEqual(text.split('\n').length);
      }),
    );
  });
});
