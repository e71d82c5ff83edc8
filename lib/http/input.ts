import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import { describe, issuesOf, toPointer } from '../contract/api/issues.ts';
import type { InputOf, OperationContract } from '../contract/api/operation.ts';
import { Problem } from '../contract/api/problems.ts';

/** How many errors one answer names. */
const maxErrors = 20;

/**
 * The validated input of an operation. `body` is the parsed body, or the signed or raw one.
 * @throws Problem invalid-input with a pointer for each error; not-found for a path that cannot exist
 */
export function parseInput<C extends OperationContract>(
  contract: C,
  event: Pick<APIGatewayProxyEventV2, 'pathParameters' | 'queryStringParameters'>,
  body: unknown,
): InputOf<C> {
  return {
    path: contract.path && parsePath(contract.path, event.pathParameters ?? {}),
    query: parseQuery(contract, event.queryStringParameters ?? {}),
    body:
      contract.signed || contract.raw
        ? body
        : contract.body && parse(contract.body, body, toPointer, contract.problemOf),
  } as InputOf<C>;
}

/** Checks the path alone. @throws Problem not-found when nothing can be there */
export function checkPath(contract: OperationContract, event: Pick<APIGatewayProxyEventV2, 'pathParameters'>): void {
  if (contract.path !== undefined) parsePath(contract.path, event.pathParameters ?? {});
}

/** Unknown parameters are errors, also where an operation has none. */
function parseQuery(
  { query, unpublished, problemOf }: OperationContract,
  given: Record<string, string | undefined>,
): unknown {
  if (query === undefined) {
    if (!unpublished) parse(noParameters, given, toParameter);
    return undefined;
  }
  const parameters = Object.entries((query as z.ZodMiniObject).shape as unknown as Record<string, AnySchema>);
  const namesOf = (type: string) => parameters.filter(([, schema]) => isOf(type, schema)).map(([name]) => name);
  const odd = namesOf('number').find((name) => !/^\d{1,15}$/.test(given[name] ?? '0'));
  if (odd === undefined) {
    const gathered = { lists: namesOf('array'), maps: namesOf('record') };
    return parse(query, gather(given, gathered), toParameter, problemOf);
  }
  const error = { pointer: `?${odd}`, detail: 'must be a whole number in decimal digits' };
  throw new Problem('invalid-input', `${error.pointer} ${error.detail}.`, { errors: [error] });
}

/** The parameters with lists, of text with commas, and maps, of one parameter for each member. */
function gather(given: Record<string, string | undefined>, { lists, maps }: { lists: string[]; maps: string[] }) {
  // Not __proto__: it is an unknown parameter, where a schema would pass it over.
  const mapOf = (key: string) =>
    maps.find((name) => key.startsWith(`${name}[`) && /^(?!.*\[__proto__\]).*\]$/.test(key));
  const members = Object.groupBy(Object.entries(given), ([key]) => mapOf(key) ?? '');
  return Object.fromEntries([
    ...Object.entries(members).flatMap(([name, own = []]) =>
      name === ''
        ? []
        : [[name, Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 1, -1), value]))]],
    ),
    ...(members[''] ?? []).map(([key, value]) => [key, lists.includes(key) ? value?.split(',') : value]),
  ]);
}

const noParameters = z.strictObject({});
/** An item of a list is an error of the parameter; a member of a map is one of its own. */
const toParameter = ([name, member]: PropertyKey[]): string =>
  typeof member === 'string' ? `?${String(name)}[${member}]` : `?${String(name)}`;

type AnySchema = { _zod: { def: { type: string; innerType?: AnySchema } } };

/**
 * Whether a parameter is of a type: a number, which `Number` would also read from `1e1`, `0x10` or nothing, or a list, which
 * comes as text with commas, or a map, each of whose members is a parameter: `attribute[colour]`.
 */
const isOf = (type: string, { _zod: { def } }: AnySchema): boolean =>
  def.type === type || (def.innerType !== undefined && isOf(type, def.innerType));

function parse(
  schema: z.ZodMiniType,
  value: unknown,
  pointer: (path: PropertyKey[]) => string,
  problemOf: OperationContract['problemOf'] = {},
): unknown {
  const result = z.safeParse(schema, value, { error: describe });
  if (result.success) return result.data;
  const shown = issuesOf(result.error.issues, pointer).slice(0, maxErrors);
  // A problem of its own is the answer when nothing else is wrong.
  // Only its own members: a client may call a field `constructor`.
  const codeOf = (name: string) => (Object.hasOwn(problemOf, name) ? problemOf[name] : undefined) ?? 'invalid-input';
  const codes = new Set(shown.map(({ pointer: at }) => codeOf(at.slice(1).replace(/\/\d+$/, ''))));
  const code = codes.size === 1 ? [...codes][0]! : 'invalid-input';
  throw new Problem(code, `${shown[0]?.pointer || 'The body'} ${shown[0]?.detail}.`, { errors: shown });
}

function parsePath(schema: z.ZodMiniType, value: unknown): unknown {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const [name = ''] = (result.error.issues[0]?.path ?? []) as string[];
  const given = (value as Record<string, string | undefined>)[name] ?? '';
  // POST /products/import is a path of its own, and PATCH or GET of it come here.
  if (name === 'productId' && given === 'import')
    throw new Problem('method-not-allowed', 'Use POST.', { headers: { allow: 'POST' } });
  const isSku = name === 'productId' && /^[A-Za-z0-9._-]{1,64}$/.test(given);
  throw new Problem(
    'not-found',
    isSku
      ? 'A product is found by its id, which begins with prd_. If this is its SKU, list the products by ?sku=.'
      : 'There is no resource at this path.',
  );
}
