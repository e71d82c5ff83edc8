import { isDeepStrictEqual } from 'node:util';
import type { Coupon } from '../../lib/contract/api/coupons.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { findCoupon, replaceCoupon } from '../../lib/shop/pricing/coupons.sql.ts';
import { type CouponRecord, hasEnded } from './coupon.ts';
import { type Counts, type Entry, type Loading, loadBatches } from './loading.ts';

/**
 * Loads coupons that are still valid. Of a coupon that is here, the limit follows the previous shop until it is used here. A code that
 * stands for something else here is left alone.
 */
export const loadCoupons = (loading: Loading): Promise<Counts> =>
  loadBatches(loading, 'coupons', async (entries) => {
    const counts = { added: 0, changed: 0, unchanged: 0, rejected: 0 };
    for (const entry of entries) counts[await writeCoupon(loading, entry)]++;
    return counts;
  });

async function writeCoupon(
  loading: Loading,
  entry: Entry<'coupons'>,
): Promise<'added' | 'changed' | 'unchanged' | 'rejected'> {
  const { sql, clock } = loading;
  const { code, fields } = entry.record;
  const at = new Date(clock.now());
  const found = await findCoupon(sql, code).catch((error: unknown) => {
    if (!(error instanceof Problem) || error.code !== 'not-found') throw error;
  });
  const reject = (reason: string) => {
    loading.reject('coupons', entry, reason);
    return 'rejected' as const;
  };
  if (found === undefined) {
    if (hasEnded(entry.record, at)) return reject('has ended');
    await replaceCoupon(sql, code, fields, { condition: {}, at });
    return 'added';
  }
  if (!isSame(found, entry.record)) return reject(`has the code ${code}, which stands for something else here`);
  if (found.used > 0 || found.usageLimit === fields.usageLimit) return 'unchanged';
  await replaceCoupon(sql, code, fields, { condition: { oneOf: [found.version] }, at });
  return 'changed';
}

/** Whether a coupon here is the one of a record, whatever is left of it. */
export const isSame = (found: Coupon, { fields }: Pick<CouponRecord, 'fields'>): boolean => {
  const terms = ({ value, validFrom, validTo, customerLimit }: Coupon | CouponRecord['fields']) => ({
    value,
    validFrom,
    validTo,
    customerLimit,
  });
  return isDeepStrictEqual(terms(found), terms(fields));
};
