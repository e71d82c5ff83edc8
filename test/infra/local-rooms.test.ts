import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';
import type { DatabaseRole } from '../../lib/contract/deploy/roles.ts';

/*
 * Rooms fail apart: the login roles of one are locked out and their sessions ended, as an operator would do it, under the
 * whole product. The other rooms answer without one 5xx.
 */

let directory: string;
let stack: Stack;
let demo: Demo;
let token: string;
let orderId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-rooms-'));
  const settings = { RATE_LIMIT_PER_MINUTE: '100000', INCLUDE_TIMEOUT_MS: '8000' };
  stack = await startStack({ directory, port: 0, settings });
  demo = await prepareDemo(stack, directory);
  // Of another customer: whoever signs in often loses their oldest sessions.
  const buyer = { email: 'buyer@example.com', password: 'correct horse' };
  await call('POST', '/customers', byClient(), { ...buyer, name: 'Ada' });
  token = (await call('POST', '/sessions', byClient(), buyer)).body.token as string;
  orderId = (await place()).body.id as string;
});
afterAll(async () => {
  await stack?.stop();
  await resetStack(directory);
});

type Answer = { status: number; body: Record<string, unknown> };

async function call(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  const response = await fetch(stack.baseUrl + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const bySession = () => ({ authorization: `Bearer ${token}` });
const byClient = () => ({ 'client-id': demo.clientId });
const productId = () => demo.products[0]!.id;

const signIn = () => {
  const { email, password } = demo.customer;
  return call('POST', '/sessions', byClient(), { email, password });
};
const place = () =>
  call(
    'POST',
    '/orders',
    { ...bySession(), 'idempotency-key': randomUUID(), prefer: 'wait=20' },
    { lines: [{ productId: productId(), quantity: 1 }], paymentMethod: 'pm_card_visa' },
  );
const readOrder = (query = '') => call('GET', `/orders/${orderId}${query}`, bySession());
const readProduct = () => call('GET', `/products/${productId()}`, byClient());
const listProducts = () => call('GET', '/products', byClient());
/** A back office reads past the cache. */
const readShelf = () => call('GET', '/products', { authorization: `Bearer ${demo.appKey}` });
const readMe = () => call('GET', '/customers/me', bySession());

async function asOperator(...statements: string[]): Promise<void> {
  const sql = postgres({ path: stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  try {
    for (const statement of statements) await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

async function lockOut(roles: readonly DatabaseRole[]): Promise<void> {
  const names = roles.map((role) => `'${role}'`).join();
  const end = `select pg_terminate_backend(pid) from pg_stat_activity where usename in (${names})`;
  await asOperator(...roles.map((role) => `alter role ${role} nologin`), end);
}

const letIn = (roles: readonly DatabaseRole[]) => asOperator(...roles.map((role) => `alter role ${role} login`));

type Room = { roles: DatabaseRole[]; away: (() => Promise<Answer>)[]; others: (() => Promise<Answer>)[] };

const rooms: Record<string, Room> = {
  orders: {
    roles: ['orders_api', 'cancellations_api', 'refunds_api', 'saga', 'manual_review'],
    away: [readOrder, place],
    others: [signIn, readMe, readProduct, listProducts],
  },
  catalogue: {
    roles: ['catalog_api', 'catalog_reader'],
    away: [readShelf],
    // Customers go on to see what the cache has.
    others: [
      signIn,
      readMe,
      readOrder,
      place,
      readProduct,
      listProducts,
      () => readOrder('?include=customer,products'),
    ],
  },
  accounts: {
    roles: ['customers_api', 'profiles_api'],
    away: [signIn, readMe],
    others: [readProduct, listProducts, readOrder, place, () => readOrder('?include=customer,products')],
  },
};

test.each(Object.entries(rooms))(
  'with %s locked out, the other rooms answer, and everything does when it is back',
  async (_, { roles, away, others }) => {
    for (const ask of others) expect((await ask()).status).toBeLessThan(400);
    await lockOut(roles);
    onTestFinished(() => letIn(roles));
    for (const ask of away) expect((await ask()).status).toBeGreaterThanOrEqual(500);
    const tenTimes = async (ask: () => Promise<Answer>) => {
      const got: Answer[] = [];
      for (let n = 0; n < 10; n++) got.push(await ask());
      return got;
    };
    // Each on its own: many sign-ins at once look like an attack.
    const answers = (await Promise.all(others.map(tenTimes))).flat();
    expect(answers.filter(({ status }) => status >= 400)).toEqual([]);
    for (const { body } of answers) if ('failure' in body) expect(body).toMatchObject({ status: 'confirmed' });
    await letIn(roles);
    for (const ask of away) while ((await ask()).status >= 400) await sleep(100);
  },
);

test('what a locked room would have added to an order is missing, and named', async () => {
  const untilWhole = async () => {
    while (((await readOrder('?include=customer,products')).body.missing as object[]).length > 0) await sleep(100);
  };
  await untilWhole();
  for (const [part, name] of [
    ['products', 'catalogue'],
    ['customer', 'accounts'],
  ] as const) {
    const { roles } = rooms[name]!;
    await lockOut(roles);
    onTestFinished(() => letIn(roles));
    const { status, body } = await readOrder('?include=customer,products');
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: orderId, missing: [{ part, reason: 'unavailable' }], included: { [part]: null } });
    await letIn(roles);
    await untilWhole();
  }
});
