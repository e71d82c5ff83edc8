import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { named, orderRows, testCustomer } from '../../infra/move-in/test-shop.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import type { SalesRow } from '../../lib/contract/api/reports.ts';
import { hasMariaDb, type MariaDb, startMariaDb } from '../support/mariadb.ts';
import { type Checkout, end, makeCheckout, type Running, removeCheckout, start } from './checkout.ts';
import { type Options, patiently, sendOnce } from './client.ts';

/*
 * The commands of docs/move-in.md, one after the other, for a made-up WooCommerce shop: from its files, and from its database where
 * there is a MariaDB. On a stack of its own: what moves in is written to the database by a tool.
 */
const sizes = { products: 20, customers: 20, orders: 200 };

describe.each([
  { from: 'files', kind: 'woocommerce', there: true },
  { from: 'the database', kind: 'wordpress', there: hasMariaDb },
])('a WooCommerce shop moves in from $from', ({ kind, there }) => {
  let checkout: Checkout;
  let running: Running;
  let server: MariaDb | undefined;

  beforeAll(async () => {
    if (!there) return;
    checkout = await makeCheckout();
    running = await start(checkout, { RATE_LIMIT_PER_MINUTE: '1000000' });
  });

  afterAll(async () => {
    if (running?.process.exitCode === null) await end(running, 'SIGKILL');
    if (checkout !== undefined) await removeCheckout(checkout);
    await server?.stop();
  });

  test.runIf(there)(
    'its customers sign in with their old passwords, its orders are reported, and verify finds what is wrong',
    async ({ expect }) => {
      const run = (args: string[], status = 0) => {
        const { stdout, stderr, ...ended } = spawnSync(process.execPath, ['--env-file=.local/functions.env', ...args], {
          cwd: checkout.folder,
          env: { ...process.env, MOVE_IN_PASSWORD: 'reads' },
          encoding: 'utf8',
        });
        expect({ status: ended.status, stderr: status === 0 ? stderr : '', args }).toEqual({
          status,
          stderr: '',
          args,
        });
        return stdout + stderr;
      };
      const moveIn = (...args: string[]) => run(['infra/tools/move-in.ts', ...args]);
      const folder = join(checkout.folder, 'shop');
      const counts = Object.entries(sizes).flatMap(([name, size]) => [`--${name}`, String(size)]);
      moveIn('test-shop', folder, '--kind', kind, ...counts);
      let shop = [folder];
      if (kind === 'wordpress') {
        server = await startMariaDb();
        await server.query('create database shop character set utf8mb4');
        await server.query(await readFile(join(folder, 'shop.sql'), 'utf8'), 'shop');
        await server.query(
          "create user reader@'127.0.0.1' identified by 'reads'; grant select on shop.* to reader@'127.0.0.1'",
        );
        shop = [`mysql://reader@127.0.0.1:${server.port}/shop`, '--out', join(checkout.folder, 'report')];
      }
      // With fees, a database has one order more.
      const orders = sizes.orders + (kind === 'wordpress' ? 1 : 0);
      expect(moveIn('assess', ...shop, '--measure')).toMatch(/A first load takes \d+ to \d+ seconds here/);
      expect(moveIn('load', ...shop)).toContain(
        `orders: ${orders + 3} rows, ${orders} added, 0 changed, 0 as before, 3 rejected`,
      );
      expect(moveIn('verify', ...shop)).toContain(`${orders} orders compared, 0 differences`);
      expect(moveIn('cut-over', ...shop, '--rehearse')).toMatch(/Rehearsed: the old shop would be closed for [\d.]+ s/);

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

      const wanted = salesOf('EUR', '2021-05');
      const reported = async () => {
        const path = '/reports/sales?from=2021-05-01&to=2021-05-31&groupBy=month';
        const { body } = await send('GET', path, { token: running.demo.appKey });
        return (body as { data: SalesRow[] }).data.find(({ currency }) => currency === 'EUR');
      };
      await expect.poll(reported).toMatchObject(wanted);

      const products = await send('GET', '/products?q=shirt');
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

      const oldId = (number: number) => (kind === 'wordpress' ? 10_000_000 - 1000 + number : number);
      const plant = (statement: string) =>
        run([
          '--input-type=module',
          '--eval',
          `import { sqlAs } from './lib/platform/sql.ts'; const sql = sqlAs('migrator'); await sql\`${statement}\`; await sql.end();`,
        ]);
      plant("delete from archive.order_keys where number = 'WC-1100'");
      plant(`update archive.pages p set documents = jsonb_set(p.documents, array[k.id::text, 'order', 'total'], '1')
      from archive.order_keys k where k.page_id = p.id and k.number = 'WC-1150'`);
      plant("update catalog.products set price_amount = 1 where sku = 'OLD-12'");
      const found = run(['infra/tools/move-in.ts', 'verify', ...shop], 1);
      expect(found).toMatch(/^products 12: has price .*"amount":1\b.* and not /m);
      expect(found).toMatch(new RegExp(`^orders ${oldId(1100)}: is missing$`, 'm'));
      expect(found).toMatch(/^orders EUR \d{4}-\d\d: has \d+ orders of \d+ and not \d+ of \d+ /m);
    },
  );

  const send = (method: string, path: string, options: Options = {}) =>
    patiently(() =>
      sendOnce(method, path, {
        baseUrl: `http://localhost:${checkout.port}`,
        clientId: running.demo.clientId,
        ...options,
      }),
    );
});

/** What the files say that was sold, and given back, in a month. */
function salesOf(currency: string, month: string) {
  const all = [...orderRows(sizes)]
    .slice(0, sizes.orders)
    .map((row) => named('orders', row))
    .filter((row) => row.order_currency === currency);
  const sold = all.filter(({ date, status }) => date!.startsWith(month) && status !== 'failed');
  const cents = (text: string | undefined) => Math.round(Number(text) * 100);
  const sum = (of: (row: (typeof sold)[number]) => number, rows = sold) => rows.reduce((so, row) => so + of(row), 0);
  const field = (name: string) => (row: (typeof sold)[number]) =>
    cents(new RegExp(`${name}:([\\d.]+)`).exec(row.line_items!)![1]);
  const refunds = sum(
    (row) => cents(/amount:([\d.]+)/.exec(row.refunds!)![1]),
    all.filter((row) => row.refunds!.includes(`date:${month}`)),
  );
  return {
    ...{ orders: sold.length, gross: sum(field('sub_total')), refunds },
    discounts: sum((row) => field('sub_total')(row) - field('\\btotal')(row)),
    shipping: sum((row) => cents(row.shipping_total)),
    net: sum((row) => cents(row.order_total)) - refunds,
  };
}
