import type { Sql, TransactionSql } from 'postgres';
import type { Product } from '../../contract/api/catalog.ts';
import { type ImportError, type ProductImportRow, productRow } from '../../contract/api/imports.ts';
import { Problem } from '../../contract/api/problems.ts';
import { insertProduct, updateProduct } from '../catalog/change.sql.ts';
import { checkOptions, checkValues } from '../catalog/options.ts';
import type { Change } from '../catalog/rows.sql.ts';
import { checkVariantFields, insertVariant } from '../catalog/variants.sql.ts';
import { errorOf, type Plan, repeated } from './plan.ts';
import type { Row } from './read-file.ts';

type Known = {
  id: string;
  sku: string;
  parentSku: string | null;
  options: Product['options'] | null;
  currency: string;
};

/** How a file of products is checked and applied. */
export const products: Plan<typeof productRow> = {
  schema: productRow,
  check: async (sql, rows) => {
    const known = new Map((await readKnown(sql, rows)).map((product) => [product.sku, product]));
    const categories = await sql<{ id: string }[]>`select id from catalog.categories`;
    const ids = new Set(categories.map(({ id }) => id));
    return [...repeated(rows, ({ sku }) => sku, '/sku'), ...checkRows(rows, known, ids)];
  },
  apply,
  concerned: async (sql, rows) => {
    const named = await sql<{ id: string }[]>`
      with named as (
        select id, parent_id from catalog.products
        where sku in (select jsonb_array_elements_text(${JSON.stringify(skusOf(rows))}::text::jsonb))
      )
      select id from named
      union select parent_id from named where parent_id is not null
      union select variant.id from catalog.products variant join named on variant.parent_id = named.id`;
    return named.map(({ id }) => id);
  },
};

const skusOf = (rows: readonly Row<ProductImportRow>[]): string[] => [
  ...new Set(rows.flatMap(({ value: { sku, parentSku } }) => (parentSku === undefined ? [sku] : [sku, parentSku]))),
];

const readKnown = (sql: Sql, rows: readonly Row<ProductImportRow>[]) => sql<Known[]>`
  select product.id, product.sku, parent.sku as parent_sku, product.options, product.price_currency as currency
  from catalog.products product left join catalog.products parent on parent.id = product.parent_id
  where product.sku in (select jsonb_array_elements_text(${JSON.stringify(skusOf(rows))}::text::jsonb))`;

/** Checks each row against what the catalogue and the rows before it have. */
function checkRows(
  rows: readonly Row<ProductImportRow>[],
  known: Map<string, Known>,
  categories: ReadonlySet<string>,
): ImportError[] {
  const errors: ImportError[] = [];
  for (const { row, value } of rows) {
    try {
      checkRow(value, known, categories);
    } catch (error) {
      errors.push(errorOf(row, error));
    }
    if (known.has(value.sku) || value.price === undefined) continue;
    known.set(value.sku, {
      id: '',
      sku: value.sku,
      parentSku: value.parentSku ?? null,
      options: value.options ?? null,
      currency: value.price.currency,
    });
  }
  return errors;
}

/** @throws Problem that applying the row would lead to */
function checkRow(value: ProductImportRow, known: ReadonlyMap<string, Known>, categories: ReadonlySet<string>): void {
  const { sku, parentSku, name, price, options, optionValues, categoryId } = value;
  const found = known.get(sku);
  if (options !== undefined) checkOptions(options);
  if (categoryId != null && !categories.has(categoryId)) {
    throw at('category-unknown', '/categoryId', `There is no category ${categoryId}.`);
  }
  if (found === undefined && price === undefined) throw at('invalid-input', '/price', 'A new product needs a price.');
  if (parentSku === undefined) {
    if (found !== undefined) return;
    if (name === undefined) throw at('invalid-input', '/name', 'A new product needs a name.');
    if (optionValues !== undefined) throw at('invalid-input', '/parentSku', 'A variant needs the SKU of its product.');
    return;
  }
  const parent = known.get(parentSku);
  if (parent === undefined)
    throw at('not-found', '/parentSku', `There is no product ${parentSku}, in this file or before it.`);
  if (parent.options === null)
    throw at('product-without-options', '/parentSku', `Product ${parentSku} has no options.`);
  if (found !== undefined && found.parentSku !== parentSku) {
    throw at('invalid-input', '/parentSku', `${sku} is no variant of ${parentSku}.`);
  }
  checkVariantFields(value, parentSku);
  if (found === undefined || optionValues !== undefined) checkValues(parent.options, optionValues ?? {});
  if (price !== undefined && price.currency !== parent.currency) {
    throw at('currencies-mixed', '/price/currency', `The prices of ${parentSku} are in ${parent.currency}.`);
  }
}

const at = (code: ConstructorParameters<typeof Problem>[0], pointer: string, detail: string): Problem =>
  new Problem(code, detail, { errors: [{ pointer, detail }] });

async function apply(tx: TransactionSql, value: ProductImportRow, change: Change): Promise<void> {
  const { sku, parentSku, ...fields } = value;
  const { clock, requestId } = change;
  const [found] = await idOf(tx, sku);
  if (found !== undefined) {
    await updateProduct(tx, found.id, fields, {}, clock, requestId);
    return;
  }
  const { name, price, optionValues = {}, active = true, ...rest } = fields;
  if (price === undefined) throw at('invalid-input', '/price', 'A new product needs a price.');
  if (parentSku === undefined) {
    if (name === undefined) throw at('invalid-input', '/name', 'A new product needs a name.');
    await insertProduct(tx, { ...rest, sku, name, price, active }, clock, requestId);
    return;
  }
  const [parent] = await idOf(tx, parentSku);
  if (parent === undefined) throw at('not-found', '/parentSku', `There is no product ${parentSku}.`);
  const { images, metadata, costPrice, weight } = rest;
  await insertVariant(
    tx,
    parent.id,
    { sku, price, optionValues, active, ...given({ name, images, metadata, costPrice, weight }) },
    change,
  );
}

const idOf = (tx: TransactionSql, sku: string) =>
  tx<{ id: string }[]>`select id from catalog.products where sku = ${sku}`;

/** Without what is undefined. */
const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
