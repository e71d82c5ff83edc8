import type * as z from 'zod/mini';
import type { InputError } from './problems.ts';

/** What is wrong with a value, each with a JSON pointer (RFC 6901) or what `pointerOf` makes of the path. */
export function issuesOf(
  issues: readonly z.core.$ZodIssue[],
  pointerOf: (path: PropertyKey[]) => string = toPointer,
): InputError[] {
  const errors = issues
    .flatMap(ofAlternatives)
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: 'is unknown' }))
        : [{ pointer: pointerOf(issue.path), detail: issue.message }],
    );
  // Of several errors at one pointer, the last is the most specific: the maximum of a price, not that of all integers.
  return [...new Map(errors.map((error) => [error.pointer, error])).values()];
}

/**
 * The errors of a union. When exactly one alternative knows all the fields, that one is meant and its errors are
 * returned; otherwise the union's own error.
 */
function ofAlternatives(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const possible = issue.errors.filter((issues) => issues.every(({ code }) => code !== 'unrecognized_keys'));
  if (possible.length !== 1) return [issue];
  return possible[0]!.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** A JSON pointer (RFC 6901). */
export const toPointer = (path: PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The second half of a sentence about an invalid value. A message that the schema defines takes precedence. */
export function describe(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'int' && issue.path?.at(-1) === 'amount' && issue.input !== undefined) return minorUnits;
      return issue.input === undefined ? 'is missing' : `must be ${withArticle(issue.expected)}`;
    case 'too_small':
      return `must ${bounded('at least', Number(issue.minimum), issue.origin)}`;
    case 'too_big':
      return `must ${bounded('at most', Number(issue.maximum), issue.origin)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'invalid_format':
      return issue.format === 'regex' ? 'does not have the required format' : `is not a valid ${issue.format}`;
    default:
      return undefined;
  }
}

const minorUnits = 'must be a whole number of minor units: 19.99 EUR is 1999';

/** `be at most 5` for a number, `have at most 5 items` for something with a length. */
function bounded(bound: string, limit: number, origin: string): string {
  const unit = { string: 'character', array: 'item' }[origin];
  return unit === undefined ? `be ${bound} ${limit}` : `have ${bound} ${limit} ${unit}${limit === 1 ? '' : 's'}`;
}

const withArticle = (type: string): string =>
  type === 'int' ? 'a whole number' : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
