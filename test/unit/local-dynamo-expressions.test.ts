import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { type ExpressionParser, rememberParsed } from '../../infra/local/dynamo/parsed-expressions.ts';

const require = createRequire(import.meta.url);
type Kind = 'condition' | 'projection' | 'update';

type Request = {
  kind: Kind;
  text: string;
  names?: Record<string, string>;
  values?: Record<string, Record<string, unknown>>;
};

/** The library's parser, and one that remembers; `calls` counts what reaches the library. */
function parsersOf(kind: Kind) {
  const { parse } = require(`dynalite/db/${kind}Parser.js`) as ExpressionParser;
  let calls = 0;
  const remembering: ExpressionParser = {
    parse(text, options) {
      calls++;
      return parse(text, options);
    },
  };
  rememberParsed(remembering);
  return { plain: { parse } as ExpressionParser, remembering, calls: () => calls };
}

/** What a request gets: the tree or the error, and what remains unused. */
function outcomeOf(parser: ExpressionParser, { text, names, values }: Request) {
  const all = (of: object = {}) => Object.fromEntries(Object.keys(of).map((name) => [name, true as const]));
  const context = {
    attrNames: names,
    attrVals: values,
    unusedAttrNames: all(names),
    unusedAttrVals: all(values),
    isReserved: (word: string) => word.toUpperCase() === 'STATUS',
    compare: (_: string, x: { N: string }, y: { N: string }) => Number(x.N) > Number(y.N),
  };
  try {
    const tree = parser.parse(text, { context });
    return { tree, names: Object.keys(context.unusedAttrNames), values: Object.keys(context.unusedAttrVals) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

const number = (n: number) => ({ N: String(n) });
const requests: Request[] = [
  { kind: 'condition', text: 'attribute_not_exists(pk)' },
  {
    kind: 'condition',
    text: 'a = :a AND (b < :b OR NOT c.d[1] IN (:a, :b))',
    values: { ':a': number(1), ':b': number(2) },
  },
  { kind: 'condition', text: '#s = :s', names: { '#s': 'status' }, values: { ':s': { S: 'x' } } },
  { kind: 'condition', text: 'n BETWEEN :a AND :b', values: { ':a': number(1), ':b': number(2) } },
  { kind: 'condition', text: 'begins_with(a, :a)', values: { ':a': { S: 'x' } } },
  { kind: 'condition', text: 'size(a) > :a', values: { ':a': number(3), ':unused': number(1) } },
  { kind: 'projection', text: 'a, b.c, #s', names: { '#s': 'status' } },
  {
    kind: 'update',
    text: 'SET a = if_not_exists(a, :zero) + :n REMOVE b',
    values: { ':zero': number(0), ':n': number(1) },
  },
  { kind: 'update', text: 'ADD n :n DELETE s :s', values: { ':n': number(1), ':s': { SS: ['x'] } } },
];

describe.each(requests)('$kind: $text', (request) => {
  const { kind, values } = request;

  test('parsed again with other values, gives what the library gives', () => {
    const { plain, remembering, calls } = parsersOf(kind);
    const others: Request[] = [7, 8].map((n) => ({
      ...request,
      ...(values && {
        values: Object.fromEntries(
          Object.entries(values).map(([name, value], i) => {
            const [type] = Object.keys(value);
            return [name, { [type!]: type === 'N' ? String(10 * n + i) : type === 'SS' ? [`${n}`] : `v${n}` }];
          }),
        ),
      }),
    }));
    for (const each of [request, ...others]) {
      expect(outcomeOf(remembering, each)).toEqual(outcomeOf(plain, each));
      expect(outcomeOf(remembering, each)).toHaveProperty('tree');
    }
    expect(calls()).toBe(/BETWEEN/.test(request.text) ? 6 : 1);
  });
});

describe('is not mistaken for an expression that was parsed before', () => {
  const { plain, remembering } = parsersOf('condition');
  const cases: [string, Request, Request][] = [
    [
      'with a value of another type',
      { kind: 'condition', text: 'begins_with(a, :a)', values: { ':a': { S: 'x' } } },
      { kind: 'condition', text: 'begins_with(a, :a)', values: { ':a': number(1) } },
    ],
    [
      'with another name',
      { kind: 'condition', text: '#a = b', names: { '#a': 'a' } },
      { kind: 'condition', text: '#a = b', names: { '#a': 'b' } },
    ],
    [
      'with bounds in the wrong order',
      { kind: 'condition', text: 'n BETWEEN :a AND :b', values: { ':a': number(1), ':b': number(2) } },
      { kind: 'condition', text: 'n BETWEEN :a AND :b', values: { ':a': number(2), ':b': number(1) } },
    ],
    [
      'without its value',
      { kind: 'condition', text: 'a = :a', values: { ':a': number(1) } },
      { kind: 'condition', text: 'a = :a', values: { ':b': number(1) } },
    ],
  ];

  test.each(cases)('one %s', (_, first, second) => {
    for (const each of [first, second, first]) expect(outcomeOf(remembering, each)).toEqual(outcomeOf(plain, each));
    expect(outcomeOf(plain, second)).not.toEqual(outcomeOf(plain, first));
  });
});

test('what a caller does to a result changes no later one', () => {
  const { remembering } = parsersOf('projection');
  const request: Request = { kind: 'projection', text: 'a, b.c' };
  const before = JSON.stringify(outcomeOf(remembering, request));
  const { tree } = outcomeOf(remembering, request);
  (tree as { paths: string[][] }).paths[0]!.push('changed');
  expect(JSON.stringify(outcomeOf(remembering, request))).toBe(before);
});

test('expressions without end do not fill the memory', () => {
  const { remembering, calls } = parsersOf('projection');
  for (let n = 0; n < 600; n++) outcomeOf(remembering, { kind: 'projection', text: `a${n}` });
  expect(calls()).toBe(600);
  outcomeOf(remembering, { kind: 'projection', text: 'a599' });
  outcomeOf(remembering, { kind: 'projection', text: 'a0' });
  expect(calls()).toBe(601);
});
