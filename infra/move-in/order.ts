import * as z from 'zod/mini';
import { type Address, type Contact, contact } from '../../lib/contract/api/address.ts';
import { prose, text } from '../../lib/contract/api/common.ts';
import { emailOf, nameOf } from './customer.ts';
import { RowRejected } from './errors.ts';
import type { Mapping, pastStatuses } from './mapping.ts';
import { type OrderLine, readLines, settleRounding, sumOf } from './order-lines.ts';
import { type OrderRefund, readRefunds } from './order-refunds.ts';
import { type SharedOut, shareOut } from './order-sums.ts';
import { listAt, textAt } from './read-rows.ts';
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
  /** Whether the amounts of lines and shipping have the tax in them. Otherwise it is added. */
  taxIncluded: boolean;
  total: number;
  couponCode: string | null;
  paymentMethod: string;
  /** What was given back of the total. */
  refunds: OrderRefund[];
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
  const at = (name: Exclude<keyof typeof orders, 'line' | 'refund' | 'billing' | 'delivery' | 'statuses'>) =>
    textAt(row, orders[name]);
  const oldId = at('id') || at('number');
  if (oldId === '') throw new RowRejected('has neither an id nor a number');
  const status = statusOf(at('status'), orders.statuses);
  if (status === undefined) throw new RowRejected(`has the status "${at('status')}", which is none of a past order`);
  const currency = currencyOf(at('currency') || mapping.currency);
  const amount = (name: 'total' | 'shipping' | 'shippingTax' | 'tax' | 'discount' | 'subtotal') =>
    minorUnits(at(name) || '0', currency, `the ${name}`);
  if (at('total') === '') throw new RowRejected('has no total');
  const total = amount('total');
  const placedAt = timeOf(at('date'), 'the date');
  const said = { amount: amount('shipping'), tax: amount('shippingTax') };
  if (said.amount < 0 || said.tax < 0) throw new RowRejected('has a shipping of less than nothing');
  if (amount('tax') < 0) throw new RowRejected('has a tax of less than nothing');
  const sums = {
    shipping: said,
    total,
    tax: amount('tax'),
    discount: Math.abs(amount('discount')),
    subtotal: at('subtotal') === '' ? undefined : amount('subtotal'),
  };
  const { lines, shipping, taxIncluded } = addedUp(
    readLines(listAt(row, orders.lines) ?? at('lines'), orders.line, currency),
    sums,
  );
  const notes: string[] = [];
  const [billing, delivery] = [addressOf(row, orders.billing), addressOf(row, orders.delivery)];
  if (billing === null || delivery === null) notes.push('addresses of orders that do not fit, which are left out');
  const changedAt = at('changed') === '' ? placedAt : timeOf(at('changed'), 'the time of its last change');
  const back =
    status === 'failed'
      ? { refunds: [], notes: [] }
      : readRefunds(row, orders, {
          names: [mapping.source, 'refund', oldId],
          ...{ currency, lines, shipping, taxIncluded, total, placedAt, changedAt },
        });
  notes.push(...back.notes);
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
    shipping: shipping.amount + shipping.tax > 0 ? { method: methodOf(at('shippingMethod')), ...shipping } : undefined,
    taxIncluded,
    total,
    couponCode: at('coupon') || null,
    paymentMethod: at('paymentMethod').slice(0, 100) || 'unknown',
    refunds: back.refunds,
    billingAddress: billing ?? null,
    shippingAddress: delivery ?? null,
    contact: z.safeParse(contact, given({ email: at('email'), phone: at('phone') })).data ?? null,
    note: z.safeParse(noteSchema, at('note')).data || null,
    placedAt,
    changedAt,
    notes,
  };
}

/**
 * Lines and shipping as they add up to the total.
 * @throws RowRejected when they do not
 */
function addedUp(read: OrderLine[], sums: Parameters<typeof shareOut>[1]): SharedOut {
  const { shipping, total, tax, discount } = sums;
  const shared = tax + discount === 0 ? undefined : shareOut(read, sums);
  if (shared !== undefined) return shared;
  const ships = shipping.amount + shipping.tax;
  const lines = settleRounding(read, total - ships);
  if (sumOf(lines) + ships === total) return { lines, shipping, taxIncluded: false };
  throw new RowRejected(
    `has a total of ${total}, and its lines and shipping add up to ${sumOf(lines) + ships} (minor units)`,
  );
}

/** The first that matches, where `*` stands for any text. */
const statusOf = (status: string, statuses: Mapping['orders']['statuses']): OrderRecord['status'] | undefined =>
  statuses[status] ??
  Object.entries(statuses).find(
    ([pattern]) =>
      pattern.includes('*') &&
      new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's').test(status),
  )?.[1];

function numberOf(number: string, prefix: string): string {
  const digits = /^\D*(\d{1,15})$/.exec(number)?.[1];
  if (digits === undefined) throw new RowRejected(`has the number "${number}", which does not end with digits alone`);
  return `${prefix}-${digits}`;
}

const noteSchema = prose(1000);
const methodSchema = text(100);
const methodOf = (name: string): string => z.safeParse(methodSchema, name).data ?? 'previous-shop';

/** A customer's own address goes before that of an order; undefined without either. */
export const emailOfOrder = (
  { customerOldId, email }: OrderRecord,
  emails: ReadonlyMap<string, string>,
): string | undefined => (customerOldId === undefined ? undefined : emails.get(customerOldId)) ?? email;
