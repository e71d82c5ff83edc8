import { StateError } from './errors.ts';
import { evaluate, type Json, lookUp, type Scope } from './expressions.ts';

export type Rule = {
  Variable?: string;
  Next?: string;
  And?: Rule[];
  Or?: Rule[];
  Not?: Rule;
  [operator: string]: unknown;
};

/** Whether a choice rule holds. A variable that points to nothing is States.Runtime, except for IsPresent. */
export function holds(rule: Rule, scope: Scope): boolean {
  if (rule.And) return rule.And.every((inner) => holds(inner, scope));
  if (rule.Or) return rule.Or.some((inner) => holds(inner, scope));
  if (rule.Not) return !holds(rule.Not, scope);
  const operator = operatorOf(rule)!;
  const value = lookUp(rule.Variable!, scope);
  if (operator === 'IsPresent') return (value !== undefined) === rule[operator];
  if (value === undefined)
    throw new StateError(
      'States.Runtime',
      `Invalid path '${rule.Variable}': The choice state's condition path references an invalid value.`,
    );
  const test = typeTests[operator];
  if (test) return test(value) === rule[operator];
  const byPath = operator.endsWith('Path');
  const wanted = byPath ? evaluate(String(rule[operator]), scope) : (rule[operator] as Json);
  return compare(byPath ? operator.slice(0, -4) : operator, value, wanted);
}

/** The comparison that a rule makes, undefined when it has none or more than one. */
export function operatorOf(rule: Rule): string | undefined {
  const operators = Object.keys(rule).filter((key) => !['Variable', 'Next', 'Comment'].includes(key));
  return operators.length === 1 && known.test(operators[0]!) ? operators[0] : undefined;
}

const known =
  /^(?:(?:String|Numeric|Timestamp)(?:Equals|(?:LessThan|GreaterThan)(?:Equals)?)(?:Path)?|BooleanEquals(?:Path)?|StringMatches|Is(?:Present|Null|Numeric|String|Boolean|Timestamp))$/;

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const isTimestamp = (value: Json): value is string =>
  typeof value === 'string' && timestamp.test(value) && !Number.isNaN(Date.parse(value));

const typeTests: Record<string, (value: Json) => boolean> = {
  IsNull: (value) => value === null,
  IsNumeric: (value) => typeof value === 'number',
  IsString: (value) => typeof value === 'string',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: isTimestamp,
};

function compare(operator: string, value: Json, wanted: Json): boolean {
  const [, kind, relation] = /^(String|Numeric|Timestamp|Boolean)(\w+)$/.exec(operator)!;
  if (relation === 'Matches') return typeof value === 'string' && wildcard(String(wanted)).test(value);
  const pair = comparable(kind!, value, wanted);
  if (!pair) return false;
  const [a, b] = pair;
  if (relation === 'Equals') return a === b;
  if (relation === 'LessThan') return a < b;
  if (relation === 'LessThanEquals') return a <= b;
  return relation === 'GreaterThan' ? a > b : a >= b;
}

function comparable(
  kind: string,
  a: Json,
  b: Json,
): [string, string] | [number, number] | [boolean, boolean] | undefined {
  if (kind === 'String' && typeof a === 'string' && typeof b === 'string') return [a, b];
  if (kind === 'Numeric' && typeof a === 'number' && typeof b === 'number') return [a, b];
  if (kind === 'Boolean' && typeof a === 'boolean' && typeof b === 'boolean') return [a, b];
  if (kind === 'Timestamp' && isTimestamp(a) && isTimestamp(b)) return [Date.parse(a), Date.parse(b)];
  return undefined;
}

const wildcard = (pattern: string) =>
  new RegExp(
    `^${pattern.replace(/\\([\\*])|([.*+?^${}()|[\]\\])/g, (_, escaped?: string, special?: string) => (escaped ? `\\${escaped}` : special === '*' ? '.*' : `\\${special}`))}$`,
    's',
  );
