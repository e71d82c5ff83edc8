import type { Discount, Order, OrderFailureCode, OrderStatus, PaymentStatus } from '../../contract/api/orders.ts';
import type { Priced } from '../pricing/price.ts';

/** An order that is about to be written. `createdAt` is in milliseconds since the epoch. */
export type NewOrder = Priced & {
  id: string;
  eventId: string;
  customerId: string;
  paymentMethod: string;
  /** Its payment is captured when it ships; absent: at checkout. */
  captureAt?: 'shipment' | undefined;
  createdAt: number;
};

/** A row of the view orders.order_details, as far as an order shows it. */
export type OrderRow = {
  id: string;
  customerId: string;
  status: OrderStatus;
  currency: string;
  subtotal: number;
  discountAmount: number;
  discountReason: Discount['reason'] | null;
  total: number;
  failureCode: OrderFailureCode | null;
  failureDetail: string | null;
  paymentAction: Order['paymentAction'];
  lines: { productId: string; sku: string; name: string; quantity: number; unitPrice: number; total: number }[];
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
  return {
    id: row.id,
    status: row.status,
    customerId: row.customerId,
    lines: row.lines.map(({ productId, sku, name, quantity, unitPrice, total }) => ({
      productId,
      sku,
      name,
      quantity,
      unitPrice: money(unitPrice),
      total: money(total),
    })),
    subtotal: money(row.subtotal),
    discount: row.discountReason === null ? null : { ...money(row.discountAmount), reason: row.discountReason },
    total: money(row.total),
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

/** A new order as the API shows it. */
export function pendingOrder(order: NewOrder): Order {
  const at = new Date(order.createdAt);
  return toOrder({
    ...order,
    status: 'pending',
    discountAmount: order.discount?.amount ?? 0,
    discountReason: order.discount?.reason ?? null,
    failureCode: null,
    failureDetail: null,
    paymentId: null,
    paymentStatus: null,
    paymentRefunded: null,
    paymentAction: null,
    createdAt: at,
    updatedAt: at,
    version: 1,
    archived: false,
  });
}
