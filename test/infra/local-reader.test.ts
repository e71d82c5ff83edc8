import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';
import { addressOf, psqlLine, readSlow, runQuery } from '../../infra/tools/analyst.ts';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { startReceiver } from '../support/receiver.ts';
import { readManifest } from '../support/warehouse.ts';

let directory: string;
let stack: Stack;
let demo: Demo;
let session: string;
const mails: Mail[] = [];

const start = async (standby = false) => {
  stack = await startStack({
    directory,
    port: 0,
    standby,
    settings: { RATE_LIMIT_PER_MINUTE: '10000' },
    onMail: (mail) => mails.push(mail),
  });
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-reader-'));
  await start();
  demo = await prepareDemo(stack, directory);
  const { token } = await call(
    'POST',
    '/sessions',
    { 'client-id': demo.clientId },
    {
      email: 'ada@example.com',
      password: 'correct horse battery',
    },
  );
  session = token;
});
afterAll(async () => {
  await stack?.stop();
  await resetStack(directory);
});

// biome-ignore lint/suspicious/noExplicitAny: answers of any shape
async function call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<any> {
  const response = await fetch(`${stack.baseUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    httpStatus: response.status,
    headers: response.headers,
    ...(text.startsWith('{') ? JSON.parse(text) : { text }),
  };
}

const report = (path: string, accept = 'application/json') =>
  call('GET', `/reports/${path}`, { authorization: `Bearer ${demo.appKey}`, accept });
/** On a busy machine the reader may take longer to start than a request may. */
const reportWhenReady = async (path: string) => {
  for (;;) {
    const answer = await report(path);
    if (answer.httpStatus !== 503 || answer.code !== 'unavailable') return answer;
    await sleep(200);
  }
};

let orders = 0;
const order = () =>
  call(
    'POST',
    '/orders',
    { authorization: `Bearer ${session}`, 'idempotency-key': `order-${orders++}`, prefer: 'wait=20' },
    { lines: [{ productId: demo.products[0]!.id, quantity: 2 }], paymentMethod: 'pm_card_visa' },
  );
const soldIn = (answer: { data: { orders: number }[] }) => answer.data.reduce((sum, row) => sum + row.orders, 0);

/** Whether the engine of the warehouse is in this process, which the stack runs in. */
const engineIsLoaded = () => {
  Object.assign(process.report, { excludeNetwork: true }); // It would ask for names of addresses.
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.some((file) => file.includes('duckdb'));
};

/** A statement on the reader, or on the primary. */
async function ask(statement: string, path: string) {
  const sql = postgres({ path, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  return sql.unsafe(statement).finally(() => sql.end());
}
const onReader = async (statement: string) => ask(statement, await stack.inside.reader.socketPath());

test('the first report starts the reader, and nothing before it', async () => {
  expect((await order()).status).toBe('confirmed');
  expect(engineIsLoaded()).toBe(false);
  expect(stack.inside.reader.running()).toBe(false);
  expect(existsSync(join(directory, 'warehouse'))).toBe(false);
  const answer = await reportWhenReady('sales');
  expect(answer).toMatchObject({ httpStatus: 200, stale: false, parts: [{ source: 'reader' }] });
  expect(stack.inside.reader.running()).toBe(true);
  while (soldIn(await report('sales')) < 1) await sleep(20);
  const [row] = await ask(
    "select sync_state from pg_stat_replication where application_name = 'reader'",
    stack.inside.socketPath,
  );
  expect(row!.sync_state).toBe('async');
  // By this a restart knows that reports are asked for.
  expect(existsSync(join(directory, 'warehouse'))).toBe(true);
});

test('sessions of people leave the processors to orders, and reports do not wait for that', async () => {
  const sessions = ['analyst', 'reporting'].map(async (user) => {
    const sql = postgres({ path: await stack.inside.reader.socketPath(), user, database: 'counterfoil', max: 1 });
    const [{ pid }] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
    return { sql, pid };
  });
  const [analyst, reporting] = (await Promise.all(sessions)) as [
    Awaited<(typeof sessions)[0]>,
    Awaited<(typeof sessions)[0]>,
  ];
  await expect.poll(() => getPriority(analyst.pid)).toBe(constants.priority.PRIORITY_LOW);
  if (existsSync(`/proc/${analyst.pid}/autogroup`))
    expect(await readFile(`/proc/${analyst.pid}/autogroup`, 'utf8')).toMatch(/ nice 19\n$/);
  expect(getPriority(reporting.pid)).toBe(getPriority(process.pid));
  await Promise.all([analyst, reporting].map(({ sql }) => sql.end()));
});

test('an idle shop is not behind', async () => {
  await stack.inside.stopSchedule();
  await sleep(6000);
  for (let n = 0; n < 5; n++) {
    expect((await report('sales')).lagSeconds).toBeLessThan(4.5);
    await sleep(700);
  }
});

test('while replay stands still for 15 s, reports say their age, and own orders come from the writer', async () => {
  await report('sales');
  await onReader('select pg_wal_replay_pause()');
  try {
    const placed = await order();
    expect(placed.status).toBe('confirmed');
    const since = Date.now();
    const own = await call('GET', `/orders/${placed.id}`, { authorization: `Bearer ${session}` });
    expect(own).toMatchObject({ httpStatus: 200, status: 'confirmed' });

    while (Date.now() - since < 15_000) await sleep(200);
    const later = await call('GET', `/orders/${placed.id}`, { authorization: `Bearer ${session}` });
    expect(later).toMatchObject({ httpStatus: 200, status: 'confirmed' });
    const sales = await report('sales');
    expect(soldIn(sales)).toBe(1);
    expect(sales.lagSeconds).toBeGreaterThan(14);
    expect(Date.parse(sales.asOf)).toBeLessThanOrEqual(since);

    const live = await report('live');
    expect(live).toMatchObject({ source: 'writer', lagSeconds: 0, ordersLastHour: 2 });
    const customer = await report(`customers/${placed.customerId}`);
    expect(customer).toMatchObject({ source: 'writer', data: [{ orders: 2, units: 4 }] });
    const stock = await report('stock');
    expect(stock).toMatchObject({ source: 'writer', lagSeconds: 0 });
    expect(stock.data.find((row: { productId: string }) => row.productId === demo.products[0]!.id).unitsSold).toBe(4);
  } finally {
    await onReader('select pg_wal_replay_resume()');
  }
  while (soldIn(await report('sales')) < 2) await sleep(20);
  const log = await readFile(join(directory, 'functions.log'), 'utf8');
  expect(log).toMatch(/"ReaderLag"/);
});

test('a margin keeps the cost of its sale, whatever the product costs later', async () => {
  const { id } = demo.products[0]!;
  const cost = (amount: number) =>
    call(
      'PATCH',
      `/products/${id}`,
      { authorization: `Bearer ${demo.appKey}` },
      { costPrice: { amount, currency: 'EUR' } },
    );
  expect(await cost(500)).toMatchObject({ httpStatus: 200 });
  const placed = await order();
  expect(await cost(900)).toMatchObject({ httpStatus: 200 });
  const margins = async () => (await report('margin?groupBy=product')).data;
  while ((await margins())[0]?.units !== 2) await sleep(50);
  const [row] = await margins();
  const revenue = placed.total.amount;
  expect(row).toEqual({
    key: id,
    currency: 'EUR',
    units: 2,
    revenue,
    cost: 1000,
    margin: revenue - 1000,
    marginPercent: Math.round(((revenue - 1000) * 1000) / revenue) / 10,
    unitsWithoutCost: 4,
    revenueWithoutCost: 2 * revenue,
  });
});

test('products are ranked with those that nobody bought, as JSON, CSV and Parquet', async () => {
  const best = await report('products?by=units&limit=1');
  expect(best.data).toEqual([expect.objectContaining({ productId: demo.products[0]!.id, units: 6, orders: 3 })]);
  const worst = await report('products?order=worst');
  expect(worst.data[0]).toMatchObject({ orders: 0, units: 0, sales: 0 });
  expect(worst.data.at(-1).productId).toBe(demo.products[0]!.id);
  const csv = await report('products?by=units&limit=1', 'text/csv');
  expect(csv.headers.get('content-type')).toMatch(/^text\/csv/);
  expect(Number(csv.headers.get('report-lag-seconds'))).toBeLessThan(60);
  expect(csv.text.split('\r\n')).toEqual([
    'productId,sku,name,active,currency,orders,units,sales,returnedUnits,refunds',
    Object.values(best.data[0]).join(','),
    '',
  ]);
  const headers = { authorization: `Bearer ${demo.appKey}`, accept: 'application/vnd.apache.parquet' };
  const parquet = await fetch(`${stack.baseUrl}/reports/products?by=units&limit=1`, { headers });
  expect(parquet.headers.get('content-type')).toBe('application/vnd.apache.parquet');
  expect(Number(parquet.headers.get('report-lag-seconds'))).toBeLessThan(60);
  const bytes = Buffer.from(await parquet.arrayBuffer());
  expect([bytes.subarray(0, 4).toString(), bytes.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
  expect(await report('products', 'image/png')).toMatchObject({ httpStatus: 406, code: 'not-acceptable' });
  const live = await report('live', 'text/csv');
  expect(live.text).toMatch(
    /^currency,orders,sales,ordersLastHour,activeOrders,inManualReview\r\nEUR,3,\d+,3,0,0\r\n$/,
  );
});

test('history comes from the warehouse once it is loaded, and today from the reader', async () => {
  const never = await report('sales');
  expect(never).toMatchObject({ history: 'never-loaded', parts: [{ source: 'reader' }] });
  const root = join(directory, 'warehouse');
  // By the function, which knows S3 and Athena alone.
  expect(await stack.inside.runJob('load-warehouse')).toMatchObject({ number: 1, source: 'reader' });
  const manifest = await readManifest(root);
  const merged = await report('sales');
  expect(merged).toMatchObject({
    history: 'used',
    parts: [
      { source: 'warehouse', to: manifest.completeUntil },
      { source: 'reader', from: manifest.completeUntil },
    ],
    data: never.data,
  });
  expect(engineIsLoaded()).toBe(true);
  expect(await stack.inside.runJob('check-warehouse')).toMatchObject({ number: 1, states: 0 });
  await rm(join(root, Object.values(manifest.tables.daily_sales_summary!)[0]!.path));
  expect(await report('sales')).toMatchObject({ httpStatus: 503, code: 'history-broken' });
  await rm(root, { recursive: true });
});

test.each([
  ['sales?from=2026-02-01&to=2026-01-01', 422, 'period-reversed'],
  ['margin?from=2010-01-01&to=2026-01-01', 422, 'period-too-long'],
  ['products?zone=%2B02:00', 422, 'zone-unknown'],
  ['live?zone=Mars/Olympus', 422, 'zone-unknown'],
  ['sales?groupBy=moon', 422, 'grouping-unknown'],
  ['sales?groupBy=moon&from=yesterday', 400, 'invalid-input'],
  ['sales?currency=EURO', 400, 'invalid-input'],
  ['customers/cus_00000000000000000000000000000000', 404, 'not-found'],
])('bad input has its own problem: %s', async (path, status, code) => {
  expect(await report(path)).toMatchObject({ httpStatus: status, code });
});

test('an analyst queries the reader, and a statement that runs away is cut and named', async () => {
  const { env } = stack.inside;
  Object.assign(process.env, env);
  const address = addressOf({
    host: env.DATABASE_READER_HOST!,
    port: env.DATABASE_READER_PORT!,
    region: env.AWS_REGION!,
    ca: env.DATABASE_CA_FILE!,
  });
  const port = env.DATABASE_READER_PORT;
  expect(await psqlLine(address)).toMatch(
    new RegExp(
      `^PGPASSWORD='localhost:${port}/\\?Action=connect\\S+' psql "host=localhost port=${port} user=analyst dbname=counterfoil `,
    ),
  );
  const csv = await runQuery(address, "select name, email from reporting.customers_masked where email like 'a%'");
  expect(csv).toBe('name,email\r\nA…,a…@example.com\r\n');
  const runaway = "set statement_timeout = '700ms'; select count(*) from generate_series(1, 1e12) as runaway";
  await expect(runQuery(address, runaway)).rejects.toMatchObject({ code: '57014' });
  await expect(runQuery(address, 'select * from customers.customers')).rejects.toMatchObject({ code: '42501' });
  await expect(runQuery(address, 'create table mine ()')).rejects.toMatchObject({ code: '25006' });
  const slow = await readSlow(directory);
  expect(slow).toContainEqual(
    expect.objectContaining({
      user: 'analyst',
      server: 'postgres-reader',
      took: 'cut: canceling statement due to statement timeout',
      statement: expect.stringContaining('as runaway'),
    }),
  );
});

test('a statement that stands in the way of a change is cut after ten seconds, and reports are no older than that', async () => {
  const path = await stack.inside.reader.socketPath();
  const sql = postgres({ path, user: 'analyst', database: 'counterfoil', max: 1 });
  const cut = sql`select count(*), pg_sleep(25) as held from reporting.products`.catch((error: unknown) => error);
  const running = "select pid from pg_stat_activity where usename = 'analyst' and query like '%as held%'";
  await expect.poll(() => onReader(running)).toHaveLength(1);
  // As a migration does, or a vacuum that gives pages back.
  await ask(
    'begin; lock table catalog.products in access exclusive mode; select pg_current_xact_id(); commit',
    stack.inside.socketPath,
  );
  const ages: number[] = [];
  const asking = { over: false };
  const ended = cut.finally(() => {
    asking.over = true;
  });
  while (!asking.over) {
    ages.push((await report('sales')).lagSeconds);
    await sleep(500);
  }
  expect(await ended).toMatchObject({ code: '40001', message: 'canceling statement due to conflict with recovery' });
  await sql.end();
  expect(Math.max(...ages)).toBeGreaterThan(5);
  await expect.poll(async () => (await report('sales')).lagSeconds).toBeLessThan(5);
  expect(await readSlow(directory)).toContainEqual(
    expect.objectContaining({
      user: 'analyst',
      took: 'cut: canceling statement due to conflict with recovery',
      statement: expect.stringContaining('as held'),
    }),
  );
});

test('a link that is cut is not fresh', async () => {
  const onPrimary = (statement: string) => ask(statement, stack.inside.socketPath);
  const file = String((await onPrimary('show hba_file'))[0]!.hba_file);
  const rules = await readFile(file, 'utf8');
  await writeFile(file, rules.replace('local replication', 'local nothing'));
  await onPrimary('select pg_reload_conf()');
  while ((await onPrimary('select pg_terminate_backend(pid) from pg_stat_replication')).length > 0) await sleep(200);
  try {
    expect((await order()).status).toBe('confirmed');
    const first = (await report('sales')).lagSeconds;
    await sleep(3000);
    expect((await report('sales')).lagSeconds).toBeGreaterThanOrEqual(first + 2.9);
  } finally {
    await writeFile(file, rules);
    await onPrimary('select pg_reload_conf()');
  }
  while (soldIn(await report('sales')) < 4) await sleep(50);
});

test('a reader that is killed is made anew, and holds up no order', async () => {
  const [row] = await onReader("select pg_read_file('postmaster.pid') as file");
  process.kill(Number(String(row!.file).split('\n')[0]), 'SIGKILL');
  expect((await order()).status).toBe('confirmed');
  const answer = await reportWhenReady('sales?groupBy=product');
  expect(answer).toMatchObject({ httpStatus: 200, parts: [{ source: 'reader' }] });
  while (soldIn(await reportWhenReady('sales')) < 5) await sleep(50);
});

test('a week of the test clock brings seven reports by mail and webhook, in order, over a restart', async () => {
  const receiver = await startReceiver();
  const own = { authorization: `Bearer ${demo.appKey}` };
  const { secret } = await call('POST', '/webhook-endpoints', own, {
    url: receiver.url,
    events: ['report.*'],
    ordered: true,
  });
  const subscription = await call('POST', '/report-subscriptions', own, {
    name: 'Every night',
    report: 'sales',
    range: 'yesterday',
    schedule: { every: 'day', hour: 0, zone: 'UTC' },
    emails: ['owner@example.com'],
    webhook: true,
  });
  expect(subscription.httpStatus).toBe(201);
  const day = 24 * 3600;
  const first = Date.parse(subscription.nextAt);
  const days = Array.from({ length: 7 }, (_, n) => new Date(first + (n - 1) * day * 1000).toISOString().slice(0, 10));
  const reports = () => mails.filter(({ to }) => to === 'owner@example.com');
  await stack.inside.advanceClock(3 * day);
  await stack.stop();
  await start();
  await stack.inside.advanceClock(4 * day);
  // What the reader was too young for is made a minute later.
  while (reports().length < 7) {
    await sleep(500);
    await stack.inside.runJob('send-reports');
    await stack.inside.runJob('send-mails');
    if (reports().length < 7) await stack.inside.advanceClock(61);
  }
  expect(reports().map(({ subject }) => subject)).toEqual(days.map((each) => `Every night ${each} to ${each}`));
  // Five orders of that day.
  expect(reports()[0]!.text).toMatch(/EUR\nunits: 10\nsales: [\d.]+\n/);
  expect(reports()[0]!.attachment!.text).toMatch(/^key,currency,orders.*\r\n[\d-]{10},EUR,5,10,/);
  const runs = await call('GET', `/report-subscriptions/${subscription.id}/runs`, own);
  expect(runs.data.map((run: { from: string; status: string }) => `${run.from} ${run.status}`).toReversed()).toEqual(
    days.map((each) => `${each} sent`),
  );
  await stack.inside.eventsDelivered();
  await expect.poll(() => receiver.received.length).toBe(7);
  await receiver.stop();
  expect(receiver.events().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
  expect(body).toContain(`"subscriptionId":"${subscription.id}"`);
  // The clock of the shop is days ahead of the library's.
  const seconds = Number(headers['webhook-timestamp']);
  const signed = new Webhook(secret).sign(String(headers['webhook-id']), new Date(seconds * 1000), body);
  expect(String(headers['webhook-signature']).split(' ')).toContain(signed);
});
