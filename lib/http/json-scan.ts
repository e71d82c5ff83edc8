/** What of a JSON text is refused before it is parsed. */
export type JsonFault = 'too-deep' | 'duplicate-key';

/**
 * Finds arrays and objects that are nested deeper than `maxDepth`, and objects with two members of one name, of which
 * parsers keep the last (RFC 8259 §4). Reads the text once and does not parse it: what is no JSON is for the parser.
 */
export function scanJson(text: string, maxDepth: number): JsonFault | undefined {
  /** For each open object its names, for each open array nothing. */
  const open: (Set<string> | undefined)[] = [];
  let nameNext = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (nameNext && names !== undefined) {
        const name = nameOf(text.slice(at, end + 1));
        if (names.has(name)) return 'duplicate-key';
        names.add(name);
      }
      nameNext = false;
      at = end;
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > maxDepth) return 'too-deep';
      nameNext = character === '{';
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === ',') {
      nameNext = open.at(-1) !== undefined;
    }
  }
  return undefined;
}

/** Where the string ends that begins at `start`; the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

/** Names may be escaped: `"\u0061"` is the name `a`. */
function nameOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
