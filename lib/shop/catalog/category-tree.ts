import { maxLevels } from '../../contract/api/categories.ts';
import { Problem } from '../../contract/api/problems.ts';

/** Each category with its path: the ids from the top down to itself. */
export type Paths = ReadonlyMap<string, readonly string[]>;

/**
 * The path that a category would have under a parent, with all that is below it. A category that is not in the tree yet has
 * nothing below it.
 * @throws Problem category-unknown, category-cycle, category-too-deep
 */
export function pathUnder(paths: Paths, id: string, parentId: string | null): readonly string[] {
  const above = parentId === null ? [] : paths.get(parentId);
  if (above === undefined) throw categoryUnknown('/parentId', parentId ?? '');
  if (above.includes(id)) {
    throw new Problem('category-cycle', 'A category cannot be below itself.', {
      errors: [{ pointer: '/parentId', detail: 'is the category itself, or below it' }],
    });
  }
  const depths = [...paths.values()].filter((path) => path.includes(id)).map((path) => path.length - path.indexOf(id));
  const levels = above.length + Math.max(1, ...depths);
  if (levels > maxLevels) {
    throw new Problem('category-too-deep', `The tree would have ${levels} levels. At most ${maxLevels} are allowed.`, {
      errors: [{ pointer: '/parentId', detail: `would lead to ${levels} levels` }],
    });
  }
  return [...above, id];
}

type Node = { id: string; parentId: string | null; position: number; name: string };

/** Each category followed by those below it. Siblings come by position, name and age. */
export function inTreeOrder<T extends Node>(categories: readonly T[]): T[] {
  const below = Map.groupBy(categories.toSorted(compareSiblings), ({ parentId }) => parentId);
  const from = (parentId: string | null): T[] =>
    (below.get(parentId) ?? []).flatMap((category) => [category, ...from(category.id)]);
  return from(null);
}

const compareSiblings = (a: Node, b: Node): number =>
  a.position - b.position || compare(a.name, b.name) || compare(a.id, b.id);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** @param pointer what names the category */
export const categoryUnknown = (pointer: string, id: string, cause?: unknown): Problem =>
  new Problem('category-unknown', `There is no category ${id}.`, {
    cause,
    errors: [{ pointer, detail: 'is no category' }],
  });
