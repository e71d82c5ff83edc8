import type { Sql, TransactionSql } from 'postgres';
import type { PriceableProduct } from './price.ts';

export type Basket = { customerId: string | null; productIds: readonly string[] };
export type Priceable = { premium: boolean; products: PriceableProduct[] };

/**
 * Everything that pricing a basket needs, in one statement: whether the customer is premium (false without a customer),
 * and those of the products that are on sale now. For the role `orders_api`.
 */
export async function readPriceable(sql: Sql | TransactionSql, basket: Basket): Promise<Priceable> {
  const [row] = await sql`select ${priceableColumns(sql, basket)}`;
  return row as Priceable;
}

/** The columns `premium` and `products` of `Priceable`, to select with others in one statement. */
export const priceableColumns = (sql: Sql | TransactionSql, { customerId, productIds }: Basket) => sql`
  coalesce((select c.premium from orders.priceable_customers c where c.id = ${customerId}), false) as premium,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', p.id, 'sku', p.sku, 'name', p.name, 'priceAmount', p.price_amount, 'priceCurrency', p.price_currency,
      'hasOptions', p.has_options,
      'taxClass', p.tax_class, 'weight', p.weight
    )), '[]'::jsonb)
    from orders.priceable_products p
    where p.id = any (array(select jsonb_array_elements_text(${JSON.stringify(productIds)}::text::jsonb)))
  ) as products`;
