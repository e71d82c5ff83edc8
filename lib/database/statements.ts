/** A statement's words in lower case, and the line where it starts (1 is the first). */
export type Statement = { words: string[]; line: number };

/**
 * Splits an SQL text into statements, each by its words alone: without comments, strings, quoted names and dollar-quoted
 * bodies (PostgreSQL's lexical rules, chapter 4.1 of its manual). A `BEGIN ATOMIC` body belongs to its statement.
 */
export function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  let current: Statement | undefined;
  /** How many `BEGIN ATOMIC` and `CASE` are open. An `END` closes each of them. */
  let depth = 0;
  for (const { token, at } of tokens(text)) {
    if (token === ';' && depth === 0) {
      current = undefined;
      continue;
    }
    if (current === undefined) {
      current = { words: [], line: lineAt(text, at) };
      statements.push(current);
    }
    if (!/^[A-Za-z_\u0080-\uffff]/.test(token)) continue;
    const before = current.words.at(-1);
    current.words.push(token);
    if (depth > 0 && token === 'end') depth--;
    else if (token === 'atomic' && before === 'begin' && depth === 0 && current.words[0] === 'create') depth = 1;
    else if (depth > 0 && token === 'case') depth++;
  }
  return statements;
}

/** The line that a position of the text is in; 1 is the first. */
export const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** What is skipped, in the order in which it must be tried. */
const lexemes = [
  /--[^\n]*/y,
  /\s+/y,
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y,
  /'(?:[^']|'')*(?:'|$)/y,
  /"(?:[^"]|"")*(?:"|$)/y,
  /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?(?:\$\1\$|$(?![\s\S]))/y,
];
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;

function* tokens(text: string): Generator<{ token: string; at: number }> {
  let at = 0;
  while (at < text.length) {
    const end = text.startsWith('/*', at) ? endOfComment(text, at) : endOfAny(lexemes, text, at);
    if (end > at) {
      at = end;
      continue;
    }
    const next = endOfAny([word], text, at);
    const token = next > at ? text.slice(at, next).toLowerCase() : text[at]!;
    yield { token, at };
    at = Math.max(next, at + 1);
  }
}

function endOfAny(patterns: RegExp[], text: string, at: number): number {
  for (const pattern of patterns) {
    pattern.lastIndex = at;
    if (pattern.test(text)) return pattern.lastIndex;
  }
  return at;
}

/** The end of a block comment. Block comments nest. */
function endOfComment(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const two = text.slice(i, i + 2);
    if (two === '/*') depth++;
    else if (two === '*/') depth--;
    else continue;
    i++;
    if (depth === 0) return i + 1;
  }
  return text.length;
}
