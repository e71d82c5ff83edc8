import type { Address, Contact } from '../../contract/api/address.ts';
import type {
  Discount,
  FulfilmentStatus,
  Order,
  OrderFailureCode,
  OrderStatus,
  PaymentStatus,
} from '../../contract/api/orders.ts';
import type { Priced, PricedLine } from '../pricing/price.ts';
import { toQuote } from '../pricing/quote.ts';
import { outOfStock } from './out-of-stock.ts';

/** What was said of an order besides its lines. */
export type OrderDetails = {
  shippingAddress: Address | null;
  billingAddress: Address | null;
  contact: Contact | null;
  note: string | null;
  metadata: Record<string, unknown> | null;
};

/** An order that is about to be written. `createdAt` is in milliseconds since the epoch. */
export type NewOrder = Priced &
  OrderDetails & {
    /** What its number begins with. */
    numberPrefix: string;
    id: string;
    eventId: string;
    customerId: string | null;
    placedBy: string | null;
    /** For reports: the application that the order comes through, and what its buyer is. */
    applicationId: string | null;
    segment: 'premium' | 'standard' | 'guest';
    /** The hash of the token that a guest reads the order with. */
    guestToken: string | null;
    paymentMethod: string;
    /** Its payment is captured when it ships; absent: at checkout. */
    captureAt?: 'shipment' | undefined;
    createdAt: number;
  };

/** Units of a line in parcels, shipped, delivered, in returns, and cancelled. */
type Progress = { fulfilled: number; shipped: number; delivered: number; returned: number; cancelled: number };

/** A row of the view orders.order_details, as far as an order shows it. */
export type OrderRow = OrderDetails & {
  id: string;
  number: string;
  customerId: string | null;
  placedBy: string | null;
  status: OrderStatus;
  fulfilmentStatus: FulfilmentStatus;
  currency: string;
  subtotal: number;
  discountAmount: number;
  discountReason: Discount['reason'] | null;
  couponCode: string | null;
  shippingMethod: string | null;
  shippingAmount: number;
  shippingTax: number;
  shippingTaxRate: number | null;
  taxAmount: number;
  taxIncluded: boolean | null;
  reverseCharge: boolean;
  total: number;
  failureCode: OrderFailureCode | null;
  failureDetail: string | null;
  paymentAction: Order['paymentAction'];
  lines: (PricedLine & Progress)[];
  createdAt: Date;
  updatedAt: Date;
  version: number;
  archived: boolean;
} & (
    | { paymentId: string; paymentStatus: PaymentStatus; paymentRefunded: number }
    | { paymentId: null; paymentStatus: null; paymentRefunded: null }
  );

/** An order as the API shows it. */
export function toOrder(row: OrderRow): Order {
  const money = (amount: number) => ({ amount, currency: row.currency });
  const priced = toQuote(pricedOf(row));
  return {
    id: row.id,
    number: row.number,
    status: row.status,
    fulfilmentStatus: row.fulfilmentStatus,
    customerId: row.customerId,
    placedBy: row.placedBy,
    ...priced,
    lines: priced.lines.map((line, i) => ({ ...line, ...progressOf(row.lines[i]!) })),
    shippingAddress: row.shippingAddress,
    billingAddress: row.billingAddress,
    contact: row.contact,
    note: row.note,
    metadata: row.metadata ?? {},
    payment:
      row.paymentId === null
        ? null
        : { id: row.paymentId, status: row.paymentStatus, refunded: money(row.paymentRefunded) },
    paymentAction: row.paymentAction,
    failure: row.failureCode === null ? null : { code: row.failureCode, detail: row.failureDetail ?? '' },
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    version: row.version,
    archived: row.archived,
  };
}

const progressOf = ({ fulfilled, shipped, delivered, returned, cancelled }: Progress): Progress => ({
  fulfilled,
  shipped,
  delivered,
  returned,
  cancelled,
});
const nothingDone: Progress = { fulfilled: 0, shipped: 0, delivered: 0, returned: 0, cancelled: 0 };

const pricedOf = (row: OrderRow): Priced => ({
  currency: row.currency,
  lines: row.lines,
  subtotal: row.subtotal,
  discount: row.discountReason === null ? null : { amount: row.discountAmount, reason: row.discountReason },
  couponCode: row.couponCode,
  shipping:
    row.shippingMethod === null
      ? null
      : { method: row.shippingMethod, amount: row.shippingAmount, tax: row.shippingTax, taxRate: row.shippingTaxRate },
  tax:
    row.taxIncluded === null
      ? null
      : { amount: row.taxAmount, included: row.taxIncluded, reverseCharge: row.reverseCharge },
  total: row.total,
});

/** What an order costs, in the columns of its row. */
export const priceColumns = ({ discount, shipping, tax, couponCode }: Priced) => ({
  discountAmount: discount?.amount ?? 0,
  discountReason: discount?.reason ?? null,
  couponCode,
  shippingMethod: shipping?.method ?? null,
  shippingAmount: shipping?.amount ?? 0,
  shippingTax: shipping?.tax ?? 0,
  shippingTaxRate: shipping?.taxRate ?? null,
  taxAmount: tax?.amount ?? 0,
  taxIncluded: tax?.included ?? null,
  reverseCharge: tax?.reverseCharge ?? false,
});

/** A new order as the API shows it: pending, or failed at once because there is not enough stock. */
export function newOrder(order: NewOrder & { number: string; failureDetail: string | null }): Order {
  const at = new Date(order.createdAt);
  const failed = order.failureDetail !== null;
  return toOrder({
    ...order,
    ...priceColumns(order),
    lines: order.lines.map((line) => ({ ...line, ...nothingDone })),
    status: failed ? 'failed' : 'pending',
    fulfilmentStatus: 'unfulfilled',
    failureCode: failed ? outOfStock.code : null,
    paymentId: null,
    paymentStatus: null,
    paymentRefunded: null,
    paymentAction: null,
    createdAt: at,
    updatedAt: at,
    version: failed ? 2 : 1,
    archived: false,
  });
}
