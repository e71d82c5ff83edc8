/** Levels that the arrays and objects of a body may stand in each other; what this API takes has four at most. */
export const maxDepth = 32;

/** Whether arrays and objects in this JSON stand deeper in each other than `most` levels, without parsing it. */
export function isDeeperThan(most: number, text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character === '\\') i++;
      else if (character === '"') quoted = false;
    } else if (character === '"') {
      quoted = true;
    } else if (character === '{' || character === '[') {
      depth++;
      if (depth > most) return true;
    } else if (character === '}' || character === ']') {
      depth--;
    }
  }
  return false;
}
