import type { LineInput } from '../../contract/api/orders.ts';
import { Problem } from '../../contract/api/problems.ts';
import { checkCoupon } from './coupons.ts';
import { checkTotal, type Priced, priceOrder } from './price.ts';
import type { Basket, Priceable } from './priceable.sql.ts';
import { type TaxedIn, type TaxProvider, withTax } from './tax.ts';

/** How the shop prices. Without `tax`, it computes none. */
export type Pricing = {
  tax: { provider: TaxProvider; included: boolean } | null;
  /** Whether an order must name a shipping method. */
  shippingRequired: boolean;
};

type Place = TaxedIn & { vatNumber?: string | undefined };

/** What a request says of a basket. */
export type BasketRequest = {
  lines: readonly LineInput[];
  shippingMethod?: string | undefined;
  couponCode?: string | undefined;
  shippingAddress?: Place | null | undefined;
  billingAddress?: Place | null | undefined;
};

/** What has to be read to price a basket. */
export const basketOf = (request: BasketRequest, customerId: string | null, at: number): Basket => ({
  customerId,
  productIds: [...new Set(request.lines.map((line) => line.productId))],
  shippingMethod: request.shippingMethod ?? null,
  couponCode: request.couponCode ?? null,
  country: destinationOf(request)?.country ?? null,
  at,
});

/**
 * Prices a basket with discount, shipping and tax, from what was read for it.
 * @param how.placing whether an order is placed. A quote may leave out the address and the shipping method: its total then
 *   lacks what depends on them.
 * @throws Problem as `priceOrder` does; shipping-method-missing, shipping-address-missing, shipping-method-unavailable;
 *   coupon-unknown, coupon-not-valid, coupon-used-up, coupon-needs-account, coupon-without-effect; tax-rate-missing
 */
export async function priceBasket(
  request: BasketRequest,
  read: Priceable,
  how: Pricing & { at: number; placing: boolean; customerId: string | null },
): Promise<Priced> {
  const { lines, shippingMethod, couponCode, shippingAddress } = request;
  const { products, premium } = read;
  const { at, placing } = how;
  const coupon = couponCode === undefined ? null : checkCoupon(read.coupon, couponCode, at);
  if (placing && coupon !== null && coupon.customerLimit !== null && how.customerId === null) {
    throw new Problem('coupon-needs-account', `The coupon ${coupon.code} is for customers who are signed in.`);
  }
  if (placing && how.shippingRequired && shippingMethod === undefined) {
    throw missing('shipping-method-missing', 'An order needs a shipping method.', '/shippingMethod');
  }
  const shipping =
    shippingMethod === undefined
      ? null
      : { code: shippingMethod, method: read.shipping, country: countryOf(shippingAddress) };
  const priced = priceOrder({ lines, products, premium, coupon, shipping, placing });
  return checkTotal(await taxed(priced, request, read, how));
}

function countryOf(shippingAddress: BasketRequest['shippingAddress']): string {
  if (shippingAddress != null) return shippingAddress.country;
  throw missing('shipping-address-missing', 'A shipping method needs an address to ship to.', '/shippingAddress');
}

async function taxed(
  priced: Priced,
  request: BasketRequest,
  read: Priceable,
  { tax, at, placing }: Pricing & { at: number; placing: boolean },
): Promise<Priced> {
  if (tax === null) return priced;
  const destination = destinationOf(request);
  if (destination === null) {
    if (placing)
      throw missing('shipping-address-missing', 'Its tax depends on where an order goes.', '/shippingAddress');
    return priced;
  }
  const { provider, included } = tax;
  const items = priced.lines.map(({ taxClass, total, discount }) => ({ taxClass, amount: total - discount }));
  if (priced.shipping !== null) {
    items.push({ taxClass: read.shipping!.taxClass, amount: priced.shipping.amount });
  }
  // Whether the order is for the business whose VAT number the shop has verified: what is null equals no number.
  const business = (request.billingAddress ?? destination).vatNumber === read.verifiedVatNumber;
  const { currency } = priced;
  const answer = await provider({ currency, items, destination, included, business, at }, read.taxRates);
  return withTax(priced, answer, included);
}

/** Goods are taxed where they go; what is not shipped, where the buyer is. */
const destinationOf = ({ shippingAddress, billingAddress }: BasketRequest): Place | null =>
  shippingAddress ?? billingAddress ?? null;

const missing = (code: 'shipping-method-missing' | 'shipping-address-missing', detail: string, pointer: string) =>
  new Problem(code, detail, { errors: [{ pointer, detail: 'is missing' }] });
