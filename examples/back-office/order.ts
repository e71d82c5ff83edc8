import type { Order, TimelineEntry } from '../client.ts';
import { element } from '../web-shop/dom.ts';
import type { Office } from './office.ts';
import { parcelsCard } from './parcels.ts';
import { badge, type Content, card, facts, link, money, table, time, type View, words } from './parts.ts';
import { paidCard } from './refunds.ts';
import { returnsCard } from './returns.ts';

type Shown = Awaited<ReturnType<Office['order']>>;

/** One order: what was bought by whom, how it went, what is on its way, and what went back. `again` shows it anew. */
export async function orderView(office: Office, orderId: string, again: () => Promise<void>): Promise<View> {
  const [order, timeline, refunds, parcels, returns] = await Promise.all([
    office.order(orderId),
    office.timeline(orderId),
    office.refunds(orderId),
    office.parcels(orderId),
    office.returns(orderId),
  ]);
  const { number, status, createdAt, archived } = order;
  return {
    title: `Order ${number}`,
    beside: [badge(status), time(createdAt), archived ? 'archived' : ''],
    content: [
      element(
        'div',
        { className: 'columns' },
        element(
          'div',
          { className: 'column' },
          goods(order),
          ...(status === 'confirmed' || parcels.length > 0 ? [parcelsCard(office, order, parcels, again)] : []),
          ...returnsCard(office, order, returns, refunds, again),
          paidCard(office, order, refunds, again),
        ),
        element('div', { className: 'column' }, buyer(order), story(timeline)),
      ),
    ],
  };
}

function goods({ lines, subtotal, discount, couponCode, shipping, tax, total, failure }: Order): HTMLElement {
  const rows = lines.map(({ productId, sku, name, quantity, cancelled, unitPrice, total: sum }) => [
    element('span', {}, link(`#/products/${productId}`, name), ` ${sku}`),
    `${quantity} × ${money(unitPrice)}${cancelled > 0 ? `, ${cancelled} cancelled` : ''}`,
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

export const story = (entries: readonly TimelineEntry[]): HTMLElement =>
  card('What happened', element('ol', { className: 'timeline' }, ...entries.map(happened)));

function happened({ at, type, detail }: TimelineEntry): HTMLElement {
  const more: Content[] = [];
  if ('to' in detail) more.push(' to ', badge(detail.to));
  if ('amount' in detail && detail.amount !== undefined) more.push(` ${money(detail.amount)}`);
  return element('li', {}, words(type), ...more, element('br', {}), element('span', { className: 'quiet' }, time(at)));
}
