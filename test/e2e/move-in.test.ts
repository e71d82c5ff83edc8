import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { testCustomer } from '../../infra/move-in/test-shop.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { type Checkout, end, makeCheckout, type Running, removeCheckout, start } from './checkout.ts';
import { type Options, patiently, sendOnce } from './client.ts';

/* On a stack of its own: what moves in is written to the database by a tool. */
let checkout: Checkout;
let running: Running;

beforeAll(async () => {
  checkout = await makeCheckout();
  running = await start(checkout, { RATE_LIMIT_PER_MINUTE: '1000000' });
});

afterAll(async () => {
  if (running?.process.exitCode === null) await end(running, 'SIGKILL');
  await removeCheckout(checkout);
});

test('a customer of the previous shop signs in with the old password, sees old orders, and is hashed anew', async ({
  expect,
}) => {
  const shop = join(checkout.folder, 'shop');
  const moveIn = (...args: string[]) => {
    const tool = ['--env-file=.local/functions.env', 'infra/tools/move-in.ts', ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, tool, { cwd: checkout.folder, encoding: 'utf8' });
    expect({ status, stderr, args }).toEqual({ status: 0, stderr: '', args });
    return stdout;
  };
  moveIn('test-shop', shop, '--products', '20', '--customers', '20', '--orders', '200');
  moveIn('assess', shop);
  expect(moveIn('load', shop)).toContain('orders: 203 rows, 200 added, 0 changed, 0 as before, 3 rejected');
  expect(moveIn('verify', shop)).toContain('0 differences');

  for (const customer of [testCustomer(5), testCustomer(10)]) {
    const wrong = await send('POST', '/sessions', { body: { ...customer, password: 'old password 6' } });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } });
    const signedIn = await send('POST', '/sessions', { body: customer });
    expect(signedIn.status).toBe(201);
    const { token } = signedIn.body as { token: string };
    const { body: list } = await send('GET', '/orders', { token });
    const [order] = (list as { data: Order[] }).data;
    expect(order).toMatchObject({ number: expect.stringMatching(/^WC-\d{4}$/), archived: true, payment: null });
    expect((await send('GET', `/orders/${order!.id}`, { token })).body).toMatchObject({ lines: order!.lines });
    expect((await send('GET', `/orders/${order!.id}/timeline`, { token })).status).toBe(200);
    const refund = { token: running.demo.appKey, body: { reason: 'broken' }, key: `refund-${order!.id}` };
    expect((await send('POST', `/orders/${order!.id}/refunds`, refund)).status).toBe(409);
    expect((await send('POST', '/sessions', { body: customer })).status).toBe(201);
  }
  const products = await send('GET', '/products', { query: { q: 'shirt' } });
  const [shirt] = (products.body as { data: { id: string; sku: string }[] }).data.filter(
    ({ sku }) => sku === 'OLD-SHIRT',
  );
  const { body: read } = await send('GET', `/products/${shirt!.id}`);
  const [small] = (read as { variants: { id: string }[] }).variants;
  const { body: session } = await send('POST', '/sessions', { body: testCustomer(7) });
  const ordered = await send('POST', '/orders', {
    token: (session as { token: string }).token,
    body: { lines: [{ productId: small!.id, quantity: 1 }], paymentMethod: 'pm_card_visa' },
    key: 'first-order-here',
    wait: 20,
  });
  expect(ordered.body).toMatchObject({ status: 'confirmed' });
});

const send = (method: string, path: string, options: Options = {}) =>
  patiently(() =>
    sendOnce(method, path, {
      baseUrl: `http://localhost:${checkout.port}`,
      clientId: running.demo.clientId,
      ...options,
    }),
  );
