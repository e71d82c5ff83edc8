import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, unwrap } from '../client.ts';
import { pageHandler } from '../web-shop/serve.ts';
import { launchBrowser } from './browser.ts';
import { readDemo } from './demo.ts';

let browser: Browser;
let server: Server;
let origin: string;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  const demo = await readDemo();
  server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const clientId = await registerShop(demo, origin);
  server.on('request', pageHandler({ ...demo, clientId }));
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** A web application of the demo shop that lets in pages of this origin. @returns its id */
async function registerShop({ baseUrl, appKey }: { baseUrl: string; appKey: string }, origin: string): Promise<string> {
  const api = connect(baseUrl, { Authorization: `Bearer ${appKey}` });
  const scopes = ['catalog:read', 'orders:read', 'orders:place', 'customers:read', 'customers:write'] as const;
  const body = {
    name: 'Shop of a test',
    kind: 'web' as const,
    scopes: [...scopes],
    origins: [origin],
    contact: 'a@example.com',
  };
  const { id } = await unwrap(api.POST('/applications', { body }));
  return id;
}

describe.each([
  { looks: 'light and wide', width: 1200, colorScheme: 'light' as const },
  { looks: 'dark and 390 px wide', width: 390, colorScheme: 'dark' as const },
])('the page, $looks', ({ width, colorScheme }) => {
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme, locale: 'en-IE' });
    page.setDefaultTimeout(120_000);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(origin);
  });
  afterEach(() => page.close());

  test('sells: products, basket, sign-in, a card that is declined, an order that is confirmed', async () => {
    await add('Blue mug');
    await add('Teapot');
    await page.getByLabel('Units').first().fill('3');
    await page.getByLabel('Units').first().press('Tab');
    await see('€95.85');
    await see('Sign in to order.');
    await press('Sign in');
    await see('Signed in as ada@example.com');

    await page.getByLabel('Pay with').selectOption('pm_card_chargeDeclined');
    await press('Order and pay');
    await see('Your order has failed.');
    await page.getByLabel('Pay with').selectOption('pm_card_visa');
    await press('Order and pay');
    await see('Your order is confirmed.');
    await see('status changed: confirmed');
    await see('The basket is empty.');
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('tells a visitor whose password is wrong', async () => {
    await page.getByLabel('Password').fill('not the password');
    await press('Sign in');
    await page.getByRole('alert').getByText('password').waitFor();
    await see('You are not signed in.');
  });
});

const add = (name: string) => page.getByRole('button', { name: `Add ${name} to the basket` }).click();
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const see = (text: string) => page.getByText(text).first().waitFor();
