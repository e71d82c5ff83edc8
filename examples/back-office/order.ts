import type { Order, TimelineEntry } from '../client.ts';
import { element } from '../web-shop/dom.ts';
import { fields, folded, form } from './forms.ts';
import type { Office } from './office.ts';
import {
  badge,
  type Content,
  card,
  facts,
  link,
  money,
  quiet,
  table,
  time,
  toMoney,
  toText,
  type View,
  words,
} from './parts.ts';

type Refund = Awaited<ReturnType<Office['refunds']>>[number];
type Shown = Awaited<ReturnType<Office['order']>>;

/** One order: what was bought by whom, how it went, and what went back. `again` shows it anew. */
export async function orderView(office: Office, orderId: string, again: () => Promise<void>): Promise<View> {
  const [order, timeline, refunds] = await Promise.all([
    office.order(orderId),
    office.timeline(orderId),
    office.refunds(orderId),
  ]);
  const { number, status, createdAt, archived } = order;
  return {
    title: `Order ${number}`,
    beside: [badge(status), time(createdAt), archived ? 'archived' : ''],
    content: [
      element(
        'div',
        { className: 'columns' },
        element('div', { className: 'column' }, goods(order), paid(office, order, refunds, again)),
        element('div', { className: 'column' }, buyer(order), story(timeline)),
      ),
    ],
  };
}

function goods({ lines, subtotal, discount, couponCode, shipping, tax, total, failure }: Order): HTMLElement {
  const rows = lines.map(({ productId, sku, name, quantity, unitPrice, total: sum }) => [
    element('span', {}, link(`#/products/${productId}`, name), ` ${sku}`),
    `${quantity} × ${money(unitPrice)}`,
    money(sum),
  ]);
  return card(
    'Goods',
    table('Lines', ['Product', 'Units', '#Total'], rows),
    facts(
      [
        ['Subtotal', money(subtotal)],
        [couponCode === null ? 'Discount' : `Discount by ${couponCode}`, discount && `−${money(discount)}`],
        [`Shipping by ${shipping?.method}`, shipping && money(shipping)],
        [tax?.included ? 'Tax, included' : 'Tax', tax && money(tax)],
        ['Total', element('span', { className: 'sum' }, money(total))],
      ],
      'sums',
    ),
    ...(failure === null
      ? []
      : [
          element(
            'p',
            {},
            element('span', { className: 'status bad' }, words(failure.code)),
            element('br', {}),
            failure.detail,
          ),
        ]),
  );
}

function buyer({ customerId, included, contact, shippingAddress, billingAddress, note }: Shown): HTMLElement {
  const customer = included?.customer;
  return card(
    'Customer',
    facts([
      ['Name', customer?.name ?? shippingAddress?.name],
      ['E-mail', contact?.email ?? customer?.email],
      ['Telephone', contact?.phone],
      ['Ship to', shippingAddress && postal(shippingAddress)],
      ['Bill to', billingAddress && postal(billingAddress)],
      ['Note', note],
    ]),
    ...(customerId === null ? ['A guest'] : [link(`#/customers/${customerId}`, 'All about this customer')]),
  );
}

function postal(address: NonNullable<Order['shippingAddress']>): HTMLElement {
  const { name, company, line1, line2, postalCode, city, region, country } = address;
  const lines = [name, company, line1, line2, [postalCode, city].filter(Boolean).join(' '), region, country];
  return element(
    'address',
    {},
    ...lines.filter(Boolean).flatMap((line, index) => (index === 0 ? [line!] : [element('br', {}), line!])),
  );
}

function paid(office: Office, order: Order, refunds: readonly Refund[], again: () => Promise<void>): HTMLElement {
  const { id, payment, total, archived, status } = order;
  if (payment === null) return card('Payment', quiet('Nothing was paid.'));
  const left = total.amount - payment.refunded.amount;
  const refundable = status === 'confirmed' && payment.status === 'captured' && left > 0 && !archived;
  const rows = refunds.map(({ amount, status, reason, createdAt }) => [
    reason,
    badge(status),
    time(createdAt),
    money(amount),
  ]);
  const asked = fields([
    { name: 'amount', label: `Amount in ${total.currency}`, value: toText({ ...total, amount: left }), required: true },
    { name: 'reason', label: 'Reason, for the customer too', required: true },
  ]);
  const refund = form(asked, 'Refund', async ({ amount = '', reason = '' }, key) => {
    const { status, failure } = await office.refund(id, { amount: toMoney(amount, total.currency), reason }, key);
    if (status === 'failed') throw new Error(`The provider refused the refund: ${words(failure?.code ?? 'unknown')}.`);
    await again();
  });
  return card(
    'Payment',
    facts([
      ['Status', badge(payment.status)],
      ['Refunded', money(payment.refunded)],
    ]),
    ...(rows.length === 0 ? [] : [table('Refunds', ['Reason', 'Status', 'Requested', '#Amount'], rows)]),
    ...(refundable ? [folded('Refund money', refund)] : []),
  );
}

export const story = (entries: readonly TimelineEntry[]): HTMLElement =>
  card('What happened', element('ol', { className: 'timeline' }, ...entries.map(happened)));

function happened({ at, type, detail }: TimelineEntry): HTMLElement {
  const more: Content[] = [];
  if ('to' in detail) more.push(' to ', badge(detail.to));
  if ('amount' in detail && detail.amount !== undefined) more.push(` ${money(detail.amount)}`);
  return element('li', {}, words(type), ...more, element('br', {}), element('span', { className: 'quiet' }, time(at)));
}
