import type { Sql, TransactionSql } from 'postgres';
import type * as z from 'zod/mini';
import type * as contract from '../../contract/api/catalog.ts';
import { maxVariants } from '../../contract/api/catalog.ts';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import { inTransaction } from '../../database/transaction.sql.ts';
import { availability, type ListRow, toListed } from './list.sql.ts';
import { checkOptions, checkValues, checkVariantsFit } from './options.ts';
import {
  type Costs,
  columns,
  findProduct,
  notFound,
  type ProductRow,
  toProduct,
  withVariants,
} from './products.sql.ts';
import { type Change, insertRow, type ProductChanges, updateRow } from './rows.sql.ts';

export type NewVariant = z.output<typeof contract.createVariant.body>;

/** The variants of a product with their availability, oldest first, on sale or not; undefined when it does not exist. */
export async function listVariants(
  sql: Sql,
  productId: string,
  { costs }: Costs = { costs: false },
): Promise<{ product: contract.ListedProduct; variants: contract.ListedProduct[] } | undefined> {
  const rows = await sql<ListRow[]>`
    select ${columns(sql, { costs })}, ${availability(sql)} as availability
    from catalog.products found where id = ${productId} or parent_id = ${productId} order by id`;
  const product = rows.find(({ id }) => id === productId);
  if (product === undefined) return undefined;
  return { product: toListed(product), variants: rows.filter(({ options }) => options === null).map(toListed) };
}

/** The ids of a product, of what it is a variant of and of its variants: all that a change of it may concern. */
export async function familyOf(sql: Sql, id: string): Promise<string[]> {
  const rows = await sql<{ id: string; parentId: string | null }[]>`
    select id, parent_id from catalog.products where id = ${id} or parent_id = ${id}`;
  const parentId = rows.find((row) => row.id === id)?.parentId ?? null;
  return [...rows.map((row) => row.id), ...(parentId === null ? [] : [parentId])];
}

/**
 * Adds a variant. Changes of a product and its variants lock the product first, one after the other.
 * @throws Problem not-found, product-without-options, too-many-variants, options-not-met, currencies-mixed, sku-taken,
 *   variant-exists
 */
export async function insertVariant(
  tx: TransactionSql,
  parentId: string,
  variant: NewVariant,
  change: Change,
): Promise<contract.ProductWithVariants> {
  const parent = await lock(tx, parentId);
  if (parent.options === null) throw withoutOptions();
  const [{ count }] = await tx<[{ count: number }]>`
    select count(*)::integer as count from catalog.products where parent_id = ${parentId}`;
  if (count >= maxVariants) {
    throw new Problem('too-many-variants', `The product has ${count} variants. More are not possible.`);
  }
  checkValues(parent.options, variant.optionValues);
  checkCurrency(parent, variant.price);
  const { costPrice } = toProduct(parent);
  const values = parent.options.map(({ name }) => variant.optionValues[name]);
  const fields = {
    name: [parent.name, ...values].join(', ').slice(0, 200).trim(),
    costPrice: costPrice ?? null,
    weight: parent.weight,
    ...variant,
  };
  const shared = { category_id: parent.categoryId, brand: parent.brand, tax_class: parent.taxClass };
  const row = await insertRow(tx, fields, { parent_id: parentId, ...shared }, change);
  await followVariants(tx, parentId, change);
  return withVariants([row], row.id)!;
}

/**
 * Changes a product with options, or a variant.
 * @throws Problem not-found, sku-taken, category-unknown, version-stale, product-has-options, product-without-options,
 *   product-is-variant, option-repeated, options-not-met, variants-do-not-fit, variant-exists, currencies-mixed
 */
export const updateFamily = (
  sql: Sql | TransactionSql,
  id: string,
  changes: ProductChanges,
  condition: VersionCondition,
  change: Change,
): Promise<contract.ProductWithVariants> =>
  within(sql, async (tx) => {
    // A variant never changes its product.
    const [found] = await tx<{ parentId: string | null }[]>`select parent_id from catalog.products where id = ${id}`;
    if (found === undefined) throw notFound();
    const parent = found.parentId === null ? undefined : await lock(tx, found.parentId);
    const row = await lock(tx, id);
    const variants = row.options === null ? [] : await readVariants(tx, id);
    if (parent === undefined) checkProduct(row, variants, changes);
    else checkVariant(parent, changes);

    const changed = await updateRow(tx, { id, condition }, changes, change);
    if (changed === undefined) throw stale();
    const shared = sharedOf(changes);
    if (parent !== undefined) await followVariants(tx, parent.id, change);
    else if (Object.keys(shared).length > 0) for (const { id } of variants) await updateRow(tx, { id }, shared, change);
    return (await findProduct(tx, id, { costs: true }))!;
  });

/** In the transaction that there is, or in one of its own. */
const within = <T>(sql: Sql | TransactionSql, work: (tx: TransactionSql) => Promise<T>): Promise<T> =>
  'savepoint' in sql ? work(sql) : inTransaction(sql, work);

function checkProduct(row: ProductRow, variants: readonly ProductRow[], changes: ProductChanges): void {
  const { options, optionValues, price } = changes;
  if (row.options === null) {
    if (options !== undefined || optionValues !== undefined) throw withoutOptions();
    return;
  }
  if (optionValues !== undefined) throw ofVariants('/optionValues', 'The values of options are those of its variants.');
  if (price !== undefined && variants.length > 0) {
    throw ofVariants('/price', 'Its price is the lowest of its variants on sale. Change the price of a variant.');
  }
  if (options === undefined) return;
  checkOptions(options);
  checkVariantsFit(options, variants);
}

const ofTheProduct = ['description', 'categoryId', 'brand', 'attributes', 'taxClass', 'options'] as const;

/**
 * @param product as the client knows it
 * @throws Problem product-is-variant when a variant would change what it shares with its product
 */
export function checkVariantFields(changes: ProductChanges, product: string): void {
  const errors = ofTheProduct
    .filter((field) => changes[field] !== undefined)
    .map((field) => ({ pointer: `/${field}`, detail: `is changed at product ${product}` }));
  if (errors.length > 0) {
    throw new Problem('product-is-variant', `${errors[0]!.pointer} ${errors[0]!.detail}.`, { errors });
  }
}

function checkVariant(parent: ProductRow, changes: ProductChanges): void {
  checkVariantFields(changes, parent.id);
  if (changes.optionValues !== undefined) checkValues(parent.options ?? [], changes.optionValues);
  checkCurrency(parent, changes.price);
}

function checkCurrency({ priceCurrency }: ProductRow, price: { currency: string } | undefined): void {
  if (price === undefined || price.currency === priceCurrency) return;
  throw new Problem('currencies-mixed', `The prices of the product are in ${priceCurrency}.`, {
    errors: [{ pointer: '/price/currency', detail: `is not ${priceCurrency}` }],
  });
}

/** What a variant has as its product has it, so that who reads one row knows it. */
const sharedOf = ({ categoryId, brand, taxClass }: ProductChanges): ProductChanges => ({
  ...(categoryId === undefined ? {} : { categoryId }),
  ...(brand === undefined ? {} : { brand }),
  ...(taxClass === undefined ? {} : { taxClass }),
});

/** Brings a product to what its variants are now: the prices of those on sale, and the SKUs that it is found by. */
async function followVariants(tx: TransactionSql, id: string, change: Change): Promise<void> {
  const set = tx`,
    price_amount = coalesce((select min(v.price_amount) from catalog.products v where v.parent_id = ${id} and v.active), price_amount),
    price_most = (select max(v.price_amount) from catalog.products v where v.parent_id = ${id} and v.active),
    variant_skus = coalesce((select string_agg(v.sku, ' ' order by v.id) from catalog.products v where v.parent_id = ${id}), '')`;
  await updateRow(tx, { id }, {}, change, set);
}

/** Keeps a row from other changes until the transaction ends. */
async function lock(tx: TransactionSql, id: string): Promise<ProductRow> {
  const [row] = await tx<ProductRow[]>`
    select ${columns(tx, { costs: true })} from catalog.products where id = ${id} for no key update`;
  if (row === undefined) throw notFound();
  return row;
}

const readVariants = (tx: TransactionSql, parentId: string) => tx<ProductRow[]>`
  select ${columns(tx, { costs: true })} from catalog.products where parent_id = ${parentId} order by id`;

export const stale = (): Problem =>
  new Problem('version-stale', 'The product has changed since you read it. Read it again and repeat the change.');

const withoutOptions = (): Problem =>
  new Problem('product-without-options', 'This product has no options. Options are given when a product is added.');

const ofVariants = (pointer: string, detail: string): Problem =>
  new Problem('product-has-options', detail, { errors: [{ pointer, detail: 'is that of its variants' }] });
