import { readFileSync } from 'node:fs';
import { folderOf, testsOf } from './cover.ts';
import { brief, distinct, edit, lineAt, type TrialMutant } from './mutant.ts';
import { sqlEdits } from './sql-edits.ts';
import { sqlTemplates, type Token, tokenize } from './sql-tokens.ts';

/** Each guard of each statement of a `*.sql.ts`, taken out. */
export function sqlMutants(file: string): TrialMutant[] {
  const source = readFileSync(file, 'utf8');
  const mutants = sqlTemplates(source).flatMap(({ start, end }) => {
    const tokens = tokenize(source, start, end);
    return sqlEdits(source, tokens).map((change): TrialMutant => {
      const from = source.slice(change.start, change.end);
      return {
        part: 'sql',
        folder: folderOf(file),
        file,
        line: lineAt(source, change.start),
        change: `${scopeAt(source, tokens, change.start)}: ${brief(from)} → ${brief(change.text) || 'nothing'}`,
        apply: { text: edit(source, change) },
        tests: testsOf(file),
      };
    });
  });
  return distinct(mutants);
}

/** The function and, within its statement, the query that has a name. */
function scopeAt(source: string, tokens: readonly Token[], position: number): string {
  const declared = [...source.slice(0, position).matchAll(/^(?:export )?(?:async )?(?:function|const) (\w+)/gm)];
  const open: string[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.start >= position) break;
    if (token.text === '(') open.push(nameBefore(tokens, i));
    if (token.text === ')') open.pop();
  }
  return [declared.at(-1)?.[1] ?? '', ...open.filter((name) => name !== '').slice(0, 1)].join(' ');
}

function nameBefore(tokens: readonly Token[], i: number): string {
  const as = tokens[i - 1]?.text === 'materialized' ? i - 2 : i - 1;
  return tokens[as]?.text === 'as' ? (tokens[as - 1]?.text ?? '') : '';
}
