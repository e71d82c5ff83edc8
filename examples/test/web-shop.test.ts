import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type Line, type Order, unwrap } from '../client.ts';
import { type Customer, hasEnded, openShop, type Shop } from '../web-shop/shop.ts';
import { readDemo } from './demo.ts';

let demo: Awaited<ReturnType<typeof readDemo>>;
let shop: Shop;
let customer: Customer;
let lines: Line[];

beforeAll(async () => {
  demo = await readDemo();
  shop = openShop(demo);
  customer = await shop.signIn(demo.customer.email, demo.customer.password);
  const products = await shop.products();
  const idOf = (sku: string) => products.find((product) => product.sku === sku)!.id;
  lines = [
    { productId: idOf('MUG-BLUE'), quantity: 3 },
    { productId: idOf('TEAPOT'), quantity: 1 },
  ];
});
afterEach(() => vi.restoreAllMocks());

const basket = (paymentMethod = 'pm_card_visa') => ({ lines, paymentMethod, idempotencyKey: crypto.randomUUID() });

test('a visitor sees the products and what they cost together', async () => {
  const quote = await shop.quote(lines);
  expect(quote).toMatchObject({
    subtotal: { amount: 10_650, currency: 'EUR' },
    discount: { amount: 1065, reason: 'large-order' },
    total: { amount: 9585 },
  });
});

test('a wrong password signs nobody in', async () => {
  await expect(shop.signIn(demo.customer.email, 'not the password')).rejects.toMatchObject({
    name: 'ApiProblem',
    code: 'invalid-credentials',
    status: 401,
  });
});

test('an order is confirmed, and its timeline tells how it came to that', async () => {
  const order = await customer.placeOrder(basket());
  expect(order).toMatchObject({ status: 'confirmed', total: { amount: 9585, currency: 'EUR' }, failure: null });
  expect(hasEnded(order)).toBe(true);
  expect(await customer.order(order.id)).toEqual(order);
  expect((await customer.timeline(order.id))[0]).toMatchObject({ type: 'order-placed' });
});

test('an order by a card that is declined has failed, and says why', async () => {
  const order = await customer.placeOrder(basket('pm_card_chargeDeclined'));
  expect(order).toMatchObject({ status: 'failed', payment: null });
  expect(order.failure?.detail).toMatch(/declined/);
});

test('an order whose answer is lost is asked for again, and placed once', async () => {
  const real = globalThis.fetch;
  const answers: Order[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (request, init) => {
    const response = await real(request, init);
    if (!(request instanceof Request) || !request.url.endsWith('/orders')) return response;
    answers.push((await response.clone().json()) as Order);
    if (answers.length === 1) throw new TypeError('the connection was lost');
    return response;
  });
  const unlucky = await shop.signIn(demo.customer.email, demo.customer.password);
  const again = basket();
  const order = await unlucky.placeOrder(again);
  expect(answers.map(({ id }) => id)).toEqual([order.id, order.id]);
  expect((await customer.placeOrder(again)).id).toBe(order.id);
});

test('a customer who has signed out orders no more', async () => {
  const leaving = await shop.signIn(demo.customer.email, demo.customer.password);
  await leaving.signOut();
  await expect(leaving.placeOrder(basket())).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('an answer that is no problem document is a problem all the same', async () => {
  const response = new Response('Bad gateway', { status: 502 });
  await expect(unwrap(Promise.resolve({ response }))).rejects.toMatchObject({
    code: 'unknown',
    message: 'The server answered 502.',
  });
});
