import type { Sql, TransactionSql } from 'postgres';
import type * as contract from '../../contract/api/catalog.ts';
import { Problem } from '../../contract/api/problems.ts';

/** A row of the catalogue. */
export type ProductRow = {
  id: string;
  parentId: string | null;
  sku: string;
  name: string;
  description: string | null;
  categoryId: string | null;
  brand: string | null;
  images: contract.Product['images'];
  attributes: contract.Product['attributes'];
  metadata: contract.Product['metadata'];
  options: contract.Product['options'] | null;
  optionValues: contract.Product['optionValues'] | null;
  priceAmount: number;
  /** The highest price of its variants on sale, if it has some. */
  priceMost: number | null;
  priceCurrency: string;
  /** Only where costs were asked for. */
  costAmount?: number | null;
  costCurrency?: string | null;
  taxClass: string;
  weight: number | null;
  active: boolean;
  createdAt: Date;
  updatedAt: Date;
  version: number;
};

/** Whether the answer has what products cost the shop. What customers see, and what is cached, does not. */
export type Costs = { costs: boolean };

/**
 * A product and its variants, oldest first, on sale or not; undefined when it does not exist. What has no options has one
 * variant: itself.
 */
export async function findProduct(
  sql: Sql | TransactionSql,
  id: string,
  { costs }: Costs = { costs: false },
): Promise<contract.ProductWithVariants | undefined> {
  const rows = await sql<ProductRow[]>`
    select ${columns(sql, { costs })} from catalog.products where id = ${id} or parent_id = ${id} order by id`;
  return withVariants(rows, id);
}

/** Of a product and its variants that which the API shows of the product; undefined when it is not among them. */
export function withVariants(rows: readonly ProductRow[], id: string): contract.ProductWithVariants | undefined {
  const row = rows.find((each) => each.id === id);
  return row && { ...toProduct(row), variants: rows.filter(({ options }) => options === null).map(toVariant) };
}

/** The products with these ids that are on sale, in the order of the ids. */
export async function findProducts(sql: Sql, ids: readonly string[]): Promise<contract.Product[]> {
  const rows = await sql<ProductRow[]>`
    select ${columns(sql, { costs: false })} from catalog.products
    where id = any (string_to_array(${ids.join(',')}, ',')) and active`;
  const found = new Map(rows.map((row) => [row.id, toProduct(row)]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** @throws Problem not-found when the product does not exist, on sale or not */
export async function requireProduct(sql: Sql | TransactionSql, id: string): Promise<void> {
  const [row] = await sql`select from catalog.products where id = ${id}`;
  if (row === undefined) throw notFound();
}

/** @throws Problem not-found; product-has-options when its variants are stocked instead of it */
export async function requireStocked(sql: Sql | TransactionSql, id: string): Promise<void> {
  const [row] = await sql<{ hasOptions: boolean }[]>`
    select options is not null as has_options from catalog.products where id = ${id}`;
  if (row === undefined) throw notFound();
  if (row.hasOptions) {
    throw new Problem('product-has-options', 'This product has options. The stock is that of its variants.');
  }
}

/** The columns that a ProductRow has. */
export const columns = (sql: Sql | TransactionSql, { costs }: Costs) => sql`
  id, parent_id, sku, name, description, category_id, brand, images, attributes, metadata, options, option_values,
  price_amount, price_most, price_currency,
  ${costs ? sql`cost_amount, cost_currency,` : sql``} tax_class, weight, active, created_at, updated_at, version`;

/** A product as the API shows it. */
export const toProduct = (row: ProductRow): contract.Product => ({
  id: row.id,
  parentId: row.parentId,
  sku: row.sku,
  name: row.name,
  description: row.description,
  categoryId: row.categoryId,
  brand: row.brand,
  images: row.images,
  attributes: row.attributes,
  metadata: row.metadata,
  options: row.options ?? [],
  optionValues: row.optionValues ?? {},
  price: { amount: row.priceAmount, currency: row.priceCurrency },
  priceRange: {
    from: { amount: row.priceAmount, currency: row.priceCurrency },
    to: { amount: row.priceMost ?? row.priceAmount, currency: row.priceCurrency },
  },
  ...(row.costAmount == null ? {} : { costPrice: { amount: row.costAmount, currency: row.costCurrency ?? '' } }),
  taxClass: row.taxClass,
  weight: row.weight,
  active: row.active,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
});

/** A variant as its product shows it. */
function toVariant(row: ProductRow): contract.Variant {
  const { id, sku, name, optionValues, images, price, costPrice, weight, active, version } = toProduct(row);
  const cost = costPrice === undefined ? {} : { costPrice };
  return { id, sku, name, optionValues, images, price, ...cost, weight, active, version };
}

export const notFound = (): Problem => new Problem('not-found', 'This product does not exist.');
