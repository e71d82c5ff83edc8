import { listCoupons } from '../../lib/shop/pricing/coupons.sql.ts';
import { type CouponRecord, hasEnded } from './coupon.ts';
import { isSame } from './load-coupons.ts';
import type { Verifying } from './verifying.ts';

/** Compares coupons by their codes. One that has ended need not be here. */
export async function verifyCoupons(
  { sql, clock, differ }: Verifying,
  records: readonly CouponRecord[],
): Promise<void> {
  const here = new Map<string, Awaited<ReturnType<typeof listCoupons>>[number]>();
  for (let after: string | undefined = ''; after !== undefined; ) {
    const some = await listCoupons(sql, { after, limit: 500 });
    for (const coupon of some) here.set(coupon.code, coupon);
    after = some.at(-1)?.code;
  }
  for (const record of records) {
    const { code, fields } = record;
    const found = here.get(code);
    const ended = hasEnded({ fields }, new Date(clock.now()));
    if (found === undefined) {
      if (!ended) differ('coupons', code, 'is missing');
    } else if (!isSame(found, record)) differ('coupons', code, 'stands for something else');
    else if (found.used === 0 && found.usageLimit !== fields.usageLimit)
      differ('coupons', code, `has ${found.usageLimit} uses left and not ${fields.usageLimit}`);
  }
}
