import type * as contract from '../../contract/api/catalog.ts';
import { decodeCursor } from '../../contract/api/cursor.ts';
import type { Cache } from '../../kernel/cache-aside.ts';
import { type CachePointers, changeCached } from '../../kernel/cache-changes.ts';
import { listNameOf } from './products.sql.ts';

/*
 * What is cached of the catalogue: each product, on sale or not, and each page of the lists of products on sale. Orders and
 * quotes read prices from the database alone.
 */

/** The form of the entries. Whoever changes a product's fields raises it, so that no release reads entries of another. */
const form = 2;

const pointerOf = (productId: string): string => `product/${productId}`;
/** Every product may be in any list, so each change moves them all. */
export const listsPointer = 'products';

/** A product, on sale or not; undefined when it does not exist. */
export const readCachedProduct = (
  cache: Cache,
  productId: string,
  load: () => Promise<contract.Product | undefined>,
): Promise<contract.Product | undefined> =>
  cache.read({ pointer: pointerOf(productId), entry: `product.${form}/${productId}` }, load);

type Page<P> = { limit: number; cursor?: string | undefined; sku?: string | undefined; load: () => Promise<P> };

/**
 * A page of the products on sale.
 * @throws Problem invalid-cursor
 */
export async function listCachedProducts<P>(cache: Cache, { limit, cursor, sku, load }: Page<P>): Promise<P> {
  const before = cursor === undefined ? '' : decodeCursor(listNameOf({ active: true }), cursor);
  const entry = `products.${form}/${limit}/${before}/${sku ?? ''}`;
  return (await cache.read({ pointer: listsPointer, entry }, load)) as P;
}

/**
 * Adds or changes a product, so that who reads the catalogue after the answer sees the change.
 * @param productId of the product, if it exists already
 * @param change its result is the product, or undefined when nothing has changed
 * @throws DependencyUnavailable when the cache cannot be told, and nothing has changed; whatever `change` throws
 */
export const changeProduct = <T>(
  pointers: CachePointers,
  productId: string | undefined,
  change: () => Promise<T>,
  productOf: (result: T) => Pick<contract.Product, 'id' | 'version'> | undefined,
): Promise<T> =>
  changeCached(
    pointers,
    productId === undefined ? [listsPointer] : [listsPointer, pointerOf(productId)],
    change,
    (result) => {
      const product = productOf(result);
      return product === undefined ? {} : { [pointerOf(product.id)]: product.version };
    },
  );

/**
 * Takes what is cached of a product out of use, unless the cache knows of this change. An event may come late or twice.
 * @returns whether it did so
 */
export async function supersedeProduct(
  pointers: CachePointers,
  { productId, version }: { productId: string; version: number },
): Promise<boolean> {
  const known = await pointers.versionOf(pointerOf(productId));
  if (known !== undefined && known >= version) return false;
  // The product last: if this ends halfway, the next delivery does all of it.
  await pointers.supersede(listsPointer);
  await pointers.supersede(pointerOf(productId), version);
  return true;
}
