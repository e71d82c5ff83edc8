import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect, unwrap } from '../client.ts';
import { formatMoney } from '../money.ts';
import { buildPage } from '../reports/build.ts';
import type { CohortsReport, CustomersReport, SalesReport } from '../reports/reports.ts';
import { makeHistory } from './history.ts';
import {
  close,
  demo,
  follow,
  forgiveComplaints,
  heading,
  launch,
  looksWell,
  once,
  open,
  page,
  part,
  press,
  quit,
  see,
  signIn,
  staff,
  unfold,
} from './staff.ts';

/** Of an application that may see reports and have them sent, and nothing else. */
let key: string;

beforeAll(async () => {
  await launch();
  await makeHistory();
  key = await register(['reports:read', 'reports:schedule']);
  // The first report starts the reader, and may be answered with 503 meanwhile. The page asks again, as a test below sees.
  await vi.waitFor(() => unwrap(api().GET('/reports/sales')), { timeout: 120_000, interval: 500 });
  await sendFeed();
});
afterAll(quit);

/** The support says of the demo's customer that they were in touch; of two others nobody knows anything. */
async function sendFeed(): Promise<void> {
  const hash = (email: string) => createHash('sha256').update(email).digest('hex');
  const { asOf: at } = (await unwrap(api().GET('/reports/live'))) as { asOf: string };
  const rows = [
    { id: 't-1', kind: 'ticket', emailHash: hash(demo.customer.email), at, topic: 'delivery', status: 'open' },
    { id: 'c-1', kind: 'interaction', emailHash: hash(demo.customer.email), at, channel: 'chat' },
    { id: 'c-2', kind: 'interaction', emailHash: hash('nobody@example.com'), at, channel: 'chat' },
  ];
  const response = await fetch(`${demo.baseUrl}/customer-feeds/support`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${await register(['feeds:write'])}` },
    body: rows.map((row) => JSON.stringify(row)).join('\n'),
  });
  expect(await response.json()).toMatchObject({ rows: { loaded: 2, failed: 1 } });
}

async function register(
  scopes: ('reports:read' | 'reports:schedule' | 'catalog:read' | 'feeds:write')[],
): Promise<string> {
  const body = { name: 'Owner', kind: 'server' as const, scopes, contact: 'owner@example.com' };
  const { id: applicationId } = await unwrap(staff().POST('/applications', { body }));
  const params = { path: { applicationId }, header: once() };
  return (await unwrap(staff().POST('/applications/{applicationId}/keys', { params, body: {} }))).key;
}

/** Sells one unit of a product of its own. */
async function sell(price: { amount: number; currency: string }): Promise<void> {
  const product = await unwrap(
    staff().POST('/products', { body: { sku: `IN-${price.currency}`, name: `Thing in ${price.currency}`, price } }),
  );
  const params = { path: { productId: product.id } };
  await unwrap(
    staff().POST('/products/{productId}/stock-movements', { params, body: { quantity: 1, reason: 'opening stock' } }),
  );
  const { baseUrl, clientId, customer } = demo;
  const { token } = await unwrap(connect(baseUrl, { 'Client-Id': clientId }).POST('/sessions', { body: customer }));
  const order = await unwrap(
    connect(baseUrl, { 'Client-Id': clientId, Authorization: `Bearer ${token}` }).POST('/orders', {
      params: { header: { ...once(), Prefer: 'wait=20' } },
      body: { lines: [{ productId: product.id, quantity: 1 }], paymentMethod: 'pm_card_visa' },
    }),
  );
  expect(order).toMatchObject({ status: 'confirmed', total: price });
}

const api = () => connect(demo.baseUrl, { Authorization: `Bearer ${key}` });
const salesOf = async (groupBy: 'day' | 'product') =>
  (await unwrap(api().GET('/reports/sales', { params: { query: { groupBy, zone: 'Europe/Vienna' } } }))) as SalesReport;
const euros = (amount: number) => formatMoney({ amount, currency: 'EUR' }, 'en-IE');
const chart = () => page.getByRole('slider');
const show = async (field: string, option: string) => {
  await page.getByLabel(field, { exact: true }).selectOption(option);
  await press('Show');
};

describe.each([
  { looks: 'light and wide', width: 1200, colorScheme: 'light' as const },
  { looks: 'dark and 390 px wide', width: 390, colorScheme: 'dark' as const },
])('the page of reports, $looks', ({ width, colorScheme }) => {
  beforeEach(() => open(width, colorScheme, '/reports'));
  afterEach(close);

  test('every report is accessible, and nothing is wider than the screen', async () => {
    await looksWell('sign-in');
    await signIn('Sales', key);
    await page.locator('.chart canvas').waitFor();
    await looksWell('sales');
    await show('By', 'product');
    await page.getByRole('rowheader', { name: 'Teapot (TEAPOT)' }).waitFor();
    await looksWell('by-product');
    for (const name of ['Margin', 'Products', 'Stock', 'Now', 'Cohorts', 'Exports', 'Sent reports', 'Customers']) {
      await follow(name);
      await heading(name);
      await looksWell(name.toLowerCase());
    }
    await page.locator('tbody th a').first().click();
    await heading('Customer');
    await looksWell('customer');
  });
});

describe('who reads reports', () => {
  beforeEach(async () => {
    await open(1200, 'light', '/reports', false);
    await signIn('Sales', key);
  });
  afterEach(close);

  test('sees the sums and days of the API, and where they come from', async () => {
    const { data } = await salesOf('day');
    const sum = data.reduce((all, { sales }) => all + sales, 0);
    expect(await part('EUR').locator('dt:text-is("Sales") + dd').textContent()).toBe(euros(sum));
    expect(await part('EUR').locator('tbody tr').count()).toBe(data.length);
    expect(await chart().getAttribute('aria-valuemax')).toBe('29');
    await see('The warehouse was never loaded, so nothing comes from it.');
    await see('from the copy that follows the database');
    await show('By', 'product');
    await page.getByRole('rowheader', { name: 'Teapot (TEAPOT)' }).waitFor();
    // An order of two products is in both rows.
    expect(await part('EUR').locator('tfoot td').nth(1).textContent()).toBe('–');
    await page.goBack();
    await chart().waitFor();
    await follow('Margin');
    const tile = (name: string) => part('EUR').locator(`dt:text-is("${name}") + dd`).textContent();
    await part('EUR').waitFor();
    const [earned, revenue] = await Promise.all(['Margin', 'Revenue'].map(tile));
    const inCents = (text: string | null) => Number(text!.replaceAll(/\D/g, ''));
    const share = Math.round((inCents(earned!) * 1000) / inCents(revenue!)) / 10;
    expect(await tile('Margin in %')).toBe(`${share} %`);
    expect(await part('EUR').locator('tfoot td').nth(1).textContent()).toBe(`${share} %`);
  });

  test('shows no figure in two lines, however many digits it has', async () => {
    const live = (await unwrap(api().GET('/reports/live'))) as object;
    const today = ['EUR', 'KWD', 'HUF', 'JPY'].map((currency) => ({ currency, orders: 3, sales: 123_456_789_012 }));
    await page.route('**/reports/live?*', (route) => route.fulfill({ json: { ...live, today } }));
    for (const width of [1200, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await follow('Sales');
      await follow('Now');
      await see('KWD\u00a0123,456,789.012');
      const figures = page.locator('.tiles dd');
      const heights = await figures.evaluateAll((all) => all.map((figure) => figure.getBoundingClientRect().height));
      expect(new Set(heights).size, `${heights}`).toBe(1);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  });

  test('chooses days and a currency in which nothing was sold', async () => {
    const from = (await salesOf('day')).data[0]!.key!;
    await page.getByLabel('First day').fill(from);
    await page.getByLabel('Last day').fill(from);
    await press('Show');
    await page.locator('tbody tr').nth(1).waitFor({ state: 'detached' });
    expect(await page.locator('tbody tr').count()).toBe(1);
    expect(await page.getByLabel('Period').inputValue()).toBe('own');
    await show('Currency', 'CHF');
    await see('Nothing was sold or given back on these days.');
    await page.reload();
    await signIn('Sales', key);
    expect(await page.getByLabel('First day').inputValue()).toBe(from);
  });

  test('goes through a chart and sorts a table by the keyboard', async () => {
    const { data } = await salesOf('day');
    await chart().focus();
    await page.keyboard.press('End');
    expect(await chart().getAttribute('aria-valuetext')).toContain(euros(data.at(-1)!.sales));
    await page.keyboard.press('ArrowLeft');
    expect(await chart().getAttribute('aria-valuetext')).toContain(euros(data.at(-2)!.sales));
    await page.getByLabel('Chart').selectOption('orders');
    await page.getByRole('slider', { name: 'Orders in EUR by day' }).focus();
    await page.keyboard.press('End');
    await see(`: ${data.at(-1)!.orders}`);
    await page.getByRole('columnheader', { name: 'Sales' }).getByRole('button').press('Enter');
    const most = Math.max(...data.map(({ sales }) => sales));
    expect(await page.locator('tbody tr').first().locator('td').first().textContent()).toBe(euros(most));
    expect(await page.getByRole('columnheader', { name: 'Sales' }).getAttribute('aria-sort')).toBe('descending');
  });

  test('saves the report as CSV, whose name says how old it is', async () => {
    const saving = page.waitForEvent('download');
    await press('Download CSV');
    const file = await saving;
    expect(file.suggestedFilename()).toMatch(/^sales-day-[\d-]{10}-[\d-]{10}-as-of-[\dTZ-]+\.csv$/);
    const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
    const { data } = await salesOf('day');
    expect(lines).toHaveLength(data.length + 1);
    expect(lines[1]).toBe(Object.values(data[0]!).join(','));
  });

  test('finds customers by what they bought, and reads how one was in touch', async () => {
    const { data, sources } = (await unwrap(api().GET('/reports/customers'))) as CustomersReport;
    await follow('Customers');
    await heading('Customers');
    const feed = page.getByRole('row', { name: /^support/ });
    expect(await feed.locator('td').nth(2).textContent()).toBe(String(sources[0]!.rows));
    const [first] = data;
    const row = page.getByRole('row', { name: new RegExp(first!.email!.replace(/[.…]/g, '.')) });
    expect(await row.locator('td').nth(2).textContent()).toBe(euros(first!.sales));
    await row.getByRole('link').press('Enter');
    await heading('Customer');
    await page.getByRole('rowheader', { name: 'EUR' }).waitFor();
    expect(await part('How the customer was in touch').locator('tbody tr').count()).toBe(2);
    await see('delivery');
    // The demo's customer has signed in to order.
    const sessions = part('Sessions').locator('dt:text-is("Active") + dd');
    expect(Number(await sessions.textContent())).toBeGreaterThanOrEqual(0);
    await page.getByLabel('Id of a customer').fill(`cus_${'0'.repeat(32)}`);
    await press('Show customer');
    await see('There is no such customer.');
    forgiveComplaints();
    await follow('All customers');
    await show('Has stayed away for', '365');
    await see('No customer is like that.');
  });

  test('reads how many customers of each month came back, and saves it as CSV', async () => {
    const query = { zone: 'Europe/Vienna' };
    const { data } = (await unwrap(api().GET('/reports/cohorts', { params: { query } }))) as CohortsReport;
    await follow('Cohorts');
    await heading('Cohorts');
    const table = part('Came back').locator('tbody tr');
    expect(await table.count()).toBe(new Set(data.map(({ cohort }) => cohort)).size);
    const last = data.filter(({ cohort }) => cohort === data.at(-1)!.cohort);
    const cells = await table.first().locator('td').allTextContents();
    expect(cells.slice(1, last.length + 1)).toEqual(last.map(({ retentionPercent }) => `${retentionPercent} %`));
    const saving = page.waitForEvent('download');
    await press('Download CSV');
    const lines = (await readFile(await (await saving).path(), 'utf8')).trim().split('\r\n');
    expect(lines.slice(1)).toEqual(
      data.map((row) =>
        Object.values(row)
          .map((value) => value ?? '')
          .join(','),
      ),
    );
    await show('Show', 'orders');
    const orders = part('Orders').locator('tbody tr').first().locator('td').nth(1);
    expect(await orders.textContent()).toBe(String(last[0]!.orders));
  });

  test('sees how old each part is when history comes from the warehouse', async () => {
    const at = '2026-11-30T00:00:00.000Z';
    await answer(async ({ parts, ...report }) => {
      const [whole] = parts;
      const old = { source: 'warehouse' as const, from: whole!.from, to: at, asOf: at, lagSeconds: 100_000 };
      return { ...report, stale: true, history: 'used', parts: [old, { ...whole!, from: at }] };
    });
    await press('Show');
    await see(/from the warehouse: as of .*, 28 hours old/);
    await see('Older than this report should be.');
  });
});

describe('who has reports made, in the dark at 390 px', () => {
  beforeEach(async () => {
    await open(390, 'dark', '/reports');
    await signIn('Sales', key);
  });
  afterEach(close);

  test('has all rows of a report made into a file by the keyboard, sees how far it is, and downloads it', async () => {
    await show('By', 'product');
    await page.getByRole('rowheader', { name: 'Teapot (TEAPOT)' }).waitFor();
    await page.getByRole('link', { name: 'All rows as a file' }).press('Enter');
    await heading('Exports');
    await see('product');
    await page.getByRole('button', { name: 'Make the file' }).press('Enter');
    await heading('Export');
    await looksWell('export');
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).press('Enter');
    const file = await saving;
    expect(file.suggestedFilename()).toMatch(/^sales-[\dTZ-]+\.csv$/);
    const rows = (await readFile(await file.path(), 'utf8')).trim().split('\r\n').slice(1);
    const { data } = await salesOf('product');
    expect(rows.map((row) => row.split(',')[0]).toSorted()).toEqual(data.map((row) => row.key).toSorted());
    await follow('All exports');
    await page.getByRole('link', { name: 'sales as csv' }).first().waitFor();
  });

  test('has a report sent every week, pauses and deletes it', async () => {
    await follow('Sent reports');
    await heading('Sent reports');
    await see('No report is sent yet.');
    await page.getByLabel('Name', { exact: true }).fill('Every Friday');
    await page.getByLabel('Report', { exact: true }).selectOption('stock');
    expect(await page.getByLabel('By', { exact: true }).isVisible()).toBe(false);
    await page.getByLabel('Report', { exact: true }).selectOption('sales');
    await page.getByLabel('Of', { exact: true }).selectOption('last-7-days');
    await page.getByLabel('Every', { exact: true }).selectOption('week');
    await page.getByLabel('On', { exact: true }).selectOption('Friday');
    // Nobody to send it to: what is typed stays, and the API says what is wrong.
    await press('Have it sent');
    await page
      .getByRole('alert')
      .filter({ hasText: /recipient|webhook/ })
      .waitFor();
    forgiveComplaints();
    await page.getByLabel('To, one address a line').fill('owner@example.com\nbooks@example.com');
    await press('Have it sent');
    await heading('Sent report');
    await see('Every Friday at 08:00 of Europe/Vienna');
    await see('owner@example.com, books@example.com');
    expect(await page.locator('dt:text-is("By") + dd').textContent()).toBe('day');
    await see('It was not due yet.');
    await looksWell('subscription');
    await press('Pause');
    await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
    const { data } = await unwrap(api().GET('/report-subscriptions'));
    expect(data).toMatchObject([{ name: 'Every Friday', status: 'paused', parameters: { groupBy: 'day' } }]);
    await press('Resume');
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    await unfold('Delete');
    await press('Delete for good');
    await heading('Sent reports');
    await see('No report is sent yet.');
  });
});

/** Changes what the API answers, to a state that takes hours to come into. */
const answer = (change: (report: SalesReport) => Promise<SalesReport>) =>
  page.route('**/reports/sales?*', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: await change((await response.json()) as SalesReport) });
  });

describe('a refusal', () => {
  afterEach(() => page.context().close());

  const refuse = (report: string, status: number, problem: object, times = 1000) =>
    page.route(
      `**/reports/${report}?*`,
      (route) =>
        route.fulfill({
          status,
          headers: { 'content-type': 'application/problem+json', 'retry-after': '1' },
          body: JSON.stringify({ status, requestId: 'req_1', ...problem }),
        }),
      { times },
    );

  test('says which scope is missing, and leaves the form', async () => {
    await open(390, 'dark', '/reports');
    await signIn('Sales', await register(['catalog:read']));
    await see('This application lacks the scope reports:read.');
    await see('Ask whoever manages the applications of the shop');
    await page.getByLabel('Period').waitFor();
    await looksWell('refused');
  });

  test('of broken history offers today, and of an old reader the sales', async () => {
    await open(1200, 'light', '/reports');
    await refuse('sales', 503, { code: 'history-broken', detail: 'fact_sales/2026-11.parquet is missing.' }, 1);
    await refuse('margin', 503, { code: 'reader-behind', detail: 'The data are 90 s old.' }, 1);
    await signIn('Sales', key);
    await see('fact_sales/2026-11.parquet is missing.');
    await see('No figure is guessed');
    await follow('sales of today');
    await chart().waitFor();
    expect(await page.getByLabel('Days of').inputValue()).toBe('UTC');
    await follow('Margin');
    await see('The data are too old for this report');
    await press('Ask again');
    await part('EUR').waitFor();
  });

  test('of a reader that starts is not shown: the page asks again', async () => {
    await open(1200, 'light', '/reports');
    await refuse('sales', 503, { code: 'unavailable', detail: 'Not now.' }, 2);
    await signIn('Sales', key);
    await chart().waitFor();
  });

  test('comes from nobody when the API cannot be reached, and the last figures stay', async () => {
    await open(1200, 'light', '/reports');
    await signIn('Sales', key);
    await page.route('**/reports/sales?*', (route) => route.abort());
    await press('Show');
    await page.getByRole('alert').getByText('The API cannot be reached.').waitFor();
    await chart().waitFor();
  });
});

test('the static files are the same page, and ask nobody but the API', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-reports-'));
  try {
    await buildPage(folder);
    await open(1200, 'light', '/health', false);
    const asked = new Set<string>();
    page.on('request', (request) => asked.add(new URL(request.url()).origin));
    await page.route(/\/reports(\/page\.js|\/style\.css)?$/, (route) => {
      const { pathname } = new URL(route.request().url());
      return route.fulfill({ path: join(folder, pathname === '/reports' ? '/reports/index.html' : pathname) });
    });
    await page.goto(`${demo.baseUrl}/reports`);
    await signIn('Sales', key);
    await page.locator('.chart canvas').waitFor();
    expect(await page.content()).toContain(`content="default-src 'none'; script-src 'self'`);
    expect([...asked]).toEqual([demo.baseUrl]);
    await close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** The last, since each currency has figures and a chart of its own from now on. */
describe('a shop of several currencies', () => {
  afterEach(close);

  test('reads yen without decimals and dinars with three, each currency by itself, as in the CSV', async () => {
    for (const [currency, amount] of [
      ['JPY', 98],
      ['KWD', 2345],
    ] as const)
      await sell({ amount, currency });
    await vi.waitFor(async () => expect((await salesOf('day')).data.map(({ currency }) => currency)).toContain('KWD'));
    await open(1200, 'light', '/reports');
    await signIn('Sales', key);
    await part('KWD').waitFor();
    const sales = (currency: string) => part(currency).locator('dt:text-is("Sales") + dd').textContent();
    const { data } = await salesOf('day');
    const sum = data.reduce((all, { sales, currency }) => all + (currency === 'EUR' ? sales : 0), 0);
    expect([await sales('JPY'), await sales('KWD'), await sales('EUR')]).toEqual([
      'JP¥98',
      'KWD\u00a02.345',
      euros(sum),
    ]);
    await part('KWD').getByRole('slider').focus();
    await page.keyboard.press('End');
    expect(await part('KWD').getByRole('slider').getAttribute('aria-valuetext')).toContain('KWD\u00a02.345');
    const saving = page.waitForEvent('download');
    await press('Download CSV');
    const lines = (await readFile(await (await saving).path(), 'utf8')).trim().split('\r\n');
    const column = lines[0]!.split(',').indexOf('sales');
    const ofCsv = lines.map((line) => line.split(',')).filter(([, currency]) => /JPY|KWD/.test(currency!));
    expect(ofCsv.map((cells) => [cells[1], cells[column]])).toEqual([
      ['JPY', '98'],
      ['KWD', '2345'],
    ]);
  });
});
