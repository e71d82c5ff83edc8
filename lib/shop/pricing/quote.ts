import type { Quote } from '../../contract/api/orders.ts';
import type { Priced } from './price.ts';

/** What an order costs, as the API and events show it. */
export function toQuote({ currency, lines, subtotal, discount, couponCode, shipping, tax, total }: Priced): Quote {
  const money = (amount: number) => ({ amount, currency });
  return {
    lines: lines.map((line) => ({
      productId: line.productId,
      sku: line.sku,
      name: line.name,
      quantity: line.quantity,
      unitPrice: money(line.unitPrice),
      total: money(line.total),
      discount: money(line.discount),
      tax: money(line.tax),
      taxRate: line.taxRate,
    })),
    subtotal: money(subtotal),
    discount: discount && { ...money(discount.amount), reason: discount.reason },
    couponCode,
    shipping: shipping && {
      ...money(shipping.amount),
      method: shipping.method,
      tax: money(shipping.tax),
      taxRate: shipping.taxRate,
    },
    tax: tax && { ...money(tax.amount), included: tax.included, reverseCharge: tax.reverseCharge },
    total: money(total),
  };
}
