import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unwrap } from '../client.ts';
import {
  close,
  demo,
  follow,
  heading,
  launch,
  looksWell,
  once,
  open,
  openOrder,
  page,
  placeOrder,
  press,
  quit,
  search,
  see,
  send,
  signIn,
  staff,
} from './staff.ts';

let number: string;
let returned: string;

beforeAll(async () => {
  await launch();
  number = await placeOrder();
  returned = await placeOrder();
  await sendAndReturn(returned);
});
afterAll(quit);

/** Ships all of an order. One unit of each product is to come back, and one of the first has arrived before. */
async function sendAndReturn(number: string) {
  const api = staff();
  const { id: orderId, lines } = await send(number);
  const ask = (units: { productId: string }[]) =>
    unwrap(
      api.POST('/orders/{orderId}/returns', {
        params: { path: { orderId }, header: once() },
        body: { lines: units.map(({ productId }) => ({ productId, quantity: 1, reason: 'damaged' as const })) },
      }),
    );
  const { id: returnId } = await ask(lines.slice(0, 1));
  await unwrap(
    api.POST('/orders/{orderId}/returns/{returnId}/receive', {
      params: { path: { orderId, returnId }, header: once() },
      body: { lines: [{ productId: lines[0]!.productId, restock: 1 }] },
    }),
  );
  await ask(lines);
}

describe.each([
  { looks: 'light and wide', width: 1200, colorScheme: 'light' as const },
  { looks: 'dark and wide', width: 1200, colorScheme: 'dark' as const },
  { looks: 'dark and 390 px wide', width: 390, colorScheme: 'dark' as const },
])('the back office, $looks', ({ width, colorScheme }) => {
  beforeEach(() => open(width, colorScheme));
  afterEach(close);

  test('every place is accessible, and nothing is wider than the screen', async () => {
    await looksWell('sign-in');
    await signIn();
    await looksWell('orders');
    await openOrder(number);
    for (const summary of await page.locator('summary').all()) await summary.click();
    await looksWell('order');
    await follow('Orders');
    await heading('Orders');
    await openOrder(returned);
    for (const summary of await page.locator('summary').all()) await summary.click();
    await looksWell('returned');
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
});

describe('the staff', () => {
  beforeEach(async () => {
    await open(1200, 'light');
    await signIn();
  });
  afterEach(close);

  test('find an order by its number, e-mail and status, and read it', async () => {
    await openOrder(number);
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

  test('find the variants of a product in the list, each with its own price and stock', async () => {
    const api = staff();
    const sku = `SHIRT-${Date.now()}`;
    const options = [{ name: 'Size', values: ['S', 'M'] }];
    const price = { amount: 2000, currency: 'EUR' };
    // Off sale, since the web shop may be open.
    const body = { sku, name: 'Shirt', price, options, active: false };
    const shirt = await unwrap(api.POST('/products', { body }));
    for (const [size, amount] of [
      ['S', 2000],
      ['M', 2200],
    ] as const) {
      await unwrap(
        api.POST('/products/{productId}/variants', {
          params: { path: { productId: shirt.id } },
          body: { sku: `${sku}-${size}`, optionValues: { Size: size }, price: { amount, currency: 'EUR' } },
        }),
      );
    }
    await follow('Products');
    await heading('Products');
    await page.getByLabel('Words of name').fill(sku);
    await page.getByLabel('Show').selectOption('off');
    await search();
    const row = page.getByRole('row').filter({ hasText: sku });
    await row.getByText('€20.00 – €22.00').waitFor();
    await row.getByText('Variants by Size').click();
    await row.getByRole('listitem').first().waitFor();
    await looksWell('variants');
    await row
      .getByRole('listitem')
      .filter({ hasText: `${sku}-M €22.00 out of stock` })
      .getByRole('link')
      .click();
    await see(`${sku}-M`);
    await page.getByLabel('Units, with').fill('3');
    await page.getByLabel('Reason').fill('first delivery');
    await press('Move stock');
    await page.getByRole('cell', { name: 'first delivery' }).waitFor();
    await follow('The product with all its variants');
    await heading('Shirt');
    await looksWell('with-variants');
    await page
      .getByRole('row')
      .filter({ hasText: `${sku}-M` })
      .getByText('€22.00')
      .waitFor();
    expect(await page.getByLabel('Price in EUR').count()).toBe(0);
    await page.getByLabel('Name').fill('Linen shirt');
    await press('Save');
    await heading('Linen shirt');
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
