import type { Sql, TransactionSql } from 'postgres';
import type { PriceableCoupon } from './coupons.ts';
import type { PriceableProduct } from './price.ts';
import type { PriceableShipping } from './shipping.ts';
import type { PriceableRate } from './tax.ts';

/** What is to be priced, at a time in milliseconds since the epoch, in a country if the tax or shipping depends on it. */
export type Basket = {
  customerId: string | null;
  productIds: readonly string[];
  shippingMethod: string | null;
  couponCode: string | null;
  country: string | null;
  at: number;
};

export type Priceable = {
  premium: boolean;
  verifiedVatNumber: string | null;
  products: PriceableProduct[];
  /** Null if none is asked for, or there is no active one of that code. */
  shipping: PriceableShipping | null;
  coupon: PriceableCoupon | null;
  /** Those of the country that are valid now. */
  taxRates: PriceableRate[];
};

/**
 * Everything that pricing a basket needs, in one statement: whether the customer is premium (false without a customer),
 * those of the products that are on sale now, the shipping method, the coupon and the tax rates. For the role `orders_api`.
 */
export async function readPriceable(sql: Sql | TransactionSql, basket: Basket): Promise<Priceable> {
  const [row] = await sql`select ${priceableColumns(sql, basket)}`;
  return row as Priceable;
}

/** The columns of `Priceable`, to select with others in one statement. */
export const priceableColumns = (sql: Sql | TransactionSql, basket: Basket) => sql`
  coalesce((select c.premium from orders.priceable_customers c where c.id = ${basket.customerId}), false) as premium,
  (select c.verified_vat_number from orders.priceable_customers c where c.id = ${basket.customerId}) as verified_vat_number,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', p.id, 'sku', p.sku, 'name', p.name, 'priceAmount', p.price_amount, 'priceCurrency', p.price_currency,
      'hasOptions', p.has_options,
      'taxClass', p.tax_class, 'weight', p.weight
    )), '[]'::jsonb)
    from orders.priceable_products p
    where p.id = any (array(select jsonb_array_elements_text(${JSON.stringify(basket.productIds)}::text::jsonb)))
  ) as products,
  (
    select jsonb_build_object(
      'code', m.code, 'countries', m.countries, 'currency', m.currency, 'cost', m.cost, 'freeAbove', m.free_above,
      'taxClass', m.tax_class
    )
    from pricing.shipping_methods m where m.code = ${basket.shippingMethod} and m.active
  ) as shipping,
  (
    select jsonb_strip_nulls(jsonb_build_object(
      'type', c.kind, 'percent', c.percent,
      'amount', case when c.amount is not null then jsonb_build_object('amount', c.amount, 'currency', c.currency) end
    )) || jsonb_build_object(
      'code', c.code, 'usageLimit', c.usage_limit, 'customerLimit', c.customer_limit, 'used', c.used,
      'validFrom', (extract(epoch from c.valid_from) * 1000)::bigint, 'validTo', (extract(epoch from c.valid_to) * 1000)::bigint,
      'usedByCustomer', coalesce(
        (select k.uses from pricing.coupon_customers k where k.code = c.code and k.customer_id = ${basket.customerId}), 0
      )
    )
    from pricing.coupons c where c.code = ${basket.couponCode}
  ) as coupon,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'taxClass', t.tax_class, 'region', t.region, 'rate', t.rate, 'reverseCharge', t.reverse_charge
    )), '[]'::jsonb)
    from pricing.tax_rates t
    where t.country = ${basket.country}
      and tstzrange(t.valid_from, t.valid_to) @> ${new Date(basket.at)}::timestamptz
  ) as tax_rates`;
