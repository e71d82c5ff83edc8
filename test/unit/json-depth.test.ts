import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeeperThan } from '../../lib/http/body.ts';

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
