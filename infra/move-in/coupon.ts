import type * as z from 'zod/mini';
import { couponCode, putCoupon } from '../../lib/contract/api/coupons.ts';
import { RowRejected } from './errors.ts';
import type { Mapping } from './mapping.ts';
import { textAt } from './read-rows.ts';
import { currencyOf, fitted, minorUnits, timeOf } from './values.ts';

export type CouponRecord = { code: string; fields: z.output<typeof putCoupon.body>; notes: string[] };

/**
 * A coupon of another shop. Its limit becomes what is left of it, because uses here count from nothing.
 * @throws RowRejected
 */
export function toCoupon(row: Record<string, unknown>, { coupons, ...mapping }: Mapping): CouponRecord {
  const at = (name: Exclude<keyof typeof coupons, 'kinds' | 'conditions'>) => textAt(row, coupons[name]);
  const code = fitted(couponCode, at('code'));
  const kind = coupons.kinds[at('type')];
  if (kind === undefined) throw new RowRejected(`is of the kind "${at('type')}", which coupons here cannot be`);
  for (const place of coupons.conditions)
    if (!['', '0', '0.00', '0.0', 'false', 'no', '[]', '{}'].includes(textAt(row, place)))
      throw new RowRejected(`is only for some orders (${String(place)}), which coupons here cannot be`);
  const [limit, used] = [count(at('limit'), 'limit'), count(at('used'), 'number of uses') ?? 0];
  if (limit !== undefined && limit <= used) throw new RowRejected('is used up');
  const customerLimit = count(at('customerLimit'), 'limit for a customer');
  return {
    code,
    fields: fitted(putCoupon.body, {
      value: terms(),
      validFrom: at('from') === '' ? null : timeOf(at('from'), 'the beginning').toISOString(),
      validTo: at('to') === '' ? null : timeOf(at('to'), 'the end').toISOString(),
      usageLimit: limit === undefined ? null : limit - used,
      customerLimit: customerLimit ?? null,
    }),
    notes: limit === undefined ? [] : ['coupons with a limit, which get what is left of it'],
  };

  function terms() {
    if (kind === 'free-shipping') return { type: kind };
    // Some shops write what is taken off with a minus.
    const amount = at('amount').replace(/^-/, '').replace(/%$/, '');
    if (kind === 'percent') return { type: kind, percent: Number(amount) };
    const currency = currencyOf(at('currency') || mapping.currency);
    return { type: 'amount', amount: { amount: minorUnits(amount, currency, 'the amount'), currency } };
  }
}

/** Whether nobody can use it any more. */
export const hasEnded = (coupon: Pick<CouponRecord, 'fields'> | undefined, now: Date): boolean =>
  coupon?.fields.validTo != null && Date.parse(coupon.fields.validTo) <= now.getTime();

/** Undefined where nothing limits it; shops write nothing or 0 for that. */
function count(text: string, what: string): number | undefined {
  if (text === '' || text === '0') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new RowRejected(`has the ${what} "${text}"`);
  return value;
}
