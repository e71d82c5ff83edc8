import type { Series } from './metric-store.ts';

/** An expression uses what this evaluator does not know. */
export class MathRefused extends Error {
  override readonly name = 'MathRefused';
}

/** A number, one series, or several, as `METRICS()` and `SEARCH` give them. */
export type Value = number | Series | LabelledSeries[];
export type LabelledSeries = { label: string; series: Series };

/** What an expression can refer to. */
export type MathScope = {
  /** The times that a filled series has values at. */
  times: readonly number[];
  metric(id: string): Series | undefined;
  metrics(): LabelledSeries[];
  search(expression: string, statistic: string, period: number): LabelledSeries[];
};

type Node =
  | { kind: 'number'; value: number }
  | { kind: 'text'; value: string }
  | { kind: 'name'; name: string }
  | { kind: 'call'; name: string; args: Node[] }
  | { kind: 'operation'; operator: string; left: Node; right: Node };

/** The operators, the weakest first. */
const levels = [
  ['OR', '||'],
  ['AND', '&&'],
  ['<', '>', '<=', '>=', '==', '!='],
  ['+', '-'],
  ['*', '/'],
];
const functions = ['FILL', 'IF', 'SUM', 'MAX', 'MIN', 'AVG', 'METRICS', 'SEARCH'] as const;

/** Parses a metric math expression of CloudWatch. @throws MathRefused when it is not one that can be evaluated here */
export function parseMath(text: string): Node {
  const tokens = [
    ...text.matchAll(/\s*(\d+(?:\.\d+)?|'[^']*'|[A-Za-z_]\w*|<=|>=|==|!=|&&|\|\||[-+*/<>(),])|\s*(\S)/g),
  ].map(([, token, stray]) => {
    if (token === undefined) throw new MathRefused(`${stray} in the expression ${text}`);
    return token;
  });
  let at = 0;
  const node = operation(0);
  if (at < tokens.length) throw new MathRefused(`${tokens[at]} in the expression ${text}`);
  return node;

  function operation(level: number): Node {
    const operators = levels[level];
    if (operators === undefined) return primary();
    let left = operation(level + 1);
    while (operators.includes(tokens[at] ?? '')) {
      const operator = tokens[at++]!;
      left = { kind: 'operation', operator, left, right: operation(level + 1) };
    }
    return left;
  }

  function primary(): Node {
    const token = tokens[at++];
    if (token === undefined) throw new MathRefused(`The expression ${text} ends too early.`);
    if (token === '(') {
      const inner = operation(0);
      expect(')');
      return inner;
    }
    if (token === '-')
      return { kind: 'operation', operator: '-', left: { kind: 'number', value: 0 }, right: primary() };
    if (/^\d/.test(token)) return { kind: 'number', value: Number(token) };
    if (token.startsWith("'")) return { kind: 'text', value: token.slice(1, -1) };
    if (!/^\w/.test(token)) throw new MathRefused(`${token} in the expression ${text}`);
    if (tokens[at] !== '(') return { kind: 'name', name: token };
    at++;
    if (!functions.some((name) => name === token)) throw new MathRefused(`the function ${token} in ${text}`);
    const args: Node[] = [];
    while (tokens[at] !== ')') {
      args.push(operation(0));
      if (tokens[at] !== ')') expect(',');
    }
    at++;
    return { kind: 'call', name: token, args };
  }

  function expect(token: string): void {
    if (tokens[at++] !== token) throw new MathRefused(`The expression ${text} lacks a ${token}.`);
  }
}

/**
 * Evaluates an expression as CloudWatch does: an operation on two series has values where both have one, and a division by zero
 * has none. @throws MathRefused when a name is not known, or a function cannot take what it is given
 */
export function evaluateMath(text: string, scope: MathScope): Value {
  return evaluate(parseMath(text), scope);
}

function evaluate(node: Node, scope: MathScope): Value {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'text':
      throw new MathRefused(`'${node.value}' is no value.`);
    case 'name': {
      const series = scope.metric(node.name);
      if (series === undefined) throw new MathRefused(`There is no metric with the id ${node.name}.`);
      return series;
    }
    case 'operation':
      return combine(operations[node.operator]!, single(node.left, scope), single(node.right, scope));
    case 'call':
      return call(node.name as (typeof functions)[number], node.args, scope);
  }
}

function call(name: (typeof functions)[number], args: readonly Node[], scope: MathScope): Value {
  const [first, second, third] = args;
  switch (name) {
    case 'METRICS':
      return scope.metrics();
    case 'SEARCH': {
      const [search, statistic, period] = args.map((arg) => ('value' in arg ? arg.value : undefined));
      return scope.search(String(search), String(statistic), Number(period));
    }
    case 'FILL': {
      const value = single(first, scope);
      const filling = single(second, scope);
      if (typeof value === 'number') return value;
      if (typeof filling !== 'number') throw new MathRefused('FILL takes a number here.');
      return new Map(scope.times.map((time) => [time, value.get(time) ?? filling]));
    }
    case 'IF': {
      const [condition, yes, no] = [first, second, third].map((arg) => single(arg, scope));
      return choose(condition!, yes!, no!);
    }
    default: {
      const several = args.length === 1 ? evaluate(first!, scope) : args.map((arg) => labelled(single(arg, scope)));
      return reduce(name, several);
    }
  }
}

const labelled = (value: number | Series): LabelledSeries => {
  if (typeof value === 'number') throw new MathRefused('a number stands where a series must.');
  return { label: '', series: value };
};

function single(node: Node | undefined, scope: MathScope): number | Series {
  if (node === undefined) throw new MathRefused('A function lacks an argument.');
  const value = evaluate(node, scope);
  if (!Array.isArray(value)) return value;
  throw new MathRefused('Several series stand where one must.');
}

const operations: Record<string, (left: number, right: number) => number> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => (right === 0 ? Number.NaN : left / right),
  '<': (left, right) => Number(left < right),
  '>': (left, right) => Number(left > right),
  '<=': (left, right) => Number(left <= right),
  '>=': (left, right) => Number(left >= right),
  '==': (left, right) => Number(left === right),
  '!=': (left, right) => Number(left !== right),
  AND: (left, right) => Number(left !== 0 && right !== 0),
  '&&': (left, right) => Number(left !== 0 && right !== 0),
  OR: (left, right) => Number(left !== 0 || right !== 0),
  '||': (left, right) => Number(left !== 0 || right !== 0),
};

const at = (value: number | Series, time: number): number | undefined =>
  typeof value === 'number' ? value : value.get(time);

function timesOf(...values: (number | Series)[]): number[] {
  return [...new Set(values.flatMap((value) => (typeof value === 'number' ? [] : [...value.keys()])))].toSorted(
    (one, other) => one - other,
  );
}

function combine(operate: (left: number, right: number) => number, left: number | Series, right: number | Series) {
  if (typeof left === 'number' && typeof right === 'number') return operate(left, right);
  return seriesOf(timesOf(left, right), (time) => {
    const [one, other] = [at(left, time), at(right, time)];
    return one === undefined || other === undefined ? undefined : operate(one, other);
  });
}

function choose(condition: number | Series, yes: number | Series, no: number | Series): number | Series {
  if (typeof condition === 'number') return condition === 0 ? no : yes;
  return seriesOf(timesOf(condition), (time) => at(condition.get(time) === 0 ? no : yes, time));
}

function seriesOf(times: readonly number[], value: (time: number) => number | undefined): Series {
  const found = times.map((time): [number, number | undefined] => [time, value(time)]);
  return new Map(found.filter((entry): entry is [number, number] => Number.isFinite(entry[1])));
}

function reduce(name: 'SUM' | 'MAX' | 'MIN' | 'AVG', value: Value): Series {
  if (!Array.isArray(value)) throw new MathRefused(`${name} of one series is not known here.`);
  const all = value.map(({ series }) => series);
  return seriesOf(timesOf(...all), (time) => {
    const values = all.flatMap((series) => series.get(time) ?? []);
    const sum = values.reduce((total, each) => total + each, 0);
    return { SUM: sum, AVG: sum / values.length, MAX: Math.max(...values), MIN: Math.min(...values) }[name];
  });
}
