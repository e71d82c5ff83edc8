import { describe, expect, test } from 'vitest';
import { inTreeOrder, pathUnder } from '../../lib/shop/catalog/category-tree.ts';

/** Paths of categories that are named like their place: `abc` is below `ab`. */
const paths = (...names: string[]) =>
  new Map(names.map((name) => [name, [...name].map((_, n) => name.slice(0, n + 1))]));

describe('a place in the tree', () => {
  const tree = paths('a', 'ab', 'abc', 'abcd', 'abcde', 'x', 'xy');

  test('is at the top, or below the parent', () => {
    expect(pathUnder(tree, 'new', null)).toEqual(['new']);
    expect(pathUnder(tree, 'new', 'abcd')).toEqual(['a', 'ab', 'abc', 'abcd', 'new']);
    expect(pathUnder(tree, 'xy', null)).toEqual(['xy']);
    expect(pathUnder(tree, 'xy', 'abc')).toEqual(['a', 'ab', 'abc', 'xy']);
  });

  test.each([
    ['new', 'none', 'category-unknown'],
    ['a', 'a', 'category-cycle'],
    ['a', 'abcde', 'category-cycle'],
    ['new', 'abcde', 'category-too-deep'],
    // All below it moves too.
    ['x', 'abcd', 'category-too-deep'],
    ['a', 'x', 'category-too-deep'],
  ])('%s is not possible below %s: %s', (id, parentId, code) => {
    expect(() => pathUnder(tree, id, parentId)).toThrow(expect.objectContaining({ code }));
  });
});

test('siblings come by position, name and age, each followed by what is below it', () => {
  const node = (id: string, parentId: string | null, position: number, name: string) => ({
    id,
    parentId,
    position,
    name,
  });
  const nodes = [
    node('3', '2', 0, 'Z'),
    node('4', '2', 0, 'A'),
    node('2', null, 1, 'A'),
    node('6', null, 0, 'B'),
    node('5', null, 0, 'B'),
    node('7', '4', 9, 'B'),
  ];
  expect(inTreeOrder(nodes).map(({ id }) => id)).toEqual(['5', '6', '2', '4', '7', '3']);
});
