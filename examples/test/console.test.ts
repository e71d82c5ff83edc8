import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { barriersOf, launchBrowser } from './browser.ts';
import { readDemo } from './demo.ts';

let browser: Browser;
let page: Page;
let demo: Awaited<ReturnType<typeof readDemo>>;
let token: string;
let products: { id: string }[];
let complaints: string[] = [];

beforeAll(async () => {
  demo = await readDemo();
  browser = await launchBrowser();
  const listed = await fetch(`${demo.baseUrl}/products`, { headers: { 'client-id': demo.clientId } });
  products = ((await listed.json()) as { data: typeof products }).data;
  ({ token } = (await post('/sessions', { 'client-id': demo.clientId }, demo.customer)) as { token: string });
});
afterAll(() => browser?.close());
afterEach(async () => {
  expect(complaints).toEqual([]);
  await page?.context().close();
});

async function post(path: string, headers: Record<string, string>, body: object): Promise<unknown> {
  const response = await fetch(demo.baseUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return response.json();
}

async function place(paymentMethod = 'pm_card_visa', wait = 20): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, 'idempotency-key': randomUUID(), prefer: `wait=${wait}` };
  const lines = products.slice(0, 2).map(({ id }) => ({ productId: id, quantity: 2 }));
  return ((await post('/orders', headers, { lines, paymentMethod })) as { id: string }).id;
}

async function open(
  path: string,
  { width = 1280, height = 860, colorScheme = 'light' as 'light' | 'dark' } = {},
): Promise<void> {
  // axe-core is brought in by the test alone.
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, bypassCSP: true });
  page = await context.newPage();
  page.setDefaultTimeout(120_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(demo.baseUrl + path);
  await page.getByText('live', { exact: true }).waitFor();
}

async function checkLooks(name: string, width: number): Promise<void> {
  expect(await barriersOf(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/console-${name}.png` });
}

describe.each([
  { looks: 'light', width: 1280, colorScheme: 'light' as const },
  { looks: 'dark', width: 1280, colorScheme: 'dark' as const },
  { looks: '390', width: 390, colorScheme: 'dark' as const },
])('the console, $looks', ({ looks, width, colorScheme }) => {
  test('shows the list of orders and an order that failed', async () => {
    await place();
    const id = await place('pm_card_chargeDeclined');
    await open('/console', { width, colorScheme });
    await page.locator(`a[title=${id}]`).waitFor();
    await checkLooks(`orders-${looks}`, width);
    await page.locator(`a[title=${id}]`).click();
    await page.getByText('PaymentDeclined').first().waitFor();
    await page.locator('.node.failed').first().waitFor();
    await checkLooks(`order-${looks}`, width);
  });
});

test('an order that waits for a person shows why, and what may be done', async () => {
  const id = await place('pm_timeoutAlways', 0);
  await open(`/console/orders/${id}`, { width: 960, height: 600 });
  await page.getByRole('button', { name: 'Retry the compensation' }).waitFor();
  await page.getByText('RefundPayment could not be done').waitFor();
  await checkLooks('review', 960);
});

test.each([
  { looks: 'light', width: 1280, colorScheme: 'light' as const },
  { looks: '390', width: 390, colorScheme: 'dark' as const },
])('the dashboards are drawn over what was measured, $looks', async ({ looks, width, colorScheme }) => {
  await place();
  await open('/console/overview?range=5', { width, colorScheme });
  await page.getByText('Is it working?').waitFor();
  // Which operations are named depends on what else the stack was asked.
  await page.getByRole('img', { name: /^Requests by operation\. Last values: [a-z-]+ \d/ }).waitFor();
  await page.getByText('Requests by application and operation').waitFor();
  await checkLooks(`overview-${looks}`, width);
});

test.each([
  { looks: 'dark', width: 1280, colorScheme: 'dark' as const },
  { looks: '390', width: 390, colorScheme: 'light' as const },
])('requests and parts are there to look into, $looks', async ({ looks, width, colorScheme }) => {
  const id = await place();
  await open(`/console/requests?text=${id}`, { width, colorScheme });
  await page.getByRole('link', { name: 'place-order' }).click();
  await page.getByText('step ChargePayment').waitFor();
  await page.getByText('saga/confirm-order').first().waitFor();
  await page.getByRole('button', { name: 'SQL' }).first().press('Enter');
  await page.getByLabel('Plan', { exact: true }).waitFor();
  await checkLooks(`request-${looks}`, width);
  await page.getByRole('link', { name: 'Parts' }).click();
  for (const [part, text] of Object.entries({
    PostgreSQL: 'orders.orders',
    DynamoDB: 'charges',
    'Events and webhooks': 'Every event is published.',
    Schedules: 'sweep-orders',
    Mails: 'The last mails since the start.',
    Cache: 'loaded',
  })) {
    await page.getByLabel('Parts').getByRole('link', { name: part, exact: true }).click();
    await page.getByText(text).first().waitFor();
    await checkLooks(`${part.split(' ')[0]!.toLowerCase()}-${looks}`, width);
  }
});

test('the clock moves by a button', async () => {
  await open('/console');
  await page.locator('summary', { hasText: '20' }).click();
  await page.getByRole('button', { name: '+1 min' }).click();
  await page.locator('summary .count', { hasText: '+' }).waitFor();
});

test('an order is on the page soon after its request, without loading anything again', async () => {
  await open('/console');
  const id = await place('pm_card_visa', 0);
  await page.locator(`a[title=${id}]`).waitFor();
  await page.locator(`tr:has(a[title=${id}]) .status.confirmed`).waitFor();
});

test('a charge that is declined by a button fails the next order, with what compensated it in its colour', async () => {
  await open('/console');
  await page.getByText('Faults').click();
  await page.getByRole('button', { name: 'Decline the next charge' }).click();
  await page.getByText('Armed: waits for its step.').waitFor();
  const id = await place('pm_card_visa', 0);
  await page.locator(`tr:has(a[title=${id}]) .status.failed`).waitFor();
  await page.locator(`a[title=${id}]`).click();
  await page.locator('.node.failed', { hasText: 'ChargePayment' }).waitFor();
  await page.locator('.node.done.compensates', { hasText: 'ReleaseStock' }).waitFor();
  expect(await page.locator('.edge.back').count()).toBeGreaterThan(0);
});

test('the keyboard alone leads from the search to an order and back', async () => {
  const id = await place();
  await open('/console');
  await page.locator(`a[title=${id}]`).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(id);
  await expect.poll(() => page.locator('[data-row]').count()).toBe(1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: id }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Orders' }).waitFor();
});
