import { unwrap } from '../client.ts';
import { demo, once, placeOrder, send, staff } from './staff.ts';

/** How many orders each day has. */
const days = [2, 1, 0, 3, 1, 2, 4, 0, 2, 3];

/** Sales of ten days until now, of products whose cost is known, with money given back for one order. */
export async function makeHistory(): Promise<void> {
  const api = staff();
  const { data: products } = await unwrap(api.GET('/products'));
  for (const { id, price } of products) {
    const path = { productId: id };
    const { response } = await api.GET('/products/{productId}', { params: { path } });
    const header = { 'If-Match': response.headers.get('etag') ?? '' };
    const cost = { amount: Math.round(price!.amount * 0.6), currency: price!.currency };
    await unwrap(api.PATCH('/products/{productId}', { params: { path, header }, body: { costPrice: cost } }));
  }
  for (const [index, orders] of days.entries()) {
    if (index > 0) await nextDay();
    for (let placed = 0; placed < orders; placed++) {
      const number = await placeOrder('pm_card_visa', placed % 2 === 1 ? 'express' : 'parcel');
      if (index === 3 && placed === 0) await giveBack(number);
    }
  }
}

async function nextDay(): Promise<void> {
  const response = await fetch(`${demo.baseUrl}/test-clock/advance`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seconds: 24 * 3600 }),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function giveBack(number: string): Promise<void> {
  const { id: orderId, total } = await send(number);
  const body = { reason: 'broken', amount: { ...total, amount: 890 } };
  await unwrap(
    staff().POST('/orders/{orderId}/refunds', {
      params: { path: { orderId }, header: { ...once(), Prefer: 'wait=20' } },
      body,
    }),
  );
}
