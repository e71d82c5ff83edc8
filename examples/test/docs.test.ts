import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { barriersOf, launchBrowser } from './browser.ts';
import { readDemo } from './demo.ts';

const run = promisify(execFile);
let browser: Browser;
let page: Page;
let demo: Awaited<ReturnType<typeof readDemo>>;
let complaints: string[];

beforeAll(async () => {
  demo = await readDemo();
  browser = await launchBrowser();
});
afterAll(() => browser?.close());
beforeEach(() => open(1200, 'light'));
afterEach(async () => {
  expect(complaints).toEqual([]);
  await page.context().close();
});

/** The end of the address that `npm start` prints. */
const docsToken = ({ appKey }: { appKey: string }) =>
  createHash('sha256').update(`docs ${appKey}`).digest('base64url').slice(0, 22);

async function open(width: number, colorScheme: 'light' | 'dark') {
  await page?.context().close();
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    permissions: ['clipboard-read', 'clipboard-write'],
    // axe-core is brought in by the test alone.
    bypassCSP: true,
  });
  page = await context.newPage();
  page.setDefaultTimeout(120_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(`${demo.baseUrl}/docs#demo=${docsToken(demo)}`);
}

async function fillInDemo() {
  await page.getByRole('button', { name: 'Fill in the demo shop' }).click();
  await page.getByText('The samples work now').waitFor();
}

/** The sample of an operation in a language, as its button copies it. */
async function copied(operation: string, language: string): Promise<string> {
  const sample = page.locator(`#${operation} .samples details[data-language="${language}"]`);
  if ((await sample.getAttribute('open')) === null) await sample.locator('summary').click();
  await sample.getByRole('button', { name: 'Copy' }).click();
  await sample.getByRole('button', { name: 'Copied' }).waitFor();
  return await page.evaluate(() => navigator.clipboard.readText());
}

describe.each([
  { looks: 'light and wide', width: 1200, colorScheme: 'light' as const },
  { looks: 'dark and 390 px wide', width: 390, colorScheme: 'dark' as const },
])('the page of the API, $looks', ({ width, colorScheme }) => {
  beforeEach(() => open(width, colorScheme));

  test('is accessible, and nothing is wider than the screen', async () => {
    await fillInDemo();
    await page.locator('#place-order').getByRole('button', { name: 'Try it here' }).click();
    for (const details of await page.locator('#place-order details').all()) {
      if ((await details.getAttribute('open')) === null) await details.locator('summary').click();
    }
    expect(await barriersOf(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    if (process.env.SCREENSHOTS) {
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/docs-${width}.png` });
      await page.locator('#place-order').scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/docs-${width}-order.png` });
    }
  });
});

test('operations are found by the keyboard', async () => {
  await page.keyboard.press('/');
  await page.keyboard.type('erase');
  const links = page.locator('nav li:visible a');
  expect(await links.allTextContents()).toContainEqual(expect.stringContaining('Erase the signed-in customer'));
  expect(await links.count()).toBeLessThan(8);
  await page.keyboard.press('Control+A');
  await page.keyboard.type('refund part');
  await page.keyboard.press('Enter');
  expect(new URL(page.url()).hash).toBe('#request-refund');
});

test.each([
  ['place-order', /"status":"(pending|confirmed)"/],
  ['get-order-timeline', /order-placed/],
  ['list-products', /"sku"/],
  ['create-key', /"key":"cfk_/],
  ['list-readers', /"reads":\d+/],
])('the samples of %s paste and work', async (operation, answer) => {
  await fillInDemo();
  const outputs = {
    curl: (await run('bash', ['-c', await copied(operation, 'curl')])).stdout,
    TypeScript: (await run('node', ['--input-type=module', '--eval', await copied(operation, 'TypeScript')])).stdout,
    Python: (await run('python3', ['-c', await copied(operation, 'Python')])).stdout,
  };
  for (const [language, output] of Object.entries(outputs)) expect(output, language).toMatch(answer);
});

test('an idempotency key is new each time that a sample is copied', async () => {
  const keyIn = (sample: string) => /Idempotency-Key: ([0-9a-f-]{36})"/.exec(sample)?.[1];
  const [one, two] = [await copied('place-order', 'curl'), await copied('place-order', 'curl')];
  expect(keyIn(one)).toBeDefined();
  expect(keyIn(two)).not.toBe(keyIn(one));
});

test('a request is sent from the page of a laptop, with the body as it was changed', async () => {
  await fillInDemo();
  const quote = page.locator('#create-quote');
  await quote.getByRole('button', { name: 'Try it here' }).click();
  const body = quote.getByLabel('Body');
  await body.fill((await body.inputValue()).replace(/"quantity": \d+/, '"quantity": 7'));
  await quote.getByRole('button', { name: 'Send POST' }).click();
  const answer = quote.locator('pre[role=status]');
  await answer.getByText(/^200/).waitFor();
  // Both lines name the product of the demo, and its units are summed.
  expect(await answer.textContent()).toContain('"quantity": 8');
});

test('its ids and keys are for the page of that address alone, and nothing is loaded from elsewhere', async () => {
  const ask = (token: string) => fetch(`${demo.baseUrl}/docs/laptop.json`, { headers: { 'demo-token': token } });
  const own = await ask(docsToken(demo));
  expect(own.status).toBe(200);
  expect(own.headers.get('access-control-allow-origin')).toBeNull();
  expect((await ask('guess')).status).toBe(404);
  expect(new URL(page.url()).hash).toBe('');
  const policy = (await fetch(`${demo.baseUrl}/docs`)).headers.get('content-security-policy');
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self';/,
  );
});
