import type { Category } from '../../contract/api/categories.ts';
import type { Cache } from '../../kernel/cache-aside.ts';
import { type CachePointers, changeCached } from '../../kernel/cache-changes.ts';
import { listsPointer } from './cached-products.ts';

/** The form of the entry. Whoever changes a category's fields raises it. */
const form = 1;
const pointer = 'categories';

/** All categories, each followed by those below it. */
export const listCachedCategories = async (cache: Cache, load: () => Promise<Category[]>): Promise<Category[]> =>
  (await cache.read({ pointer, entry: `categories.${form}` }, load)) ?? [];

/**
 * Changes the tree, so that who reads it after the answer sees the change. Lists of products move too: which products a
 * category has depends on what is below it.
 * @throws DependencyUnavailable when the cache cannot be told, and nothing has changed; whatever `change` throws
 */
export const changeCategories = <T>(pointers: CachePointers, change: () => Promise<T>): Promise<T> =>
  changeCached(pointers, [pointer, listsPointer], change, () => ({}));
