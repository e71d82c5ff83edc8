import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IdKind, idPattern, idPrefixes, newId } from '../../lib/kernel/ids.ts';

const at = (ms: number) => ({ now: () => ms });
const kinds = Object.keys(idPrefixes) as IdKind[];

test.each(kinds)('a new id of a %s has its prefix and matches its pattern alone', (kind) => {
  const id = newId(kind, at(Date.now()));
  expect(id.startsWith(`${idPrefixes[kind]}_`)).toBe(true);
  expect(kinds.filter((other) => idPattern(other).test(id))).toEqual([kind]);
});

test('the bits are those of a UUIDv7 at that time (RFC 9562, section 5.7)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (ms) => {
      const hex = newId('order', at(ms)).slice(4);
      expect(Number.parseInt(hex.slice(0, 12), 16)).toBe(ms);
      expect(hex[12]).toBe('7');
      expect(hex[16]).toMatch(/[89ab]/);
    }),
  );
});

test('the example of RFC 9562 has the same time bits', () => {
  expect(newId('order', at(0x017f22e279b0))).toMatch(/^ord_017f22e279b07/);
});

test('ids sort as text by their millisecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 2 }), fc.integer({ min: 1, max: 2 ** 40 }), (ms, later) => {
      const then = Math.min(ms + later, 2 ** 48 - 1);
      expect(newId('product', at(ms)) < newId('product', at(then))).toBe(true);
    }),
  );
});

test('a thousand ids of one millisecond sort in their order of creation', () => {
  const clock = at(1_700_000_000_001);
  const made = Array.from({ length: 1000 }, () => newId('order', clock));
  expect(made.toSorted()).toEqual(made);
});

test('100,000 ids of one millisecond are all different', () => {
  const clock = at(1_700_000_000_000);
  expect(new Set(Array.from({ length: 100_000 }, () => newId('order', clock))).size).toBe(100_000);
});

test.each([
  ['upper case', `prd_${'A'.repeat(32)}`],
  ['too short', `prd_${'a'.repeat(31)}`],
  ['too long', `prd_${'a'.repeat(33)}`],
  ['a line break after it', `prd_${'a'.repeat(32)}\n`],
  ['another kind', `ord_${'a'.repeat(32)}`],
  ['nothing', ''],
])('%s is not an id of a product', (_, text) => {
  expect(idPattern('product').test(text)).toBe(false);
});
