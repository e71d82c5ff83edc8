import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import type { InputOf, OperationContract } from '../contract/api/operation.ts';
import { type InputError, Problem } from '../contract/api/problems.ts';

/** How many errors one answer names. */
const maxErrors = 20;

/**
 * The validated input of an operation. `body` is the parsed body, or the signed one.
 * @throws Problem invalid-input with a pointer for each error; not-found for a path that cannot exist
 */
export function parseInput<C extends OperationContract>(
  contract: C,
  event: Pick<APIGatewayProxyEventV2, 'pathParameters' | 'queryStringParameters'>,
  body: unknown,
): InputOf<C> {
  return {
    path: contract.path && parsePath(contract.path, event.pathParameters ?? {}),
    query: contract.query && parse(contract.query, event.queryStringParameters ?? {}, (path) => `?${path.join('.')}`),
    body: contract.signed ? body : contract.body && parse(contract.body, body, toPointer),
  } as InputOf<C>;
}

function parse(schema: z.ZodMiniType, value: unknown, pointer: (path: PropertyKey[]) => string): unknown {
  const result = z.safeParse(schema, value, { error: describe });
  if (result.success) return result.data;
  const errors: InputError[] = result.error.issues
    .flatMap(ofAlternatives)
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ pointer: pointer([...issue.path, key]), detail: 'is unknown' }))
        : [{ pointer: pointer(issue.path), detail: issue.message }],
    );
  // Of several errors at one pointer, the last is the most specific: the maximum of a price, not that of all integers.
  const shown = [...new Map(errors.map((error) => [error.pointer, error])).values()].slice(0, maxErrors);
  throw new Problem('invalid-input', `${shown[0]?.pointer || 'The body'} ${shown[0]?.detail}.`, { errors: shown });
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

function parsePath(schema: z.ZodMiniType, value: unknown): unknown {
  const result = z.safeParse(schema, value);
  if (!result.success) throw new Problem('not-found', 'There is no resource at this path.');
  return result.data;
}

/** A JSON pointer (RFC 6901). */
const toPointer = (path: PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The second half of a sentence about an invalid value. A message that the schema defines takes precedence. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
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

/** `be at most 5` for a number, `have at most 5 items` for something with a length. */
function bounded(bound: string, limit: number, origin: string): string {
  const unit = { string: 'character', array: 'item' }[origin];
  return unit === undefined ? `be ${bound} ${limit}` : `have ${bound} ${limit} ${unit}${limit === 1 ? '' : 's'}`;
}

const withArticle = (type: string): string =>
  type === 'int' ? 'a whole number' : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
