import { type LineInput, maxQuantity } from '../../contract/api/orders.ts';
import { type InputError, Problem } from '../../contract/api/problems.ts';
import { allocate } from '../../kernel/money.ts';
import { couponDiscount, type PriceableCoupon, withoutEffect } from './coupons.ts';
import { type AppliedDiscount, discountOn } from './discounts.ts';
import { type PriceableShipping, shippingCost } from './shipping.ts';

/** What pricing needs of a product. `priceAmount` is in minor units of `priceCurrency`. */
export type PriceableProduct = {
  id: string;
  sku: string;
  name: string;
  priceAmount: number;
  priceCurrency: string;
  /** Whether its variants are sold instead of it. */
  hasOptions?: boolean;
  taxClass: string;
  /** Of one unit, in grams; null where it is not known. */
  weight: number | null;
};

export type PricedLine = {
  productId: string;
  sku: string;
  name: string;
  quantity: number;
  unitPrice: number;
  total: number;
  /** The line's shares of the order's discount and tax. */
  discount: number;
  tax: number;
  /** In millionths; null without tax. */
  taxRate: number | null;
  taxClass: string;
  weight: number | null;
};

export type AppliedShipping = { method: string; amount: number; tax: number; taxRate: number | null };
/** The tax of lines and shipping together. */
export type AppliedTax = { amount: number; included: boolean; reverseCharge: boolean };

/** A priced basket. Amounts are minor units of `currency`. */
export type Priced = {
  currency: string;
  lines: PricedLine[];
  subtotal: number;
  discount: AppliedDiscount | null;
  couponCode: string | null;
  shipping: AppliedShipping | null;
  tax: AppliedTax | null;
  total: number;
};

/** The largest total of an order, in minor units. */
export const maxTotal = 1_000_000_000_000;

/**
 * Prices a basket without tax. Several lines of the same product become one, at the place of the first.
 * @param products must include the basket's products that are on sale, and may include others
 * @param coupon one that can be used now
 * @param shipping the method that was chosen and the country that the order goes to
 * @param placing whether an order is placed: in a quote, a coupon for free shipping may wait for the shipping method
 * @throws Problem product-not-available, product-has-options, currencies-mixed or invalid-input (the quantities of a
 *   product add up to too many), each with every line concerned; coupon-without-effect, shipping-method-unavailable,
 *   amount-too-large
 */
export function priceOrder({
  lines,
  products,
  premium,
  coupon = null,
  shipping = null,
  placing = false,
}: {
  lines: readonly LineInput[];
  products: readonly PriceableProduct[];
  premium: boolean;
  coupon?: PriceableCoupon | null;
  shipping?: { code: string; method: PriceableShipping | null; country: string } | null;
  placing?: boolean;
}): Priced {
  const onSale = new Map(products.map((product) => [product.id, product]));
  checkAvailable(lines, onSale);
  checkQuantities(lines);
  const currency = checkCurrency(lines, onSale);

  const summed = sumByProduct(lines, onSale);
  const subtotal = summed.reduce((sum, line) => sum + line.total, 0);
  const discount = largerDiscount(discountOn(subtotal, currency, premium), coupon, subtotal, currency);
  const goods = subtotal - (discount?.amount ?? 0);
  const regular = shipping && shippingCost(shipping, { currency, total: goods, lines: summed });
  const isFree = coupon?.type === 'free-shipping';
  if (isFree && (regular === 0 || (regular === null && placing))) {
    throw withoutEffect(
      coupon.code,
      regular === 0 ? 'the shipping is free already' : 'the order names no shipping method',
    );
  }
  const cost = isFree ? 0 : (regular ?? 0);
  const shares = allocate(
    discount?.amount ?? 0,
    summed.map((line) => line.total),
  );
  return checkTotal({
    currency,
    lines: summed.map((line, index) => ({ ...line, discount: shares[index]! })),
    subtotal,
    discount,
    couponCode: coupon?.code ?? null,
    shipping: shipping && { method: shipping.code, amount: cost, tax: 0, taxRate: null },
    tax: null,
    total: goods + cost,
  });
}

/** @throws Problem amount-too-large */
export function checkTotal(priced: Priced): Priced {
  const { total, currency } = priced;
  if (total <= maxTotal) return priced;
  throw new Problem(
    'amount-too-large',
    `The total is ${total} minor units of ${currency}. At most ${maxTotal} are allowed.`,
  );
}

/**
 * Discounts are never combined. A coupon that takes off no more than what the customer gets anyway is refused, so that its
 * use does not count for nothing.
 */
function largerDiscount(
  own: AppliedDiscount | null,
  coupon: PriceableCoupon | null,
  subtotal: number,
  currency: string,
): AppliedDiscount | null {
  if (coupon === null || coupon.type === 'free-shipping') return own;
  const byCoupon = couponDiscount(coupon, subtotal, currency);
  if (byCoupon.amount > (own?.amount ?? 0)) return byCoupon;
  throw withoutEffect(
    coupon.code,
    own === null ? 'it rounds to nothing' : 'the discount that you get without it is not smaller',
  );
}

function sumByProduct(lines: readonly LineInput[], onSale: Map<string, PriceableProduct>): PricedLine[] {
  const summed = new Map<string, PricedLine>();
  for (const { productId, quantity } of lines) {
    const { sku, name, priceAmount, taxClass, weight } = onSale.get(productId)!;
    const line = summed.get(productId) ?? {
      ...{ productId, sku, name, quantity: 0, unitPrice: priceAmount, total: 0 },
      ...{ discount: 0, tax: 0, taxRate: null, taxClass, weight },
    };
    line.quantity += quantity;
    line.total = line.quantity * line.unitPrice;
    summed.set(productId, line);
  }
  return [...summed.values()];
}

function checkAvailable(lines: readonly LineInput[], onSale: Map<string, PriceableProduct>): void {
  const errors = errorsOf(lines, ({ productId }, index) =>
    onSale.has(productId)
      ? undefined
      : { pointer: `/lines/${index}/productId`, detail: `${productId} is unknown or not on sale` },
  );
  if (errors.length > 0) throw new Problem('product-not-available', sentence(errors), { errors });
  const withOptions = errorsOf(lines, ({ productId }, index) =>
    onSale.get(productId)!.hasOptions
      ? { pointer: `/lines/${index}/productId`, detail: `${productId} has options: order one of its variants` }
      : undefined,
  );
  if (withOptions.length > 0) throw new Problem('product-has-options', sentence(withOptions), { errors: withOptions });
}

function checkQuantities(lines: readonly LineInput[]): void {
  const sums = new Map<string, number>();
  const errors = errorsOf(lines, ({ productId, quantity }, index) => {
    const sum = (sums.get(productId) ?? 0) + quantity;
    sums.set(productId, sum);
    return sum <= maxQuantity
      ? undefined
      : {
          pointer: `/lines/${index}/quantity`,
          detail: `makes ${sum} of ${productId}; an order takes at most ${maxQuantity} of a product`,
        };
  });
  if (errors.length > 0) throw new Problem('invalid-input', sentence(errors), { errors });
}

function checkCurrency(lines: readonly LineInput[], onSale: Map<string, PriceableProduct>): string {
  const currencyOf = (line: LineInput) => onSale.get(line.productId)!.priceCurrency;
  const first = lines[0];
  if (first === undefined) throw new RangeError('a basket without lines has no price');
  const currency = currencyOf(first);
  const errors = errorsOf(lines, (line, index) =>
    currencyOf(line) === currency
      ? undefined
      : {
          pointer: `/lines/${index}/productId`,
          detail: `is priced in ${currencyOf(line)}, but the first line in ${currency}`,
        },
  );
  if (errors.length > 0) throw new Problem('currencies-mixed', sentence(errors), { errors });
  return currency;
}

const errorsOf = (
  lines: readonly LineInput[],
  check: (line: LineInput, index: number) => InputError | undefined,
): InputError[] => lines.map(check).filter((error) => error !== undefined);

/** The first error as a sentence. */
const sentence = ([first]: InputError[]): string => `${first!.pointer} ${first!.detail}.`;
