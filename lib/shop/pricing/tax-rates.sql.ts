import type { Sql } from 'postgres';
import type * as z from 'zod/mini';
import type { VersionCondition } from '../../contract/api/common.ts';
import { Problem } from '../../contract/api/problems.ts';
import type { putTaxRate, TaxRate } from '../../contract/api/tax-rates.ts';
import { violates } from '../../database/violates.ts';
import { type Replaced, replaceByCode } from './replace.sql.ts';

type Times = 'validFrom' | 'validTo' | 'createdAt' | 'updatedAt';
type Row = Omit<TaxRate, Times> &
  Record<'createdAt' | 'updatedAt', Date> &
  Record<'validFrom' | 'validTo', Date | null>;

/** At most `limit` tax rates by their codes, after the one that `after` names; of one country if it is given. */
export async function listTaxRates(
  sql: Sql,
  { country, after, limit }: { country?: string | undefined; after: string | undefined; limit: number },
): Promise<TaxRate[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from pricing.tax_rates
    where code > ${after ?? ''} ${country === undefined ? sql`` : sql`and country = ${country}`}
    order by code
    limit ${limit}`;
  return rows.map(toTaxRate);
}

/**
 * Adds a tax rate, or replaces the one with this code if its version meets the condition.
 * @throws Problem version-stale, tax-rate-overlaps
 */
export async function replaceTaxRate(
  sql: Sql,
  code: string,
  fields: z.output<typeof putTaxRate.body>,
  { condition, at }: { condition: VersionCondition; at: Date },
): Promise<Replaced<TaxRate>> {
  const values = {
    name: fields.name,
    country: fields.country,
    region: fields.region,
    tax_class: fields.taxClass,
    rate: fields.rate,
    reverse_charge: fields.reverseCharge,
    valid_from: fields.validFrom,
    valid_to: fields.validTo,
  };
  const change = { code, values, condition, at };
  const { added, row } = await replaceByCode<Row>(sql, 'pricing.tax_rates', change, columns(sql)).catch(explain);
  return { added, row: toTaxRate(row) };
}

/** @throws Problem not-found */
export async function deleteTaxRate(sql: Sql, code: string): Promise<void> {
  const { count } = await sql`delete from pricing.tax_rates where code = ${code}`;
  if (count === 0) throw new Problem('not-found', 'This tax rate does not exist.');
}

const columns = (sql: Sql) => sql`
  code, name, country, region, tax_class, rate, reverse_charge, valid_from, valid_to, created_at, updated_at, version`;

const toTaxRate = ({ validFrom, validTo, createdAt, updatedAt, ...row }: Row): TaxRate => ({
  ...row,
  validFrom: validFrom?.toISOString() ?? null,
  validTo: validTo?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

function explain(error: unknown): never {
  if (violates(error, 'one_tax_rate_at_a_time')) {
    throw new Problem(
      'tax-rate-overlaps',
      'Another rate of this country, region and tax class is valid in this period.',
      {
        cause: error,
      },
    );
  }
  throw error;
}
