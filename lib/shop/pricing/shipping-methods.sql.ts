import type { Sql } from 'postgres';
import type * as z from 'zod/mini';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import {
  maxShippingMethods,
  type putShippingMethod,
  type ShippingMethod,
} from '../../contract/api/shipping-methods.ts';
import { type Replaced, replaceByCode } from './replace.sql.ts';

type Row = Omit<ShippingMethod, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date };

/** Shipping methods by position and code; with a country or currency, those that serve it. */
export async function listShippingMethods(
  sql: Sql,
  { country, currency, inactive }: { country?: string | undefined; currency?: string | undefined; inactive: boolean },
): Promise<ShippingMethod[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from pricing.shipping_methods
    where (active or ${inactive})
      ${country === undefined ? sql`` : sql`and (countries is null or countries ? ${country})`}
      ${currency === undefined ? sql`` : sql`and currency = ${currency}`}
    order by position, code`;
  return rows.map(toShippingMethod);
}

/**
 * Adds a shipping method, or replaces the one with this code if its version meets the condition.
 * @throws Problem version-stale, too-many-shipping-methods
 */
export async function replaceShippingMethod(
  sql: Sql,
  code: string,
  fields: z.output<typeof putShippingMethod.body>,
  { condition, at }: { condition: VersionCondition; at: Date },
): Promise<Replaced<ShippingMethod>> {
  const [{ others }] = await sql<[{ others: number }]>`
    select count(*)::integer as others from pricing.shipping_methods where code <> ${code}`;
  if (others >= maxShippingMethods) {
    throw new Problem(
      'too-many-shipping-methods',
      `The shop has ${others} other shipping methods. More are not possible.`,
    );
  }
  const values = {
    name: fields.name,
    position: fields.position,
    countries: fields.countries && sql.json(fields.countries),
    currency: fields.currency,
    cost: sql.json(fields.cost),
    free_above: fields.freeAbove,
    tax_class: fields.taxClass,
    active: fields.active,
  };
  const change = { code, values, condition, at };
  const { added, row } = await replaceByCode<Row>(sql, 'pricing.shipping_methods', change, columns(sql));
  return { added, row: toShippingMethod(row) };
}

/** @throws Problem not-found */
export async function deleteShippingMethod(sql: Sql, code: string): Promise<void> {
  const { count } = await sql`delete from pricing.shipping_methods where code = ${code}`;
  if (count === 0) throw new Problem('not-found', 'This shipping method does not exist.');
}

const columns = (sql: Sql) => sql`
  code, name, position, countries, currency, cost, free_above, tax_class, active, created_at, updated_at, version`;

const toShippingMethod = ({ createdAt, updatedAt, ...row }: Row): ShippingMethod => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});
