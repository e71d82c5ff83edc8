import { readFileSync } from 'node:fs';
import { folderOf, testsOf } from './cover.ts';
import { brief, distinct, type Edit, edit, lineAt, type TrialMutant } from './mutant.ts';
import { operands } from './sql-conditions.ts';
import { replace, textOf } from './sql-edits.ts';
import { tokenize } from './sql-tokens.ts';

/** What makes a provider or DynamoDB do a thing once, taken out of a file. */
export function keyMutants(file: string): TrialMutant[] {
  const source = readFileSync(file, 'utf8');
  const edits = [...keys(source), ...conditions(source), ...reads(source)];
  return distinct(
    edits.map(
      (change): TrialMutant => ({
        part: 'keys',
        folder: folderOf(file),
        file,
        line: lineAt(source, change.start),
        change: `${brief(source.slice(change.start, change.end))} → ${brief(change.text)}`,
        apply: { text: edit(source, change) },
        tests: testsOf(file),
      }),
    ),
  );
}

/** Each idempotency key left out, unlike at every call, and without each of its parts. */
function keys(source: string): Edit[] {
  return [...source.matchAll(/`\$\{orderId\}:[^`]*`/g)].flatMap(({ index, 0: key }) => {
    const parts = key.slice(1, -1).split(':');
    const without = parts.slice(1).map((_, i) => `\`${parts.filter((_, j) => j !== i + 1).join(':')}\``);
    const all = ['undefined', `\`${parts.join(':')}:\${Math.random()}\``, ...without];
    return all.map((text) => ({ start: index, end: index + key.length, text }));
  });
}

/**
 * Each operand of each condition of a write, always true and negated. It stays in its place either way, because
 * DynamoDB refuses values that no expression uses.
 */
function conditions(source: string): Edit[] {
  return [...source.matchAll(/ConditionExpression:\s*(?:'([^']*)'|`([^`]*)`)/g)].flatMap((match) => {
    const start = match.index + match[0].length - 1 - (match[1] ?? match[2]!).length;
    const tokens = tokenize(source, start, match.index + match[0].length - 1);
    return operands(tokens, 0).flatMap(({ operand }) => {
      const text = textOf(source, operand);
      return [replace(operand, `(${text} or attribute_not_exists(nothing))`), replace(operand, `not (${text})`)];
    });
  });
}

function reads(source: string): Edit[] {
  return [...source.matchAll(/ConsistentRead: true/g)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
    text: 'ConsistentRead: false',
  }));
}
