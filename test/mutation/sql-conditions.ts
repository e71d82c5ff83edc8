import type { Edit } from './mutant.ts';
import { clause, clauseEnds, replace, split, textOf } from './sql-edits.ts';
import type { Token } from './sql-tokens.ts';

/** Each operand of each condition (`where`, `on`, `having`, `if`), left out and negated. */
export function conditionEdits(text: string, tokens: readonly Token[]): Edit[] {
  return tokens.flatMap((token, i) => {
    const begins = ['where', 'on', 'having', 'if'].includes(token.text) || (i === 0 && token.text === 'and');
    if (!begins || tokens[i + 1]?.text === 'conflict') return [];
    return operands(clause(tokens, i, clauseEnds), token.depth).flatMap(({ operand, neutral }) => [
      replace(operand, neutral),
      replace(operand, negated(textOf(text, operand))),
    ]);
  });
}

type Operand = { operand: Token[] /** What it is replaced by to be as good as left out. */; neutral: 'true' | 'false' };

/** The operands of a condition whose tokens outside all brackets have this depth. */
export function operands(condition: readonly Token[], depth: number): Operand[] {
  const some = split(condition, 'or', depth);
  return some.flatMap((alternative) => {
    const all = split(alternative, 'and', depth);
    return all.flatMap((operand): Operand[] => {
      const inner = unwrapped(operand);
      if (inner !== undefined) {
        const parts = operands(inner, depth + 1);
        if (parts.length > 1) return parts;
      }
      return [{ operand, neutral: some.length > 1 && all.length === 1 ? 'false' : 'true' }];
    });
  });
}

/** What is in the brackets around all of it, if there are any and it is no subquery. */
function unwrapped(operand: readonly Token[]): Token[] | undefined {
  const [first, last] = [operand[0]!, operand.at(-1)!];
  const closesFirst = operand.findIndex((token, i) => i > 0 && token.depth === first.depth && token.text === ')');
  if (first.text !== '(' || operand[closesFirst] !== last || operand[1]?.text === 'select') return undefined;
  return operand.slice(1, -1);
}

const negated = (operand: string): string =>
  /^not\b/i.test(operand) ? operand.slice('not'.length).trim() : `not (${operand})`;
