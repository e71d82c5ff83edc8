/** `depth` counts the brackets around it; a closing bracket has the depth of what it closes. */
export type Token = {
  kind: 'word' | 'string' | 'number' | 'value' | 'mark';
  text: string;
  start: number;
  end: number;
  depth: number;
};

const pattern =
  /(?<space>\s+|--[^\n]*)|(?<string>'(?:[^']|'')*')|(?<word>"[^"]*"|[a-z_][\w$]*(?:\.(?:[a-z_][\w$]*|"[^"]*"|\*))*)|(?<number>\d+(?:\.\d+)?)|(?<mark>::|<=|>=|<>|!=|\|\||->>|->|:=|.)/iy;

/** The tokens of SQL between two positions of a text. `${…}` of a template is one token, a value. */
export function tokenize(text: string, start = 0, end = text.length): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = start; at < end; ) {
    if (text.startsWith('${', at)) {
      const close = endOfValue(text, at);
      tokens.push({ kind: 'value', text: text.slice(at, close), start: at, end: close, depth });
      at = close;
      continue;
    }
    pattern.lastIndex = at;
    const { groups = {}, 0: found = text[at]! } = pattern.exec(text) ?? {};
    const token = { text: found, start: at, end: at + found.length };
    at = token.end;
    if (groups.space !== undefined) continue;
    const kind = (['string', 'word', 'number'] as const).find((name) => groups[name] !== undefined) ?? 'mark';
    if (kind === 'mark' && /[([]/.test(found)) depth += 1;
    tokens.push({ kind, ...token, text: kind === 'word' ? found.toLowerCase() : found, depth });
    if (kind === 'mark' && /[)\]]/.test(found)) depth -= 1;
  }
  return tokens;
}

/** Where each SQL template of a TypeScript file begins and ends, without its quotes; those within others as well. */
export function sqlTemplates(source: string): { start: number; end: number }[] {
  return [...source.matchAll(/\b(?:sql|tx)(?:<[^`]*?>)?`/g)].map(({ index, 0: { length } }) => {
    const start = index + length;
    return { start, end: endOfTemplate(source, start) };
  });
}

function endOfTemplate(source: string, start: number): number {
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === '`') return at;
    if (source[at] === '\\') at += 1;
    if (source.startsWith('${', at)) at = endOfValue(source, at) - 1;
  }
  throw new Error('a template has no end');
}

function endOfValue(source: string, start: number): number {
  let depth = 0;
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === '{') depth += 1;
    if (source[at] === '}') depth -= 1;
    if (depth === 0) return at + 1;
    if (source[at] === '`') at = endOfTemplate(source, at + 1);
  }
  throw new Error('a value of a template has no end');
}
