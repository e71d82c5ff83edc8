import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, unwrap } from '../client.ts';
import { launchBrowser } from './browser.ts';
import { readDemo } from './demo.ts';

let browser: Browser;
let page: Page;
let demo: Awaited<ReturnType<typeof readDemo>>;
let axe: string;
let complaints: string[];
let number: string;

beforeAll(async () => {
  demo = await readDemo();
  axe = await readFile(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
  browser = await launchBrowser();
  number = await placeOrder();
});
afterAll(() => browser?.close());

/** An order of the demo's customer that is confirmed. @returns its number */
async function placeOrder(): Promise<string> {
  const { baseUrl, clientId, customer } = demo;
  const visitor = connect(baseUrl, { 'Client-Id': clientId });
  const { token } = await unwrap(visitor.POST('/sessions', { body: customer }));
  const { data: products } = await unwrap(visitor.GET('/products', { params: { query: { limit: 2 } } }));
  const shop = connect(baseUrl, { 'Client-Id': clientId, Authorization: `Bearer ${token}` });
  const address = { name: 'Ada Lovelace', line1: 'Hauptstraße 5', postalCode: '8010', city: 'Graz', country: 'AT' };
  const order = await unwrap(
    shop.POST('/orders', {
      params: { header: { 'Idempotency-Key': crypto.randomUUID(), Prefer: 'wait=20' } },
      body: {
        lines: products.map(({ id }) => ({ productId: id, quantity: 2 })),
        paymentMethod: 'pm_card_visa',
        shippingAddress: address,
        contact: { email: 'ada@example.com', phone: '+43 316 1234' },
        note: 'Please ring twice.',
      },
    }),
  );
  expect(order.status).toBe('confirmed');
  return order.number;
}

async function open(width: number, colorScheme: 'light' | 'dark') {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    locale: 'en-IE',
    // axe-core is brought in by the test alone.
    bypassCSP: true,
  });
  page = await context.newPage();
  page.setDefaultTimeout(120_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(`${demo.baseUrl}/admin`);
}

async function signIn() {
  await page.getByLabel('Key').fill(demo.appKey);
  await page.keyboard.press('Enter');
  await heading('Orders');
}

const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
/** Presses Find, and waits for the answer: the form is made anew with it. */
async function search() {
  await page.evaluate(() => document.querySelector<HTMLElement>('#view form')?.setAttribute('data-old', ''));
  await press('Find');
  await page.locator('#view form.filters:not([data-old])').waitFor();
}
const follow = (name: string) => page.getByRole('link', { name, exact: true }).first().click();
const see = (text: string | RegExp) => page.getByText(text).first().waitFor();

async function openOrder() {
  await page.getByLabel('Number, e-mail').fill(number);
  await search();
  await see('1 order');
  await follow(number);
  await heading(`Order ${number}`);
}

describe.each([
  { looks: 'light and wide', width: 1200, colorScheme: 'light' as const },
  { looks: 'dark and wide', width: 1200, colorScheme: 'dark' as const },
  { looks: 'dark and 390 px wide', width: 390, colorScheme: 'dark' as const },
])('the back office, $looks', ({ width, colorScheme }) => {
  beforeEach(() => open(width, colorScheme));
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('every place is accessible, and nothing is wider than the screen', async () => {
    await looksWell('sign-in');
    await signIn();
    await looksWell('orders');
    await openOrder();
    await page.locator('summary').first().click();
    await looksWell('order');
    for (const [link, title] of [
      ['Products', 'Products'],
      ['Customers', 'Customers'],
      ['Review', 'Manual review'],
    ] as const) {
      await follow(link);
      await heading(title);
      await looksWell(link.toLowerCase());
    }
    await follow('Products');
    await heading('Products');
    await follow('Teapot');
    await heading('Teapot');
    await looksWell('product');
    await follow('Customers');
    await heading('Customers');
    await follow('Ada Lovelace');
    await heading('Ada Lovelace');
    await looksWell('customer');
  });

  async function looksWell(place: string) {
    await page.addScriptTag({ content: axe });
    const { violations } = await page.evaluate(() =>
      (
        window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
      ).axe.run(),
    );
    expect(violations.map(({ id, nodes }) => `${place}: ${id}: ${nodes[0]!.html.slice(0, 150)}`)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    if (process.env.SCREENSHOTS) {
      const path = `${process.env.SCREENSHOTS}/admin-${colorScheme}-${width}-${place}.png`;
      await page.screenshot({ path, fullPage: width < 500 });
    }
  }
});

describe('the staff', () => {
  beforeEach(async () => {
    await open(1200, 'light');
    await signIn();
  });
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('find an order by its number, e-mail and status, and read it', async () => {
    await openOrder();
    for (const text of ['Hauptstraße 5', 'ada@example.com', '+43 316 1234', 'Please ring twice.', 'order placed']) {
      await see(text);
    }
    await page.goBack();
    await page.getByLabel('Number, e-mail').fill('ada@example.com');
    await page.getByLabel('Status').selectOption('confirmed');
    await search();
    await page.getByRole('link', { name: number }).waitFor();
    await page.getByLabel('Status').selectOption('cancelled');
    await search();
    await see('No order meets all of this.');
  });

  test('refund a part of a payment once, and are told when it is too much', async () => {
    await openOrder();
    await page.locator('summary', { hasText: 'Refund money' }).click();
    await page.getByLabel('Amount in EUR').fill('99999');
    await page.getByLabel('Reason').fill('broken');
    await press('Refund');
    await page.getByRole('alert').getByText('are left').waitFor();
    complaints.splice(0);
    await page.getByLabel('Amount in EUR').fill('1,50');
    await press('Refund');
    await page.getByRole('cell', { name: '€1.50' }).waitFor();
    expect(await page.getByRole('row').filter({ hasText: 'broken' }).count()).toBe(1);
  });

  test('add a product, put it in stock, change its price and take it off sale', async () => {
    await follow('Products');
    await heading('Products');
    await page.locator('summary', { hasText: 'Add a product' }).click();
    const sku = `ADMIN-${Date.now()}`;
    await page.getByLabel('SKU', { exact: true }).fill(sku);
    await page.getByLabel('Name', { exact: true }).fill('Sugar bowl');
    await page.getByLabel('Price', { exact: true }).fill('19.90');
    await press('Add');
    await heading('Sugar bowl');
    await page.getByLabel('Units, with').fill('12');
    await page.getByLabel('Reason').fill('first delivery');
    await press('Move stock');
    await page.getByRole('cell', { name: 'first delivery' }).waitFor();
    await page.getByLabel('Price in EUR').fill('21');
    await page.getByLabel('Sale').selectOption('no');
    await press('Save');
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>('[name=amount]')?.value === '21.00');
    expect(await page.getByLabel('Sale').inputValue()).toBe('no');
    await follow('Products');
    await page.getByLabel('Show').selectOption('off');
    await search();
    await page.getByRole('link', { name: 'Sugar bowl' }).first().waitFor();
  });

  test('find a customer by the beginning of a name, and see what they bought', async () => {
    await follow('Customers');
    await heading('Customers');
    await page.getByLabel('Words of a name').fill('lovel ada');
    await search();
    await see('1 customer');
    await follow('Ada Lovelace');
    await see('Orders in EUR');
    await page.getByRole('link', { name: number }).waitFor();
  });

  test('do all of it by the keyboard, and find the way back', async () => {
    await page.keyboard.press('Tab');
    await page.getByRole('heading', { name: 'Orders', level: 1 }).focus();
    await page.getByRole('link', { name: 'Products' }).focus();
    await page.keyboard.press('Enter');
    await heading('Products');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await page.goBack();
    await heading('Orders');
  });

  test('sign out, and the key is gone', async () => {
    await press('Sign out');
    await heading('Sign in');
    expect(await page.getByLabel('Key').inputValue()).toBe('');
    expect(await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length)).toBe(0);
  });
});

test('a key that is none is refused in one sentence', async () => {
  await open(390, 'light');
  await page.getByLabel('Key').fill('cfk_guess');
  await press('Sign in');
  await page.getByRole('alert').getByText('token').waitFor();
  await heading('Sign in');
  await page.context().close();
});

test('the address that npm start prints fills in the key of the demo shop', async () => {
  const token = createHash('sha256').update(`docs ${demo.appKey}`).digest('base64url').slice(0, 22);
  await open(390, 'light');
  await page.goto(`${demo.baseUrl}/admin#demo=${token}`);
  await page.reload();
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('#key')?.value.startsWith('cfk_'));
  expect(new URL(page.url()).hash).toBe('');
  await press('Sign in');
  await heading('Orders');
  await page.context().close();
});

test('the page asks nobody but the API', async () => {
  const { headers } = await fetch(`${demo.baseUrl}/admin`);
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';/,
  );
});
