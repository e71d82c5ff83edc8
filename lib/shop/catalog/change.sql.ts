import type { Sql, TransactionSql } from 'postgres';
import type * as z from 'zod/mini';
import type * as contract from '../../contract/api/catalog.ts';
import type { VersionCondition } from '../../contract/api/common.ts';
import type { Clock } from '../../kernel/clock.ts';
import { checkOptions } from './options.ts';
import { withVariants } from './products.sql.ts';
import { insertRow, type ProductChanges, updateRow } from './rows.sql.ts';
import { updateFamily } from './variants.sql.ts';

export type NewProduct = z.output<typeof contract.createProduct.body>;

/**
 * Adds a product, and the event of it.
 * @param requestId the API request: the correlation id of the event
 * @throws Problem sku-taken, category-unknown, option-repeated
 */
export async function insertProduct(
  sql: Sql | TransactionSql,
  product: NewProduct,
  clock: Clock,
  requestId?: string,
): Promise<contract.ProductWithVariants> {
  if (product.options !== undefined) checkOptions(product.options);
  const row = await insertRow(sql, product, {}, { clock, requestId });
  return withVariants([row], row.id)!;
}

/**
 * Changes the given fields, and writes the event of it. The version goes up by one each time, even if no value is different.
 * @param condition changes the product only if its version meets it
 * @param requestId the API request: the correlation id of the event
 * @throws Problem not-found, sku-taken, category-unknown, version-stale, and those of `updateFamily`
 */
export async function updateProduct(
  sql: Sql | TransactionSql,
  id: string,
  changes: ProductChanges,
  condition: VersionCondition,
  clock: Clock,
  requestId?: string,
): Promise<contract.ProductWithVariants> {
  const change = { clock, requestId };
  const { options, optionValues } = changes;
  if (options === undefined && optionValues === undefined) {
    const where = sql`and options is null and parent_id is null`;
    const row = await updateRow(sql, { id, condition, where }, changes, change);
    if (row !== undefined) return withVariants([row], id)!;
  }
  return updateFamily(sql, id, changes, condition, change);
}
