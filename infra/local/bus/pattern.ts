/** An event pattern of EventBridge, as in a rule. */
export type EventPattern = { readonly [field: string]: unknown };

/** A pattern uses what this stand-in does not know, so the laptop would not do what AWS does. */
export class PatternRefused extends Error {
  override readonly name = 'PatternRefused';
}

type Match = (value: unknown) => boolean;

/**
 * Makes a function that tells whether an event matches a pattern: exact values, `prefix`, `suffix`, `anything-but` (values or a prefix),
 * `exists`, `numeric` and `$or`. An array in an event matches when one of its elements does.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 * @throws PatternRefused
 */
export function compilePattern(pattern: EventPattern): Match {
  if (!isObject(pattern)) throw new PatternRefused('a pattern is an object');
  const fields = Object.entries(pattern).map(([name, wanted]) =>
    name === '$or' ? anyOf(wanted) : field(name, wanted),
  );
  if (fields.length === 0) throw new PatternRefused('a pattern names at least one field');
  return (event) => fields.every((matches) => matches(event));
}

function anyOf(patterns: unknown): Match {
  if (!Array.isArray(patterns) || patterns.length < 2) throw new PatternRefused('$or takes two patterns or more');
  const all = patterns.map(compilePattern);
  return (event) => all.some((matches) => matches(event));
}

function field(name: string, wanted: unknown): Match {
  const inside = (event: unknown) => (isObject(event) ? event[name] : undefined);
  if (isObject(wanted)) {
    const matches = compilePattern(wanted);
    return (event) => matches(inside(event));
  }
  if (!Array.isArray(wanted) || wanted.length === 0) {
    throw new PatternRefused(`${name} takes a list of values, or a pattern`);
  }
  const conditions = wanted.map((each) => condition(name, each));
  return (event) => {
    const value = inside(event);
    return conditions.some((matches) => matches(value));
  };
}

function condition(name: string, wanted: unknown): Match {
  if (!isObject(wanted)) return some((value) => value === wanted);
  const [[operator, operand], ...more] = Object.entries(wanted) as [[string, unknown], ...[string, unknown][]];
  if (more.length > 0) throw new PatternRefused(`${name}: one operator at a time`);
  switch (operator) {
    case 'prefix':
      return some(withText(name, operand, (value, text) => value.startsWith(text)));
    case 'suffix':
      return some(withText(name, operand, (value, text) => value.endsWith(text)));
    case 'exists':
      return exists(name, operand);
    case 'numeric':
      return some(numeric(name, operand));
    case 'anything-but':
      return anythingBut(name, operand);
    default:
      throw new PatternRefused(`${name}: the local bus does not know the operator ${operator}`);
  }
}

const some =
  (matches: Match): Match =>
  (value) =>
    Array.isArray(value) ? value.some(matches) : value !== undefined && matches(value);

function withText(name: string, operand: unknown, matches: (value: string, text: string) => boolean): Match {
  if (typeof operand !== 'string') throw new PatternRefused(`${name}: prefix and suffix take a text`);
  return (value) => typeof value === 'string' && matches(value, operand);
}

function exists(name: string, operand: unknown): Match {
  if (typeof operand !== 'boolean') throw new PatternRefused(`${name}: exists takes true or false`);
  return (value) => (value !== undefined) === operand;
}

function anythingBut(name: string, operand: unknown): Match {
  if (isObject(operand)) {
    const matches = condition(name, operand);
    if (!('prefix' in operand)) throw new PatternRefused(`${name}: anything-but takes values or a prefix`);
    return (value) => value !== undefined && !matches(value);
  }
  const values = Array.isArray(operand) ? operand : [operand];
  if (!values.every((each) => typeof each === 'string' || typeof each === 'number')) {
    throw new PatternRefused(`${name}: anything-but takes texts or numbers`);
  }
  return some((value) => !values.includes(value as never));
}

const comparisons: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '=': (value, limit) => value === limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
};

function numeric(name: string, operand: unknown): Match {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw new PatternRefused(`${name}: numeric takes one or two comparisons`);
  }
  const bounds: [(value: number, limit: number) => boolean, number][] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const [compare, limit] = [comparisons[operand[at] as string], operand[at + 1]];
    if (compare === undefined || typeof limit !== 'number') {
      throw new PatternRefused(`${name}: numeric takes =, <, <=, > or >= and a number`);
    }
    bounds.push([compare, limit]);
  }
  return (value) => typeof value === 'number' && bounds.every(([compare, limit]) => compare(value, limit));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
