import { randomUUID } from 'node:crypto';
import { StateError } from './errors.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What an expression can read: the state's input as `$` and the context object as `$$`. */
export type Scope = { input: Json; context: Json };

type Path = { kind: 'path'; text: string; root: 'input' | 'context'; keys: (string | number)[] };
type Literal = { kind: 'literal'; value: Json };
type Text = { kind: 'text'; raw: string };
type Call = { kind: 'call'; name: string; args: Expression[] };
export type Expression = Path | Literal | Text | Call;

const parsed = new Map<string, Expression>();

/**
 * Reads a JSONPath (`$.a.b[0]`, `$$.Execution.Name`) or an intrinsic function (`States.Format('{}', $.a)`).
 * Wildcards, filters, slices and unknown functions are refused with a SyntaxError.
 * Follows https://states-language.net/spec.html (Paths, Intrinsic Functions).
 */
export function parseExpression(text: string): Expression {
  const expression = parsed.get(text) ?? parseWhole(text);
  parsed.set(text, expression);
  return expression;
}

/** Value of a path or an intrinsic function. Throws StateError: States.Runtime, States.IntrinsicFailure. */
export function evaluate(text: string, scope: Scope): Json {
  return resolve(parseExpression(text), scope);
}

/** Value that a path points to, undefined where it points to nothing. */
export function lookUp(text: string, scope: Scope): Json | undefined {
  const expression = parseExpression(text);
  return expression.kind === 'path' ? follow(expression, scope) : resolve(expression, scope);
}

/** Fills a payload template: every key that ends in `.$` takes the value of its expression. */
export function fillTemplate(template: Json, scope: Scope): Json {
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, scope));
  if (template === null || typeof template !== 'object') return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith('.$') ? [key.slice(0, -2), evaluate(String(value), scope)] : [key, fillTemplate(value, scope)],
    ),
  );
}

/** Copy of `input` with `value` put where a reference path points; `null` keeps the input. */
export function putResult(path: string | null | undefined, input: Json, value: Json): Json {
  if (path === null) return input;
  if (path === undefined || path === '$') return value;
  const reference = parseExpression(path) as Path;
  return put(input, reference.keys, value, path);
}

function put(target: Json | undefined, keys: (string | number)[], value: Json, path: string): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  const refuse = () =>
    new StateError('States.ResultPathMatchFailure', `ResultPath '${path}' cannot be applied to the input.`);
  if (typeof key === 'number') {
    if (!Array.isArray(target) || key >= target.length) throw refuse();
    return target.with(key, put(target[key], rest, value, path));
  }
  if (target !== undefined && (target === null || typeof target !== 'object' || Array.isArray(target))) throw refuse();
  const next = target && Object.hasOwn(target, key) ? target[key] : undefined;
  return { ...target, [key]: put(next, rest, value, path) };
}

function resolve(expression: Expression, scope: Scope): Json {
  if (expression.kind === 'literal') return expression.value;
  if (expression.kind === 'text') return expression.raw.replace(/\\(.)/gs, '$1');
  if (expression.kind === 'call') return call(expression, scope);
  const value = follow(expression, scope);
  if (value === undefined)
    throw new StateError(
      'States.Runtime',
      `The path '${expression.text}' could not be found in the input '${JSON.stringify(scope.input)}'.`,
    );
  return value;
}

function follow(path: Path, scope: Scope): Json | undefined {
  let value: Json | undefined = scope[path.root];
  for (const key of path.keys) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, Json>)[key];
  }
  return value;
}

function call({ name, args }: Call, scope: Scope): Json {
  const values = args.map((arg) => resolve(arg, scope));
  const first = args[0];
  if (name === 'States.Format' && first?.kind === 'text') values[0] = first.raw;
  try {
    return intrinsics[name]!(...values);
  } catch (error) {
    throw new StateError('States.IntrinsicFailure', `${name} failed: ${(error as Error).message}.`);
  }
}

const intrinsics: Record<string, (...args: Json[]) => Json> = {
  'States.Format': (template, ...values) => format(text(template), values),
  'States.StringToJson': (value) => JSON.parse(text(value)),
  'States.JsonToString': (value) => JSON.stringify(value!),
  'States.Array': (...values) => values,
  'States.ArrayContains': (values, wanted) =>
    array(values).some((value) => JSON.stringify(value) === JSON.stringify(wanted)),
  'States.ArrayGetItem': (values, index) => {
    const item = array(values)[integer(index)];
    if (item === undefined) throw new Error(`the array has no item ${index}`);
    return item;
  },
  'States.ArrayLength': (values) => array(values).length,
  'States.MathAdd': (a, b) => integer(a) + integer(b),
  'States.UUID': () => randomUUID(),
};

function format(template: string, values: Json[]): string {
  let used = 0;
  const filled = template.replace(/\\(.)|\{\}/gs, (_, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    const value = values[used++];
    if (value === undefined) throw new Error('there are more {} than values');
    if (typeof value === 'object' && value !== null)
      throw new Error('only strings, numbers, booleans and null can be inserted');
    return String(value);
  });
  if (used < values.length) throw new Error('there are more values than {}');
  return filled;
}

function text(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw new Error(`a string was expected, not ${JSON.stringify(value)}`);
}

function array(value: Json | undefined): Json[] {
  if (Array.isArray(value)) return value;
  throw new Error(`an array was expected, not ${JSON.stringify(value)}`);
}

function integer(value: Json | undefined): number {
  if (Number.isInteger(value)) return value as number;
  throw new Error(`an integer was expected, not ${JSON.stringify(value)}`);
}

function parseWhole(source: string): Expression {
  const reader = { source, at: 0 };
  const expression = parseOne(reader);
  if (reader.at < source.length || (expression.kind !== 'path' && expression.kind !== 'call')) throw unreadable(source);
  return expression;
}

type Reader = { source: string; at: number };

function parseOne(reader: Reader): Expression {
  if (reader.source[reader.at] === '$') return parsePath(reader);
  const name = take(reader, /States\.\w+/y);
  if (name) return parseCall(reader, name);
  const quoted = take(reader, /'(?:[^'\\]|\\.)*'/sy);
  if (quoted) return { kind: 'text', raw: quoted.slice(1, -1) };
  const literal = take(reader, /true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
  if (literal) return { kind: 'literal', value: JSON.parse(literal) };
  throw unreadable(reader.source);
}

function parsePath(reader: Reader): Path {
  const start = reader.at;
  const root = take(reader, /\$\$?/y) === '$$' ? 'context' : 'input';
  const keys: (string | number)[] = [];
  for (;;) {
    const step = take(reader, /\.[^\s.[\](){}'",*?@:]+|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\]|\[\d+\]/sy);
    if (!step) break;
    if (step[0] === '.') keys.push(step.slice(1));
    else if (/\d/.test(step[1]!)) keys.push(Number(step.slice(1, -1)));
    else keys.push(step.slice(2, -2).replace(/\\(.)/gs, '$1'));
  }
  return { kind: 'path', text: reader.source.slice(start, reader.at), root, keys };
}

function parseCall(reader: Reader, name: string): Call {
  if (!Object.hasOwn(intrinsics, name)) throw new SyntaxError(`the intrinsic function ${name} is not supported here`);
  const args: Expression[] = [];
  const open = take(reader, /\s*\(\s*/y);
  if (!open) throw unreadable(reader.source);
  while (!take(reader, /\s*\)/y)) {
    if (args.length && !take(reader, /\s*,\s*/y)) throw unreadable(reader.source);
    args.push(parseOne(reader));
  }
  return { kind: 'call', name, args };
}

function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.source)?.[0];
  if (found !== undefined) reader.at += found.length;
  return found;
}

const unreadable = (source: string) =>
  new SyntaxError(`${JSON.stringify(source)} is not a plain path ($.a.b[0]) or a supported intrinsic function`);
