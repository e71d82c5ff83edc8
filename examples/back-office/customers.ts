import { element } from '../web-shop/dom.ts';
import { fields, form, type Values } from './forms.ts';
import type { Office } from './office.ts';
import { orderTable } from './orders.ts';
import { type Content, card, counted, facts, link, money, nextPage, quiet, table, time, type View } from './parts.ts';

/** The customers whose name or e-mail address has the words. */
export async function customersView(office: Office, query: Values): Promise<View> {
  const { find = '', cursor = '' } = query;
  const { data, nextCursor, count } = await office.customers({
    ...(find.trim() === '' ? {} : { q: find }),
    ...(cursor === '' ? {} : { cursor }),
  });
  const search = form(
    fields([{ name: 'find', label: 'Words of a name or an e-mail address', type: 'search', value: find }]),
    'Find',
    async ({ find = '' }) => {
      location.hash = find.trim() === '' ? '#/customers' : `#/customers?${new URLSearchParams({ find })}`;
    },
    'filters',
  );
  const rows = data.map(({ id, name = id, email = '', premium, createdAt }) => [
    link(`#/customers/${id}`, name),
    premium ? 'premium' : '',
    email,
    time(createdAt),
  ]);
  return {
    title: 'Customers',
    content: [
      card('Find customers', search),
      card(
        count === undefined ? 'Customers' : counted(count, 'customer', 'customers'),
        rows.length === 0
          ? quiet('Nobody is called like this.')
          : table('Customers', ['Name', 'Kind', 'E-mail', 'Since'], rows),
        ...nextPage('customers', find === '' ? {} : { find }, nextCursor),
      ),
    ],
  };
}

/** One customer, and what they bought. */
export async function customerView(office: Office, customerId: string): Promise<View> {
  const { name, email, address, premium, suspended, createdAt, included } = await office.customer(customerId);
  const orders = included?.orders;
  return {
    title: name ?? customerId,
    content: [
      element(
        'div',
        { className: 'columns' },
        element('div', { className: 'column' }, card('Latest orders', ...latest(orders, customerId))),
        element(
          'div',
          { className: 'column' },
          card(
            'Customer',
            facts([
              ['E-mail', email],
              ['Address', address && [address.line1, address.postalCode, address.city, address.country].join(', ')],
              ['Since', time(createdAt)],
              ['Kind', premium ? 'premium' : undefined],
              ['Account', suspended ? element('span', { className: 'status bad' }, 'suspended') : undefined],
            ]),
          ),
          ...(orders?.totals ?? []).map(({ currency, orders, confirmed, total, refunded }) =>
            card(
              `Orders in ${currency}`,
              facts([
                ['Placed', orders.toLocaleString()],
                ['Confirmed', confirmed.toLocaleString()],
                ['Their total', money(total)],
                ['Refunded', money(refunded)],
              ]),
            ),
          ),
        ),
      ),
    ],
  };
}

type Orders = NonNullable<Awaited<ReturnType<Office['customer']>>['included']>['orders'] | undefined;

function latest(orders: Orders, customerId: string): Content[] {
  if (orders === undefined || orders === null) return [quiet('The orders did not come. Try again in a moment.')];
  if (orders.latest.length === 0) return [quiet('This customer has ordered nothing yet.')];
  const more = orders.count.value > orders.latest.length;
  return [
    orderTable(orders.latest),
    ...(more ? [link(`#/orders?find=${customerId}`, `All ${counted(orders.count, 'order', 'orders')}`)] : []),
  ];
}
