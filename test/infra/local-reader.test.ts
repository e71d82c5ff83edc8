import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';

let directory: string;
let stack: Stack;
let demo: Demo;
let session: string;

const start = async (standby = false) => {
  stack = await startStack({ directory, port: 0, standby, settings: { RATE_LIMIT_PER_MINUTE: '10000' } });
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

/** A statement on the reader, or on the primary. */
async function ask(statement: string, path: string) {
  const sql = postgres({ path, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  return sql.unsafe(statement).finally(() => sql.end());
}
const onReader = async (statement: string) => ask(statement, await stack.inside.reader.socketPath());

test('the first report starts the reader, and nothing before it', async () => {
  expect((await order()).status).toBe('confirmed');
  expect(stack.inside.reader.running()).toBe(false);
  const answer = await reportWhenReady('sales');
  expect(answer).toMatchObject({ httpStatus: 200, stale: false, parts: [{ source: 'reader' }] });
  expect(stack.inside.reader.running()).toBe(true);
  while (soldIn(await report('sales')) < 1) await sleep(20);
  const [row] = await ask(
    "select sync_state from pg_stat_replication where application_name = 'reader'",
    stack.inside.socketPath,
  );
  expect(row!.sync_state).toBe('async');
});

test('an idle shop is not behind', async () => {
  await stack.inside.stopSchedule();
  await sleep(6000);
  for (let n = 0; n < 5; n++) {
    expect((await report('sales')).lagSeconds).toBeLessThan(4.5);
    await sleep(700);
  }
});

test('while replay stands still, reports say their age, and own orders come from the writer', async () => {
  await report('sales');
  await onReader('select pg_wal_replay_pause()');
  try {
    const placed = await order();
    expect(placed.status).toBe('confirmed');
    const since = Date.now();
    const own = await call('GET', `/orders/${placed.id}`, { authorization: `Bearer ${session}` });
    expect(own).toMatchObject({ httpStatus: 200, status: 'confirmed' });

    // Old enough for the reports that refuse ten seconds.
    while (Date.now() - since < 11_000) await sleep(200);
    const sales = await report('sales');
    expect(soldIn(sales)).toBe(1);
    expect(sales.lagSeconds).toBeGreaterThan(10);
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
  while (soldIn(await report('sales')) < 3) await sleep(50);
});

test('a reader that is killed is made anew, and holds up no order', async () => {
  const [row] = await onReader("select pg_read_file('postmaster.pid') as file");
  process.kill(Number(String(row!.file).split('\n')[0]), 'SIGKILL');
  expect((await order()).status).toBe('confirmed');
  const answer = await reportWhenReady('sales?groupBy=product');
  expect(answer).toMatchObject({ httpStatus: 200, parts: [{ source: 'reader' }] });
  while (soldIn(await reportWhenReady('sales')) < 4) await sleep(50);
});
