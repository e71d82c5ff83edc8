import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanJson } from '../../lib/http/json-scan.ts';

const isDeeperThan = (max: number, text: string) => scanJson(text, max) === 'too-deep';
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

test('the maximum depth is accepted, one level more is not', () => {
  expect(isDeeperThan(3, nested(3))).toBe(false);
  expect(isDeeperThan(3, nested(4))).toBe(true);
  expect(isDeeperThan(3, '{"a":{"b":[{}]}}')).toBe(true);
});

test('brackets beside each other, or in a string, do not add up', () => {
  expect(isDeeperThan(2, '[[],[],{},[]]')).toBe(false);
  expect(isDeeperThan(2, JSON.stringify(['[[[[', '\\"[[[[', '{"{"{"{']))).toBe(false);
});

test('a string that ends in a backslash hides nothing behind it', () => {
  expect(isDeeperThan(2, '["\\\\",[[]]]')).toBe(true);
});

test('a JSON text is as deep as its parsed value', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const depth = depthOf(JSON.parse(text));
      expect(isDeeperThan(depth, text)).toBe(false);
      if (depth > 0) expect(isDeeperThan(depth - 1, text)).toBe(true);
    }),
  );
});

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

test.each([
  ['{"a":1,"a":2}', true],
  ['{"a":1,"\\u0061":2}', true],
  ['[{"b":{"a":1},"a":2},{"a":3}]', false],
  ['{"x":{"a":1},"y":{"a":1}}', false],
  ['{"a":"a","b":["a","a"]}', false],
  ['{"a":{"b":1},"c":[],"a":3}', true],
  ['{"a":"{\\"a\\":1,"}', false],
])('two members of one name in an object are found: %s', (text, found) => {
  expect(scanJson(text, 32) === 'duplicate-key').toBe(found);
});

test('no JSON text that a library writes has a member twice', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(scanJson(text, 100)).toBeUndefined();
    }),
  );
});
