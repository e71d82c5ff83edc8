import type { Sql, TransactionSql } from 'postgres';
import type * as contract from '../../contract/api/catalog.ts';
import { Problem } from '../../contract/api/problems.ts';

/** A row of the catalogue. */
export type ProductRow = {
  id: string;
  sku: string;
  name: string;
  description: string | null;
  categoryId: string | null;
  brand: string | null;
  images: contract.Product['images'];
  attributes: contract.Product['attributes'];
  metadata: contract.Product['metadata'];
  priceAmount: number;
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

/** A product, on sale or not; undefined when it does not exist. */
export async function findProduct(
  sql: Sql,
  id: string,
  { costs }: Costs = { costs: false },
): Promise<contract.Product | undefined> {
  const [row] = await sql<ProductRow[]>`select ${columns(sql, { costs })} from catalog.products where id = ${id}`;
  return row && toProduct(row);
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

/** The columns that a ProductRow has. */
export const columns = (sql: Sql | TransactionSql, { costs }: Costs) => sql`
  id, sku, name, description, category_id, brand, images, attributes, metadata, price_amount, price_currency,
  ${costs ? sql`cost_amount, cost_currency,` : sql``} tax_class, weight, active, created_at, updated_at, version`;

/** A product as the API shows it. */
export const toProduct = (row: ProductRow): contract.Product => ({
  id: row.id,
  sku: row.sku,
  name: row.name,
  description: row.description,
  categoryId: row.categoryId,
  brand: row.brand,
  images: row.images,
  attributes: row.attributes,
  metadata: row.metadata,
  price: { amount: row.priceAmount, currency: row.priceCurrency },
  ...(row.costAmount == null ? {} : { costPrice: { amount: row.costAmount, currency: row.costCurrency ?? '' } }),
  taxClass: row.taxClass,
  weight: row.weight,
  active: row.active,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
});

export const notFound = (): Problem => new Problem('not-found', 'This product does not exist.');
