import { createHash } from 'node:crypto';
import type * as contract from '../../contract/api/catalog.ts';
import type { Cache } from '../../kernel/cache-aside.ts';
import { type CachePointers, changeCached } from '../../kernel/cache-changes.ts';
import { decodeListCursor, listNameOf, type ProductFilter } from './list.sql.ts';

/*
 * What is cached of the catalogue: each product, on sale or not, and each page of the lists of products on sale that
 * many ask for alike: all of them, those of a category or brand, or of a SKU. Searches are not. Orders and
 * quotes read prices from the database alone.
 */

/** The form of the entries. Whoever changes a product's fields raises it, so that no release reads entries of another. */
const form = 4;

const pointerOf = (productId: string): string => `product/${productId}`;
/** Every product may be in any list, so each change moves them all. */
export const listsPointer = 'products';

/** A product with its variants, on sale or not; undefined when it does not exist. */
export const readCachedProduct = (
  cache: Cache,
  productId: string,
  load: () => Promise<contract.ProductWithVariants | undefined>,
): Promise<contract.ProductWithVariants | undefined> =>
  cache.read({ pointer: pointerOf(productId), entry: `product.${form}/${productId}` }, load);

/** The variants of a product with their availability, at most ten seconds behind the stock. */
export const readCachedVariants = <T>(
  cache: Cache,
  productId: string,
  load: () => Promise<T | undefined>,
): Promise<T | undefined> =>
  cache.read({ pointer: pointerOf(productId), entry: `variants.${form}/${productId}`, fresh: listsFresh }, load);

/** Stock moves with each order, so lists, which show whether a product can be ordered, are loaded again so often. */
const listsFresh = 10_000;

type Page<P> = { filter: ProductFilter; limit: number; cursor?: string | undefined; load: () => Promise<P> };

/**
 * A page of the products on sale, at most ten seconds behind the stock, and not behind any change of a product.
 * @throws Problem invalid-cursor; whatever `load` throws
 */
export async function listCachedProducts<P>(cache: Cache, { filter, limit, cursor = '', load }: Page<P>): Promise<P> {
  if (!isUsual(filter)) return load();
  if (cursor !== '') decodeListCursor(filter, cursor);
  const list = createHash('sha256')
    .update(JSON.stringify([listNameOf(filter), filter.sku, cursor]))
    .digest('base64url');
  const key = { pointer: listsPointer, entry: `products.${form}/${limit}/${list}`, fresh: listsFresh };
  return (await cache.read(key, load)) as P;
}

/** Whether many ask for this list alike. What few ask for would fill the table, and be loaded each time all the same. */
const isUsual = ({ q, attribute, priceFrom, priceTo }: ProductFilter): boolean =>
  [q, attribute, priceFrom, priceTo].every((given) => given === undefined);

/**
 * Adds or changes products, so that who reads the catalogue after the answer sees the change.
 * @param productIds of those that the change may concern and that exist already: with a variant, its product
 * @param productOf that whose new version is known; undefined when nothing has changed
 * @throws DependencyUnavailable when the cache cannot be told, and nothing has changed; whatever `change` throws
 */
export const changeProducts = <T>(
  pointers: CachePointers,
  productIds: readonly string[],
  change: () => Promise<T>,
  productOf: (result: T) => Pick<contract.Product, 'id' | 'version'> | undefined,
): Promise<T> =>
  changeCached(pointers, [listsPointer, ...productIds.map(pointerOf)], change, (result) => {
    const product = productOf(result);
    return product === undefined ? {} : { [pointerOf(product.id)]: product.version };
  });

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
