import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import type { Order } from '../../lib/contract/api/orders.ts';
import { type Answer, type Options, send } from './client.ts';
import { type Buyer, basket, newBuyer, newProduct, order, unique } from './shop.ts';

/* Every operation that the target publishes, with every credential that must not do: never data. */
const { document, appKey, clientId } = inject('target');

type Scheme = 'client' | 'session' | 'appKey';
type Handler = { operation: string; method: string; path: string; needs: Partial<Record<Scheme, string[]>> };

const handlers: Handler[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId, security = [], 'x-required-scopes': scopes = [] }]) => ({
    operation: operationId,
    method: method.toUpperCase(),
    path,
    needs: Object.fromEntries(security.flatMap((one) => Object.keys(one)).map((scheme) => [scheme, scopes])),
  })),
);
const closed = handlers.filter(({ needs }) => Object.keys(needs).length > 0);
const scoped = closed.filter(({ needs }) => Object.values(needs).some((scopes) => scopes.length > 0));

let buyer: Buyer;
let thief: Buyer;
let bought: Order;
/** Ids of things that are there, for the paths. */
let ids: Record<string, string>;
/** Of applications without a scope, and of one that manages applications and nothing else. */
let scopeless: Record<Scheme, Options>;
let manager: Options;

beforeAll(async () => {
  [buyer, thief] = await Promise.all([newBuyer(), newBuyer()]);
  bought = await order(buyer, basket(await newProduct()));
  const [shop, server, managing] = await Promise.all([
    register('web', []),
    register('server', []),
    register('server', ['applications:manage']),
  ]);
  const [{ key }, { key: managersKey }] = await Promise.all([keyOf(server), keyOf(managing)]);
  const { email, password } = buyer;
  const signedIn = await send('POST', '/sessions', { clientId: shop, body: { email, password } });
  const { token } = signedIn.body as { token: string };
  scopeless = { client: { clientId: shop }, session: { token }, appKey: { token: key } };
  manager = { token: managersKey };
  const sessions = await send('GET', '/sessions', { token: buyer.token });
  const mine = await keyOf(await register('server', ['catalog:read']));
  ids = {
    orderId: bought.id,
    customerId: buyer.id,
    productId: bought.lines[0]!.productId,
    refundId: `rfd_${'0'.repeat(32)}`,
    sessionId: (sessions.body as { data: { id: string }[] }).data[0]!.id,
    applicationId: mine.applicationId,
    keyId: mine.id,
  };
});

const made: string[] = [];
async function register(kind: string, scopes: string[]): Promise<string> {
  const body = { name: unique('walk'), kind, scopes, contact: 'e2e@example.com' };
  const { id } = (await send('POST', '/applications', { token: appKey, body })).body as { id: string };
  made.push(id);
  return id;
}
async function keyOf(applicationId: string): Promise<{ id: string; key: string; applicationId: string }> {
  const answer = await send('POST', `/applications/${applicationId}/keys`, { token: appKey, body: {} });
  return { ...(answer.body as { id: string; key: string }), applicationId };
}

/** Comes as nobody, unless `options` says as whom. */
const knock = ({ method, path }: Handler, options: Options): Promise<Answer> =>
  send(
    method,
    path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? 'x'),
    {
      clientId: undefined,
      key: unique('walk'),
      ...(method === 'POST' || method === 'PATCH' ? { body: {} } : {}),
      ...options,
    },
  );

function expectRefused(answer: Answer, statuses: readonly number[]) {
  assert.ok(statuses.includes(answer.status), `${answer.status} is none of ${statuses}: ${answer.text}`);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  for (const secret of [buyer.email, 'Grace Hopper', bought.lines[0]!.name, bought.payment!.id, appKey]) {
    assert.ok(!answer.text.includes(secret), `${answer.text} contains ${secret}`);
  }
}

test('nothing is open but what is meant to be', ({ expect }) => {
  const open = handlers.filter(({ needs }) => Object.keys(needs).length === 0).map(({ operation }) => operation);
  expect(open.toSorted()).toEqual(
    ['get-docs', 'get-health', 'get-openapi', 'receive-stripe-event'].filter((one) =>
      handlers.some(({ operation }) => operation === one),
    ),
  );
});

describe.each(closed)('$operation', (handler) => {
  test('without credentials is 401', async () => {
    expectRefused(await knock(handler, {}), [401]);
  });

  test('with credentials of another kind is 401', async () => {
    const kinds: Record<Scheme, Options> = {
      client: { clientId },
      session: { token: buyer.token },
      appKey: { token: appKey },
    };
    const wrong = (Object.keys(kinds) as Scheme[]).filter((kind) => handler.needs[kind] === undefined);
    for (const kind of wrong) expectRefused(await knock(handler, kinds[kind]), [401]);
    for (const token of [`${buyer.token}A`, `${appKey.slice(0, -4)}AAAA`, 'a.b.c']) {
      expectRefused(await knock(handler, { token }), [401]);
    }
  });
});

describe.each(scoped)('$operation', (handler) => {
  test('by an application without its scope is 403, whatever its customer may do', async () => {
    for (const kind of Object.keys(handler.needs) as Scheme[])
      expectRefused(await knock(handler, scopeless[kind]), [403]);
  });
});

/** What names a thing of one customer. */
const ofCustomers = closed.filter(
  ({ path, needs }) => needs.session !== undefined && /\{(orderId|sessionId)\}/.test(path),
);
test.each(ofCustomers)('$operation of another customer’s is 404', async (handler) => {
  const bodies: Record<string, object> = {
    'settle-simulated-payment': { outcome: 'complete' },
    'request-return': { lines: [{ productId: ids.productId, quantity: 1, reason: 'damaged' }] },
  };
  const body = bodies[handler.operation];
  expectRefused(await knock(handler, { token: thief.token, ...(body === undefined ? {} : { body }) }), [404]);
});

/** What names an application. */
const ofApplications = closed.filter(({ path }) => path.includes('{applicationId}'));
test.each(ofApplications.filter(({ method }) => method !== 'GET'))(
  '$operation of an application that may do more is 403',
  async (handler) => {
    const body = handler.operation === 'update-application' ? { name: 'mine now' } : undefined;
    expectRefused(await knock(handler, { ...manager, ...(body === undefined ? {} : { body }) }), [403]);
  },
);

test('a key is not deleted by way of an application that it does not belong to', async () => {
  const path = `/applications/${made[1]}/keys/${ids.keyId}`;
  expectRefused(await send('DELETE', path, { token: appKey }), [404]);
});

/* When all others are through: they run at the same time, and need the applications. */
afterAll(async () => {
  const still = await send('GET', `/orders/${bought.id}`, { token: buyer.token });
  assert.deepEqual(still.body, bought);
  const { email, password } = buyer;
  assert.equal((await send('POST', '/sessions', { clientId, body: { email, password } })).status, 201);
  for (const id of made) await send('DELETE', `/applications/${id}`, { token: appKey });
});
