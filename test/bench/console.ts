import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import postgres, { type Sql } from 'postgres';
import { fillShop } from '../support/shop-of-100k.ts';
import { median } from './numbers.ts';
import { placeOrder } from './orders.ts';
import { openShop, type Shop } from './shop.ts';

/** What somebody waits for in the console, in milliseconds. */
export type ConsoleFigure = { wait: string; median: number; longest: number };

export type ConsoleOptions = {
  orders: number;
  /** Events of the execution that is drawn. */
  events: number;
  rounds: number;
  say: (line: string) => void;
};

/** The console in Chromium, over a shop with many orders: how long until it shows what was asked for, and how smooth it scrolls. */
export async function measureConsole({ orders, events, rounds, say }: ConsoleOptions): Promise<ConsoleFigure[]> {
  const executablePath = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
  if (executablePath === undefined) throw new Error('There is no Chromium: apt-get install chromium, or set CHROMIUM.');
  await using opened = new AsyncDisposableStack();
  say(`filling a shop with ${orders} orders`);
  const shop = await openShop({ products: 1, customers: 1 });
  opened.defer(shop.close);
  await shop.stack.inside.stopSchedule();
  const connect = (user: string, options?: object) =>
    postgres({
      path: shop.stack.inside.socketPath,
      user,
      database: 'counterfoil',
      onnotice: () => {},
      ...options,
    }) as Sql;
  await forgetEvents(connect('rdsadmin', { max: 1 }));
  await fillShop({ connect }, { customers: 100, products: 1000, orders });
  await order(shop);
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  opened.defer(() => browser.close());
  say('looking at them in Chromium');
  const times = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [wait, milliseconds] of await look(browser, shop, events)) {
      // The first round starts the console, whose modules are then compiled.
      if (round > 0) times.set(wait, [...(times.get(wait) ?? []), milliseconds]);
    }
  }
  return [...times].map(([wait, each]) => ({ wait, median: median(each), longest: Math.max(...each) }));
}

/** Those that are made up have the first places of the feed. */
async function forgetEvents(owner: Sql): Promise<void> {
  await owner`set session_replication_role = 'replica'`;
  await owner`delete from outbox.events`;
  await owner.end();
}

async function order({ stack, tokens, productIds }: Shop): Promise<void> {
  const url = `${stack.baseUrl}/orders`;
  await placeOrder({ url, token: tokens[0]!, productIds, wait: 20, agent: new Agent() });
}

/** One look at everything, in a browser that has nothing of the page yet. */
async function look(browser: Browser, shop: Shop, events: number): Promise<[string, number][]> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  try {
    await page.goto(`${shop.stack.baseUrl}/console`);
    await page.locator('[data-row]').first().waitFor();
    const paint = await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    const newest = page.locator('[data-row] a[data-main]').first();
    const figures: [string, number][] = [
      ['first paint', paint],
      ['orders of a status', await until(page, () => page.getByRole('button', { name: 'Cancelled' }).click())],
      ['all orders again', await until(page, () => page.getByRole('button', { name: 'All' }).click())],
      ['older orders', await until(page, () => page.getByRole('button', { name: 'Older orders' }).click())],
      ['a search that finds nothing', await until(page, () => page.getByRole('searchbox').fill('nothing-like-that'))],
      ['longest frame of scrolling through the list', await scroll(page, `${shop.stack.baseUrl}/console`)],
    ];
    await page.locator('[data-row]').first().waitFor();
    await page.route('**/console/api/orders/ord_*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: lengthened(await response.json(), events) });
    });
    figures.push([`an order whose execution has ${events} events`, await until(page, () => newest.click())]);
    await page.locator('svg.graph').waitFor();
    figures.push(['longest frame of scrolling through it', await scroll(page)]);
    return figures;
  } finally {
    await context.close();
  }
}

/** Milliseconds from an action until its answer is drawn. */
async function until(page: Page, act: () => Promise<void>): Promise<number> {
  const answered = page.waitForResponse(/console\/api\/orders/);
  const startedAt = performance.now();
  await act();
  await (await answered).finished();
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  return performance.now() - startedAt;
}

/** The longest time between two frames while the page scrolls from its top to its end, in milliseconds. */
async function scroll(page: Page, address?: string): Promise<number> {
  if (address !== undefined) {
    await page.goto(address);
    await page.locator('[data-row]').first().waitFor();
  }
  return await page.evaluate<number>(scrollThrough);
}

/** Runs in the page. */
const scrollThrough = `new Promise((done) => {
  let [longest, last, at] = [0, 0, 0];
  const step = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    at += 40;
    scrollTo(0, at);
    if (at < document.documentElement.scrollHeight) requestAnimationFrame(step);
    else done(longest);
  };
  requestAnimationFrame((now) => {
    last = now;
    requestAnimationFrame(step);
  });
})`;

type Execution = { visits: { attempts: object[] }[]; events: number };

/** An order whose execution tried its first task again and again. An attempt is two events of its history. */
function lengthened(view: { executions: Execution[] }, events: number) {
  const execution = view.executions.at(-1)!;
  const visit = execution.visits.find(({ attempts }) => attempts.length > 0)!;
  const failed = { result: 'failed', error: 'OutcomeUnknown', message: 'the payment provider did not answer' };
  const more = Array.from({ length: events / 2 }, () => ({ ...visit.attempts[0]!, ...failed }));
  visit.attempts = [...more, ...visit.attempts];
  return view;
}
