import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { connect, unwrap } from '../client.ts';
import { barriersOf, launchBrowser } from './browser.ts';
import { readDemo } from './demo.ts';

let browser: Browser;
export let page: Page;
export let demo: Awaited<ReturnType<typeof readDemo>>;
let complaints: string[];

export async function launch() {
  demo = await readDemo();
  browser = await launchBrowser();
}

export const quit = () => browser?.close();

/** Closes the page, which has complained of nothing. */
export async function close() {
  expect(complaints).toEqual([]);
  await page.context().close();
}

/** A problem of the API is on the console too. */
export const forgiveComplaints = () => complaints.splice(0);

/** An order of the demo's customer, of two units of two products. @returns its number */
export async function placeOrder(paymentMethod = 'pm_card_visa', shippingMethod?: string): Promise<string> {
  const { baseUrl, clientId, customer } = demo;
  const visitor = connect(baseUrl, { 'Client-Id': clientId });
  const { token } = await unwrap(visitor.POST('/sessions', { body: customer }));
  const { data: products } = await unwrap(visitor.GET('/products', { params: { query: { limit: 2 } } }));
  const shop = connect(baseUrl, { 'Client-Id': clientId, Authorization: `Bearer ${token}` });
  const graz = { postalCode: '8010', city: 'Graz', country: 'AT' };
  const berlin = { postalCode: '10115', city: 'Berlin', country: 'DE' };
  // The demo shop ships to Germany alone by express.
  const place = shippingMethod === 'express' ? berlin : graz;
  const address = { name: 'Ada Lovelace', line1: 'Hauptstraße 5', ...place };
  const order = await unwrap(
    shop.POST('/orders', {
      params: { header: { 'Idempotency-Key': crypto.randomUUID(), Prefer: 'wait=20' } },
      body: {
        lines: products.map(({ id }) => ({ productId: id, quantity: 2 })),
        paymentMethod,
        ...(shippingMethod && { shippingMethod }),
        shippingAddress: address,
        contact: { email: 'ada@example.com', phone: '+43 316 1234' },
        note: 'Please ring twice.',
      },
    }),
  );
  if (paymentMethod === 'pm_card_visa') expect(order.status).toBe('confirmed');
  return order.number;
}

export const staff = () => connect(demo.baseUrl, { Authorization: `Bearer ${demo.appKey}` });
export const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });

/** Ships all of an order. @returns it, without what the parcel has changed */
export async function send(number: string) {
  const api = staff();
  const { data } = await unwrap(api.GET('/orders', { params: { query: { number } } }));
  const order = data[0]!;
  const orderId = order.id;
  const parcel = await unwrap(
    api.POST('/orders/{orderId}/fulfilments', { params: { path: { orderId }, header: once() }, body: {} }),
  );
  const path = { orderId, fulfilmentId: parcel.id };
  const body = { carrier: 'DHL', trackingNumber: '00340434161094021501', trackingUrl: 'https://dhl.example/0034' };
  await unwrap(api.POST('/orders/{orderId}/fulfilments/{fulfilmentId}/shipped', { params: { path }, body }));
  return order;
}

/** Opens a page of the laptop, such as `/admin`. axe-core needs `bypassCSP`: the test alone brings it in. */
export async function open(width: number, colorScheme: 'light' | 'dark', path = '/admin', bypassCSP = true) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    locale: 'en-IE',
    timezoneId: 'Europe/Vienna',
    bypassCSP,
  });
  page = await context.newPage();
  page.setDefaultTimeout(120_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(`${demo.baseUrl}${path}`);
}

/** @param first the title of the place that is shown then */
export async function signIn(first = 'Orders', key = demo.appKey) {
  await page.getByLabel('Key').fill(key);
  await page.keyboard.press('Enter');
  await heading(first);
}

export const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
export const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
/** Presses Find, and waits for the answer: the form is made anew with it. */
export async function search() {
  await page.evaluate(() => document.querySelector<HTMLElement>('#view form')?.setAttribute('data-old', ''));
  await press('Find');
  await page.locator('#view form.filters:not([data-old])').waitFor();
}
export const follow = (name: string) => page.getByRole('link', { name, exact: true }).first().click();
export const see = (text: string | RegExp) => page.getByText(text).first().waitFor();

export const unfold = (name: string) => page.locator('summary', { hasText: name }).first().click();
/** The part of an order with this title. */
export const part = (title: string) =>
  page.locator('section', { has: page.getByRole('heading', { name: title, exact: true }) });

export async function openOrder(number: string) {
  await page.getByLabel('Number, e-mail').fill(number);
  await search();
  await see('1 order');
  await follow(number);
  await heading(`Order ${number}`);
}

/** Nothing on the screen keeps somebody out, and nothing is wider than it. */
export async function looksWell(place: string) {
  const { width } = page.viewportSize()!;
  expect(await barriersOf(page), place).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  if (process.env.SCREENSHOTS) {
    const looks = await page.evaluate(() => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
    const name = new URL(page.url()).pathname.slice(1);
    const path = `${process.env.SCREENSHOTS}/${name}-${looks}-${width}-${place}.png`;
    await page.screenshot({ path, fullPage: width < 500 });
  }
}
