import { Problem } from '../../contract/api/problems.ts';
import type { ShippingMethod } from '../../contract/api/shipping-methods.ts';

/** What pricing needs of a shipping method. */
export type PriceableShipping = Pick<
  ShippingMethod,
  'code' | 'countries' | 'currency' | 'cost' | 'freeAbove' | 'taxClass'
>;

/** What is shipped: `total` is what the goods cost after the discount, in minor units; `weight` of one unit in grams. */
export type Parcel = {
  currency: string;
  total: number;
  lines: readonly { sku: string; quantity: number; weight: number | null }[];
};

/**
 * What shipping a parcel costs, in minor units.
 * @param method null if the code names none that is active
 * @throws Problem shipping-method-unavailable if there is no such method or it does not take the parcel to the country
 */
export function shippingCost(
  { method, code, country }: { method: PriceableShipping | null; code: string; country: string },
  { currency, total, lines }: Parcel,
): number {
  if (method === null) throw unavailable(code, 'does not exist');
  if (method.countries !== null && !method.countries.includes(country)) {
    throw unavailable(code, `does not serve ${country}`);
  }
  if (method.currency !== currency) throw unavailable(code, `does not serve orders in ${currency}`);
  if (method.freeAbove !== null && total > method.freeAbove) return 0;
  if (method.cost.type === 'flat') return method.cost.amount;
  const size = method.cost.type === 'by-total' ? total : weightOf(code, lines);
  const tier = method.cost.tiers.find(({ upTo }) => upTo === null || size <= upTo);
  if (tier !== undefined) return tier.amount;
  throw unavailable(
    code,
    method.cost.type === 'by-total' ? 'does not take orders of this value' : `does not take ${size} g`,
  );
}

/** The weight of all units in grams. A product whose weight is not known would travel for nothing. */
function weightOf(code: string, lines: Parcel['lines']): number {
  const unknown = lines.find(({ weight }) => weight === null);
  if (unknown !== undefined) throw unavailable(code, `needs the weight of ${unknown.sku}, which is not known`);
  return lines.reduce((sum, { weight, quantity }) => sum + (weight ?? 0) * quantity, 0);
}

const unavailable = (code: string, why: string): Problem =>
  new Problem('shipping-method-unavailable', `The shipping method ${code} ${why}.`, {
    errors: [{ pointer: '/shippingMethod', detail: why }],
  });
