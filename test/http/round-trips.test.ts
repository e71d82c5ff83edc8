import { isDeepStrictEqual } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { poolOf } from '../../lib/platform/pools.ts';
import { machineVariables } from '../support/definitions.ts';
import { type Call, poolOptions } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { testPostgres } from '../support/postgres.ts';

/*
 * How often each operation asks PostgreSQL and DynamoDB, for one request of a caller who sends no other. `begin` and `commit`
 * count, because they travel too. Who adds a round trip changes the table, and says why in the commit. Orders are counted
 * by the benchmark, saga and all.
 */

let handlers: LiveHandlers;
let session: string;
let key: string;
let productId: string;
let orderId: string;
const statements: string[] = [];
const customer = { email: 'ada@example.com', password: 'correct horse' };

beforeAll(async () => {
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    // Nothing listens there: the order is placed, and its saga is left to the sweeper.
    AWS_ENDPOINT_URL_SFN: 'http://127.0.0.1:1',
    ...machineVariables,
  });
  const debug = (_: number, query: string) => void statements.push(query);
  const open = (role: DatabaseRole) =>
    postgres({
      ...poolOptions,
      host: testPostgres().socketDir,
      user: role,
      database: process.env.DATABASE_NAME!,
      fetch_types: false,
      onnotice: () => {},
      debug,
    });
  for (const role of databaseRoles) poolOf(role, () => open(role) as never);
  const scopes = ['catalog:read', 'catalog:write', 'stock:read', 'stock:write', 'orders:review', 'audit:read'] as const;
  key = await handlers.appKey(...scopes, 'events:read');
  await handlers.call('sign-up', { body: { ...customer, name: 'Ada' } });
  session = (await handlers.call('sign-in', { body: customer })).body.token;
  const product = { sku: 'ROUND-1', name: 'Thing', price: { amount: 100, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: key, body: product })).body.id;
  const body = { lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' };
  const headers = { 'idempotency-key': 'round-trips' };
  orderId = (await handlers.call('place-order', { token: session, headers, body })).body.id;
});
afterAll(async () => {
  await handlers?.close();
});

type Row = [OperationId, { sql: number; dynamo: Record<string, number> }, () => Call];

/** Of an application with a key: its key, and its count. */
const byKey = { GetItem: 1, UpdateItem: 1 };
/** Of one that may do so only a few times at once: a permit besides, acquired and released. */
const byKeyAtOnce = { GetItem: 1, UpdateItem: 3 };
/** Of a customer: the session, and counts of the address, of the customer and of the application. */
const bySession = { GetItem: 1, UpdateItem: 3 };
/** Of somebody with a `Client-Id` alone: counts of the address and of the application. */
const byNobody = { UpdateItem: 2 };

/** Of what is cached: whether it still counts. */
const cached = { GetItem: 1 };

const rows: Row[] = [
  ['get-product', { sql: 0, dynamo: { ...byNobody, ...cached } }, () => ({ parameters: { productId } })],
  ['list-products', { sql: 0, dynamo: { ...byNobody, ...cached } }, () => ({})],
  ['get-me', { sql: 1, dynamo: bySession }, () => ({ token: session })],
  [
    'create-quote',
    { sql: 1, dynamo: bySession },
    () => ({ token: session, body: { lines: [{ productId, quantity: 1 }] } }),
  ],
  ['list-orders', { sql: 1, dynamo: bySession }, () => ({ token: session })],
  ['get-order', { sql: 1, dynamo: bySession }, () => ({ token: session, parameters: { orderId } })],
  [
    'get-order',
    { sql: 3, dynamo: bySession },
    () => ({ token: session, parameters: { orderId }, query: { include: 'customer,products' } }),
  ],
  ['update-me', { sql: 1, dynamo: bySession }, () => ({ token: session, body: { name: 'Ada' } })],
  [
    'create-stock-movement',
    { sql: 5, dynamo: byKey },
    () => ({ token: key, parameters: { productId }, body: { quantity: 1, reason: 'x' } }),
  ],
  ['list-stock-movements', { sql: 1, dynamo: byKey }, () => ({ token: key, parameters: { productId } })],
  [
    'update-product',
    // The pointers of the product and of all lists, before and after the change. First, whether it has variants.
    { sql: 2, dynamo: { GetItem: 1, UpdateItem: 1 + 4 } },
    () => ({ token: key, parameters: { productId }, body: { name: 'Thing' } }),
  ],
  ['find-orders', { sql: 1, dynamo: byKeyAtOnce }, () => ({ token: key })],
  ['list-findings', { sql: 1, dynamo: byKeyAtOnce }, () => ({ token: key })],
  ['list-accesses', { sql: 1, dynamo: byKeyAtOnce }, () => ({ token: key, query: { resource: productId } })],
];

test.each(rows)('%s asks PostgreSQL and DynamoDB so often: %j', async (operation, expected, call) => {
  const count = async () => {
    statements.length = 0;
    const before = handlers.dynamo.calls();
    const { status } = await handlers.call(operation, call());
    const after = handlers.dynamo.calls();
    expect([200, 201]).toContain(status);
    const dynamo = Object.entries(after).flatMap(([name, calls]) => {
      const more = calls - (before[name] ?? 0);
      return more === 0 ? [] : [[name, more]];
    });
    return { sql: statements.length, dynamo: Object.fromEntries(dynamo) };
  };
  // The first request reads the application, which is then kept for a second. On a busy machine more than that may pass.
  let counted = await count();
  for (let again = 0; again < 5 && !isDeepStrictEqual(counted, expected); again++) counted = await count();
  expect(counted, statements.join('\n')).toEqual(expected);
});
