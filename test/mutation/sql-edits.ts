import type { Edit } from './mutant.ts';
import { conditionEdits } from './sql-conditions.ts';
import type { Token } from './sql-tokens.ts';

/** Every way to take one guard out of a statement. */
export const sqlEdits = (text: string, tokens: readonly Token[]): Edit[] =>
  [...conditionEdits(text, tokens), ...tokens.flatMap((_, i) => rules.flatMap((rule) => rule(text, tokens, i)))].filter(
    (each) => text.slice(each.start, each.end) !== each.text,
  );

type Rule = (text: string, tokens: readonly Token[], i: number) => Edit[];

const rules: Rule[] = [
  existsElsewhere,
  boundary,
  nullSafety,
  listMember,
  caseArm,
  defaulted,
  rowLock,
  tryLock,
  conflict,
  outerJoin,
  distinctRows,
  order,
  limit,
  assignment,
];

/** The tokens after `i` as long as they belong to its clause: a word of `ends` outside all brackets ends it. */
export function clause(tokens: readonly Token[], i: number, ends: ReadonlySet<string>): Token[] {
  const { depth } = tokens[i]!;
  const from = i + 1;
  let to = from;
  for (let cases = 0; to < tokens.length; to += 1) {
    const token = tokens[to]!;
    if (token.depth < depth || (token.depth === depth && /^[)\];]$/.test(token.text))) break;
    if (token.depth === depth && token.text === 'case') cases += 1;
    // A second value in a row is a condition of its own, made elsewhere.
    if (token.kind === 'value' && tokens[to - 1]!.kind === 'value') break;
    const isEnd = ends.has(token.text) && !(token.text === 'from' && tokens[to - 1]!.text === 'distinct');
    if (token.depth === depth && cases === 0 && isEnd) break;
    if (token.depth === depth && token.text === 'end') cases -= 1;
  }
  return tokens.slice(from, to);
}

export const clauseEnds: ReadonlySet<string> = new Set(
  `where group order limit offset returning for union except intersect window having left right inner full cross join
  on then loop end fetch from set`.split(/\s+/),
);

/** Splits at words or commas of this depth that stand outside `case … end` and `between … and`. */
export function split(tokens: readonly Token[], at: string, depth: number): Token[][] {
  const parts: Token[][] = [[]];
  let cases = 0;
  let between = false;
  for (const token of tokens) {
    if (token.text === 'case') cases += 1;
    if (token.text === 'end') cases -= 1;
    if (token.text === 'between') between = true;
    if (token.text === at && token.depth === depth && cases === 0 && !(between && at === 'and')) parts.push([]);
    else parts.at(-1)!.push(token);
    if (token.text === 'and') between = false;
  }
  return parts.filter((part) => part.length > 0);
}

export const replace = (tokens: readonly Token[], text: string): Edit => ({
  start: tokens[0]!.start,
  end: tokens.at(-1)!.end,
  text,
});

export const textOf = (text: string, tokens: readonly Token[]): string =>
  text.slice(tokens[0]!.start, tokens.at(-1)!.end);

/** The brackets that open at `i`, with all that is in them; empty when none does. */
function bracketed(tokens: readonly Token[], i: number): Token[] {
  const open = tokens[i];
  if (open === undefined || !/^[([]$/.test(open.text)) return [];
  const close = tokens.findIndex((token, j) => j > i && token.depth === open.depth && /^[)\]]$/.test(token.text));
  return tokens.slice(i, close + 1);
}

const members = (list: readonly Token[]): Token[][] => split(list.slice(1, -1), ',', list[0]?.depth ?? 0);

/** Those in conditions are operands there. */
function existsElsewhere(_: string, tokens: readonly Token[], i: number): Edit[] {
  const before = tokens[i - 1]?.text ?? '';
  if (tokens[i]!.text !== 'exists' || ['where', 'and', 'or', 'not', 'on', 'if'].includes(before)) return [];
  const whole = [tokens[i]!, ...bracketed(tokens, i + 1)];
  return [replace(whole, 'true'), replace(whole, 'false')];
}

function boundary(_: string, tokens: readonly Token[], i: number): Edit[] {
  const other = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }[tokens[i]!.text];
  return other === undefined ? [] : [replace([tokens[i]!], other)];
}

function nullSafety(_: string, tokens: readonly Token[], i: number): Edit[] {
  const words = tokens.slice(i, i + 4).map(({ text }) => text);
  if (words.slice(0, 3).join(' ') === 'is distinct from') return [replace(tokens.slice(i, i + 3), '<>')];
  if (words.join(' ') === 'is not distinct from') return [replace(tokens.slice(i, i + 4), '=')];
  return [];
}

function listMember(_: string, tokens: readonly Token[], i: number): Edit[] {
  if (!['in', 'array'].includes(tokens[i]!.text)) return [];
  const all = members(bracketed(tokens, i + 1));
  return all.every(([first]) => first!.kind === 'string') ? eachLeftOut(all) : [];
}

/** Always one of the answers, and never the others. */
function caseArm(text: string, tokens: readonly Token[], i: number): Edit[] {
  if (tokens[i]!.text !== 'case') return [];
  let open = 0;
  const length = tokens.slice(i).findIndex(({ text: word }) => {
    if (word === 'case') open += 1;
    if (word === 'end') open -= 1;
    return open === 0;
  });
  const whole = tokens.slice(i, i + length + 1);
  const answers = whole.flatMap((token, j) => {
    if (!['then', 'else'].includes(token.text) || token.depth !== whole[0]!.depth) return [];
    return [textOf(text, clause(whole, j, new Set(['when', 'else', 'end'])))];
  });
  if (!whole.some(({ text: word }) => word === 'else')) answers.push('null');
  return [...new Set(answers)].map((answer) => replace(whole, answer));
}

function defaulted(text: string, tokens: readonly Token[], i: number): Edit[] {
  if (tokens[i]!.text !== 'coalesce') return [];
  const list = bracketed(tokens, i + 1);
  const all = members(list);
  return [all[0]!, all.at(-1)!].map((only) => replace([tokens[i]!, ...list], textOf(text, only)));
}

function rowLock(_: string, tokens: readonly Token[], i: number): Edit[] {
  if (tokens[i]!.text !== 'for' || !['update', 'share', 'no', 'key'].includes(tokens[i + 1]?.text ?? '')) return [];
  return [replace([tokens[i]!, ...clause(tokens, i, new Set(['returning']))], '')];
}

function tryLock(_: string, tokens: readonly Token[], i: number): Edit[] {
  if (!tokens[i]!.text.endsWith('pg_try_advisory_xact_lock')) return [];
  return [replace([tokens[i]!, ...bracketed(tokens, i + 1)], 'true')];
}

function conflict(_: string, tokens: readonly Token[], i: number): Edit[] {
  if (tokens[i]!.text !== 'on' || tokens[i + 1]?.text !== 'conflict') return [];
  const rest = clause(tokens, i, new Set(['returning']));
  const doing = rest.findIndex(({ text }) => text === 'do');
  const dropped = replace([tokens[i]!, ...rest], '');
  return rest[doing + 1]?.text === 'update' ? [dropped, replace(rest.slice(doing), 'do nothing')] : [dropped];
}

function outerJoin(_: string, tokens: readonly Token[], i: number): Edit[] {
  const isOuter = ['left', 'right', 'full'].includes(tokens[i]!.text) && tokens[i + 1]?.text === 'join';
  return isOuter ? [replace([tokens[i]!], '')] : [];
}

function distinctRows(_: string, tokens: readonly Token[], i: number): Edit[] {
  return tokens[i]!.text === 'distinct' && tokens[i - 1]?.text === 'select' ? [replace([tokens[i]!], '')] : [];
}

function order(_: string, tokens: readonly Token[], i: number): Edit[] {
  if (tokens[i]!.text !== 'order' || tokens[i + 1]?.text !== 'by') return [];
  return [replace([tokens[i]!, ...clause(tokens, i, clauseEnds)], '')];
}

function limit(_: string, tokens: readonly Token[], i: number): Edit[] {
  return tokens[i]!.text === 'limit' ? [replace([tokens[i]!, ...clause(tokens, i, clauseEnds)], '')] : [];
}

/** Each of several things that an update sets. */
function assignment(_: string, tokens: readonly Token[], i: number): Edit[] {
  if (tokens[i]!.text !== 'set' || tokens[i + 2]?.text !== '=') return [];
  return eachLeftOut(split(clause(tokens, i, clauseEnds), ',', tokens[i]!.depth));
}

/** Each of two or more parts left out, with its comma. */
function eachLeftOut(parts: readonly Token[][]): Edit[] {
  if (parts.length < 2) return [];
  return parts.map((part, i) => {
    const next = parts[i + 1];
    const start = next === undefined ? parts[i - 1]!.at(-1)!.end : part[0]!.start;
    return { start, end: next === undefined ? part.at(-1)!.end : next[0]!.start, text: '' };
  });
}
