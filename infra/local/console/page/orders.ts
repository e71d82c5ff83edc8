import type { OrderList, OrderSummary } from '../orders.ts';
import { go, html, Link, money, Status, short, timeOf, useData, Waiting } from './lib.ts';
import { Search } from './search.ts';

const filters = [
  ['all', 'All'],
  ['open', 'Under way'],
  ['problems', 'Failed or in review'],
  ['confirmed', 'Confirmed'],
  ['cancelled', 'Cancelled'],
  ['needs_attention', 'Manual review'],
] as const;

/** The list of orders, newest first. */
export function Orders({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? 'all';
  const text = query.get('text') ?? '';
  const before = query.get('before');
  const data = useData<OrderList>(`orders?${query}`);
  const change = (changes: Record<string, string | null>) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries({ before: null, ...changes })) {
      if (value === null || value === '' || value === 'all') next.delete(name);
      else next.set(name, value);
    }
    go(`/console/orders${next.size === 0 ? '' : `?${next}`}`, { replace: !('before' in changes) });
  };
  const orders = data.value?.orders;
  return html`
    <h1>Orders</h1>
    <div class="tools">
      <${Search} label="Search orders" placeholder="Order, customer, request, SKU or failure code ( / )" text=${text} onSearch=${(value: string) => change({ text: value })} />
      <div class="filters" role="group" aria-label="Status">
        ${filters.map(
          ([value, title]) => html`
            <button type="button" key=${value} aria-pressed=${value === status} onClick=${() => change({ status: value })}>${title}</button>`,
        )}
      </div>
    </div>
    <${Waiting} data=${data} />
    ${
      orders?.length === 0
        ? html`<p class="empty">${
            status === 'all' && text === ''
              ? 'No order yet. Place one with the lines that npm start has printed.'
              : 'No order fits.'
          }</p>`
        : orders === undefined
          ? ''
          : html`
            <table class="list orders">
              <thead><tr><th>Placed</th><th>Order</th><th>Status</th><th class="number">Total</th><th>Goods</th><th>What is wrong</th></tr></thead>
              <tbody>${orders.map((order) => html`<${Row} order=${order} key=${order.id} />`)}</tbody>
            </table>`
    }
    <p class="pages">
      ${before === null ? '' : html`<button type="button" onClick=${() => change({ before: null })}>Newest orders</button>`}
      ${data.value?.next ? html`<button type="button" onClick=${() => change({ before: data.value!.next })}>Older orders</button>` : ''}
    </p>`;
}

function Row({ order }: { order: OrderSummary }) {
  const { id, status, total, currency, goods, createdAt, trouble, state } = order;
  return html`
    <tr data-row>
      <td class="time">${timeOf(createdAt)}</td>
      <td><${Link} to=${`/console/orders/${id}`} data-main title=${id}>${short(id)}</${Link}></td>
      <td><${Status} of=${status} />${state === null ? '' : html` <small class="muted">${state}</small>`}</td>
      <td class="number">${money(total, currency)}</td>
      <td class="goods">${goods}</td>
      <td class="trouble">${trouble === null ? '' : html`${trouble.step === null ? '' : html`<b>${trouble.step}</b> `}${trouble.text}`}</td>
    </tr>`;
}
