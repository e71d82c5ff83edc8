import * as z from 'zod/mini';
import { type Address, type Contact, contact } from '../../lib/contract/api/address.ts';
import { prose, text } from '../../lib/contract/api/common.ts';
import { emailOf, nameOf } from './customer.ts';
import { RowRejected } from './errors.ts';
import type { Mapping, pastStatuses } from './mapping.ts';
import { type OrderLine, readLines, settleRounding, sumOf } from './order-lines.ts';
import { textAt } from './read-rows.ts';
import { addressOf, currencyOf, given, minorUnits, movedId, timeOf } from './values.ts';

export type OrderRecord = {
  /** Here, and in the previous shop. */
  id: string;
  oldId: string;
  number: string;
  status: (typeof pastStatuses)[number];
  /** In the previous shop; undefined for a guest. */
  customerOldId: string | undefined;
  /** Undefined when the row has none. */
  email: string | undefined;
  name: string;
  currency: string;
  lines: OrderLine[];
  /** In minor units, as all amounts here. */
  shipping: { method: string; amount: number; tax: number } | undefined;
  total: number;
  couponCode: string | null;
  paymentMethod: string;
  billingAddress: Address | null;
  shippingAddress: Address | null;
  contact: Contact | null;
  note: string | null;
  placedAt: Date;
  changedAt: Date;
  notes: string[];
};

/**
 * A past order of another shop.
 * @throws RowRejected
 */
export function toOrder(row: Record<string, unknown>, { orders, ...mapping }: Mapping): OrderRecord {
  const at = (name: Exclude<keyof typeof orders, 'line' | 'billing' | 'delivery' | 'statuses'>) =>
    textAt(row, orders[name]);
  const oldId = at('id') || at('number');
  if (oldId === '') throw new RowRejected('has neither an id nor a number');
  const status = orders.statuses[at('status')];
  if (status === undefined) throw new RowRejected(`has the status "${at('status')}", which is none of a past order`);
  const currency = currencyOf(at('currency') || mapping.currency);
  const amount = (name: 'total' | 'shipping' | 'shippingTax') => minorUnits(at(name) || '0', currency, `the ${name}`);
  if (at('total') === '') throw new RowRejected('has no total');
  const total = amount('total');
  const placedAt = timeOf(at('date'), 'the date');
  const shipping = { method: methodOf(at('shippingMethod')), amount: amount('shipping'), tax: amount('shippingTax') };
  if (shipping.amount < 0 || shipping.tax < 0) throw new RowRejected('has a shipping of less than nothing');
  const ships = shipping.amount + shipping.tax > 0;
  const lines = settleRounding(readLines(at('lines'), orders.line, currency), total - shipping.amount - shipping.tax);
  if (sumOf(lines) + shipping.amount + shipping.tax !== total)
    throw new RowRejected(
      `has a total of ${total}, and its lines and shipping add up to ${sumOf(lines) + shipping.amount + shipping.tax} (minor units)`,
    );
  const notes: string[] = [];
  const [billing, delivery] = [addressOf(row, orders.billing), addressOf(row, orders.delivery)];
  if (billing === null || delivery === null) notes.push('addresses of orders that do not fit, which are left out');
  if (status === 'confirmed')
    notes.push('orders that are paid and not complete, which have to be fulfilled by the previous shop');
  const email = at('email') === '' ? undefined : emailOf(at('email'));
  const customerOldId = at('customerId') === '0' ? undefined : at('customerId') || undefined;
  if (email === undefined && customerOldId === undefined)
    throw new RowRejected('has neither a customer nor an e-mail address');
  return {
    id: movedId('order', placedAt, [mapping.source, 'order', oldId]),
    oldId,
    number: numberOf(at('number') || oldId, mapping.prefix),
    status,
    customerOldId,
    email,
    name: nameOf(
      `${textAt(row, orders.billing.firstName)} ${textAt(row, orders.billing.lastName)}`,
      email ?? 'customer@',
    ),
    currency,
    lines,
    shipping: ships ? shipping : undefined,
    total,
    couponCode: at('coupon') || null,
    paymentMethod: at('paymentMethod').slice(0, 100) || 'unknown',
    billingAddress: billing ?? null,
    shippingAddress: delivery ?? null,
    contact: z.safeParse(contact, given({ email: at('email'), phone: at('phone') })).data ?? null,
    note: z.safeParse(prose(1000), at('note')).data || null,
    placedAt,
    changedAt: at('changed') === '' ? placedAt : timeOf(at('changed'), 'the time of its last change'),
    notes,
  };
}

function numberOf(number: string, prefix: string): string {
  const digits = /^\D*(\d{1,15})$/.exec(number)?.[1];
  if (digits === undefined) throw new RowRejected(`has the number "${number}", which does not end with digits alone`);
  return `${prefix}-${digits}`;
}

const methodOf = (name: string): string => z.safeParse(text(100), name).data ?? 'previous-shop';

/** A customer's own address goes before that of an order; undefined without either. */
export const emailOfOrder = (
  { customerOldId, email }: OrderRecord,
  emails: ReadonlyMap<string, string>,
): string | undefined => (customerOldId === undefined ? undefined : emails.get(customerOldId)) ?? email;
