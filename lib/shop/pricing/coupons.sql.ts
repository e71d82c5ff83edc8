import type { Sql } from 'postgres';
import type * as z from 'zod/mini';
import type { VersionCondition } from '../../contract/api/common.ts';
import type { Coupon, putCoupon } from '../../contract/api/coupons.ts';
import { Problem } from '../../contract/api/problems.ts';
import { violates } from '../../database/violates.ts';
import { type Replaced, replaceByCode } from './replace.sql.ts';

type Row = {
  code: string;
  kind: Coupon['value']['type'];
  percent: number | null;
  amount: number | null;
  currency: string | null;
  validFrom: Date | null;
  validTo: Date | null;
  usageLimit: number | null;
  customerLimit: number | null;
  used: number;
  createdAt: Date;
  updatedAt: Date;
  version: number;
};

/** At most `limit` coupons by their codes, after the one that `after` names. */
export async function listCoupons(
  sql: Sql,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<Coupon[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from pricing.coupons where code > ${after ?? ''} order by code limit ${limit}`;
  return rows.map(toCoupon);
}

/** @throws Problem not-found */
export async function findCoupon(sql: Sql, code: string): Promise<Coupon> {
  const [row] = await sql<Row[]>`select ${columns(sql)} from pricing.coupons where code = ${code}`;
  if (row === undefined) throw new Problem('not-found', 'This coupon does not exist.');
  return toCoupon(row);
}

/**
 * Adds a coupon, or replaces the one with this code if its version meets the condition. Its uses go on counting.
 * @throws Problem version-stale; coupon-limit-too-low if more orders use it than the new limit allows
 */
export async function replaceCoupon(
  sql: Sql,
  code: string,
  { value, validFrom, validTo, usageLimit, customerLimit }: z.output<typeof putCoupon.body>,
  { condition, at }: { condition: VersionCondition; at: Date },
): Promise<Replaced<Coupon>> {
  const values = {
    kind: value.type,
    percent: value.type === 'percent' ? value.percent : null,
    amount: value.type === 'amount' ? value.amount.amount : null,
    currency: value.type === 'amount' ? value.amount.currency : null,
    valid_from: validFrom,
    valid_to: validTo,
    usage_limit: usageLimit,
    customer_limit: customerLimit,
  };
  const change = { code, values, condition, at };
  const { added, row } = await replaceByCode<Row>(sql, 'pricing.coupons', change, columns(sql)).catch(explain);
  return { added, row: toCoupon(row) };
}

const columns = (sql: Sql) => sql`
  code, kind, percent, amount, currency, valid_from, valid_to, usage_limit, customer_limit, used, created_at, updated_at,
  version`;

const toCoupon = (row: Row): Coupon => ({
  code: row.code,
  value: toValue(row),
  validFrom: row.validFrom?.toISOString() ?? null,
  validTo: row.validTo?.toISOString() ?? null,
  usageLimit: row.usageLimit,
  customerLimit: row.customerLimit,
  used: row.used,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
});

function toValue({ kind, percent, amount, currency }: Row): Coupon['value'] {
  if (kind === 'percent') return { type: kind, percent: percent! };
  if (kind === 'amount') return { type: kind, amount: { amount: amount!, currency: currency! } };
  return { type: kind };
}

function explain(error: unknown): never {
  if (violates(error, 'coupon_within_limit')) {
    throw new Problem('coupon-limit-too-low', 'More orders use the coupon than the new limit allows.', {
      cause: error,
      errors: [{ pointer: '/usageLimit', detail: 'is below the number of orders that use the coupon' }],
    });
  }
  throw error;
}
