import type { Order } from '../client.ts';
import { fields, form, type Values } from './forms.ts';
import type { Office, OrderFilter } from './office.ts';
import { badge, card, counted, link, money, nextPage, quiet, table, time, type View, words } from './parts.ts';

const statuses: readonly Order['status'][] = [
  'pending',
  'reserved',
  'pending_payment',
  'confirmed',
  'failed',
  'cancelling',
  'cancelled',
  'needs_attention',
];

const progress: readonly Order['fulfilmentStatus'][] = ['unfulfilled', 'partially_fulfilled', 'fulfilled', 'delivered'];

/** The orders that a filter in the address finds. */
export async function ordersView(office: Office, query: Values): Promise<View> {
  const { data, nextCursor, count } = await office.orders(toFilter(query));
  const { cursor: _, ...filter } = query;
  return {
    title: 'Orders',
    content: [
      card('Find orders', filters(filter)),
      card(
        count === undefined ? 'Orders' : counted(count, 'order', 'orders'),
        data.length === 0 ? quiet('No order meets all of this.') : orderTable(data),
        ...nextPage('orders', filter, nextCursor),
      ),
    ],
  };
}

/** Orders, one in a row. */
export const orderTable = (orders: readonly Order[]): HTMLElement =>
  table(
    'Orders',
    ['Number', 'Status', 'Placed', '#Total'],
    orders.map(({ id, number, status, createdAt, total }) => [
      link(`#/orders/${id}`, number),
      badge(status),
      time(createdAt),
      money(total),
    ]),
  );

function filters({ find = '', status = '', fulfilmentStatus = '', from = '', to = '' }: Values): HTMLFormElement {
  const controls = fields([
    { name: 'find', label: 'Number, e-mail or id', type: 'search', value: find },
    { name: 'status', label: 'Status', value: status, options: [['', 'any'], ...statuses.map(named)] },
    {
      name: 'fulfilmentStatus',
      label: 'Parcels',
      value: fulfilmentStatus,
      options: [['', 'any'], ...progress.map(named)],
    },
    { name: 'from', label: 'Placed from', type: 'date', value: from },
    { name: 'to', label: 'to', type: 'date', value: to },
  ]);
  return form(
    controls,
    'Find',
    async (values) => {
      const given = Object.entries(values).filter(([, value]) => value.trim() !== '');
      const id = /^ord_[0-9a-f]{32}$/.exec(values.find?.trim() ?? '')?.[0];
      location.hash = id === undefined ? `#/orders?${new URLSearchParams(given)}` : `#/orders/${id}`;
    },
    'filters',
  );
}

const named = (status: string) => [status, words(status)] as const;

/** What was typed tells by its form what it is. Days are those of this browser's time zone, the last one included. */
function toFilter({
  find = '',
  status = '',
  fulfilmentStatus = '',
  from = '',
  to = '',
  cursor = '',
}: Values): OrderFilter {
  const day = (date: string, after: number) => {
    const at = new Date(`${date}T00:00:00`);
    at.setDate(at.getDate() + after);
    return at.toISOString();
  };
  return {
    ...found(find.trim()),
    ...(status === '' ? {} : { status: status as Order['status'] }),
    ...(fulfilmentStatus === '' ? {} : { fulfilmentStatus: fulfilmentStatus as Order['fulfilmentStatus'] }),
    ...(from === '' ? {} : { from: day(from, 0) }),
    ...(to === '' ? {} : { to: day(to, 1) }),
    ...(cursor === '' ? {} : { cursor }),
  };
}

function found(text: string): OrderFilter {
  if (text === '') return {};
  if (text.includes('@')) return { email: text };
  if (text.startsWith('cus_')) return { customerId: text };
  if (text.startsWith('prd_')) return { productId: text };
  return { number: text };
}
