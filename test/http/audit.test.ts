import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import type { Access } from '../../lib/contract/api/audit.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { logPayload } from '../support/access-lines.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

const customerId = newId('customer', systemClock);
const canary = { email: 'canary@example.com', password: 'canary correct horse', line1: 'Canary Street 7' };
let handlers: LiveHandlers;
let session: string;
let auditor: string;
let manager: string;
const tokens: string[] = [];

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  await handlers.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${customerId}, ${canary.email}, 'Canary Name', ${await hashPassword(canary.password)}, now(), now())`;
  const { body } = await handlers.call('sign-in', { body: { email: canary.email, password: canary.password } });
  session = body.token;
  auditor = await handlers.appKey('audit:read');
  manager = await handlers.appKey('applications:manage', 'audit:read', 'catalog:read');
  tokens.push(session, auditor, manager);
});
afterAll(() => handlers?.close());

/** Delivers the lines printed since the last call, as CloudWatch Logs does. */
async function deliver() {
  const { handler } = await import('../../functions/streams/record-access.ts');
  return await handler(logPayload(handlers.accessLines.splice(0)));
}

/** Calls an operation and returns its access record. */
async function recordOf(operation: OperationId, call: Call): Promise<Access & { body: Record<string, unknown> }> {
  const requestId = newId('request', systemClock);
  const answer = await handlers.call(operation, { ...call, headers: { 'x-request-id': requestId, ...call.headers } });
  await deliver();
  const rows = await handlers.owner`
    select to_jsonb(a) as access from audit.accesses a where request_id = ${requestId}`;
  expect(rows).toHaveLength(1);
  const { application_id, key_id, customer_id, write, ...access } = rows[0]!.access;
  expect(access.status).toBe(answer.status);
  const kind = write ? 'write' : 'read';
  return {
    ...access,
    kind,
    applicationId: application_id,
    keyId: key_id,
    customerId: customer_id,
    body: answer.body,
  };
}

const list = async (query: Record<string, string>) =>
  (await handlers.call('list-accesses', { token: auditor, query })).body as {
    data: Access[];
    nextCursor: string | null;
  };

describe('what is recorded', () => {
  test('a customer’s read names the customer, the application, and the truncated address', async () => {
    const read = await recordOf('get-me', { token: session, address: '203.0.113.77' });
    expect(read).toMatchObject({
      operation: 'get-me',
      kind: 'read',
      status: 200,
      problem: null,
      applicationId: handlers.clientId,
      keyId: null,
      customerId,
      network: '203.0.113.0/24',
      resources: [customerId],
    });
    const six = await recordOf('get-me', { token: session, address: '2001:db8:1:2:3:4:5:6' });
    expect(six.network).toBe('2001:db8:1::/48');
  });

  test('signing in names the customer', async () => {
    const { email, password } = canary;
    const signedIn = await recordOf('sign-in', { body: { email, password } });
    tokens.push(signedIn.body.token as string);
    expect(signedIn).toMatchObject({ kind: 'write', status: 201, applicationId: handlers.clientId, customerId });
    expect(signedIn.resources).toEqual([customerId]);
  });

  test.each<[string, () => Promise<{ operation: OperationId; call: Call; status: number; problem: string }>]>([
    [
      'without a token',
      async () => ({
        operation: 'get-order',
        call: { parameters: { orderId: newId('order', systemClock) }, headers: {} },
        status: 401,
        problem: 'unauthenticated',
      }),
    ],
    [
      'with a token that is none',
      async () => ({ operation: 'get-me', call: { token: 'cfs_canary' }, status: 401, problem: 'unauthenticated' }),
    ],
    [
      'without the scope',
      async () => ({
        operation: 'update-customer',
        call: { token: auditor, parameters: { customerId }, body: { premium: true } },
        status: 403,
        problem: 'forbidden',
      }),
    ],
    [
      'for what is somebody else’s',
      async () => ({
        operation: 'get-order',
        call: { token: session, parameters: { orderId: newId('order', systemClock) } },
        status: 404,
        problem: 'not-found',
      }),
    ],
  ])('a request that is refused %s', async (_, make) => {
    const { operation, call, status, problem } = await make();
    const refused = await recordOf(operation, call);
    expect(refused).toMatchObject({ operation, status, problem });
    for (const id of Object.values(call.parameters ?? {})) expect(refused.resources).toContain(id);
    if (status !== 401) expect(refused.applicationId).toMatch(/^app_/);
  });

  test('text in a path that is not an id is not recorded', async () => {
    const refused = await recordOf('get-order', { token: session, parameters: { orderId: canary.email } });
    expect(refused).toMatchObject({ status: 404, resources: [customerId] });
  });

  test('administrative changes, with what they changed and by whom', async () => {
    const token = await handlers.appKey('catalog:write', 'catalog:read', 'stock:write', 'customers:write');
    const product = await recordOf('create-product', {
      token,
      body: { sku: 'AUDIT-1', name: 'Thing', price: { amount: 100, currency: 'EUR' } },
    });
    const productId = product.body.id as string;
    expect(product).toMatchObject({ kind: 'write', status: 201, resources: [productId] });
    expect(product.keyId).toMatch(/^key_/);

    const price = await recordOf('update-product', {
      token,
      parameters: { productId },
      body: { price: { amount: 90, currency: 'EUR' } },
    });
    expect(price).toMatchObject({ status: 200, resources: [productId], keyId: product.keyId });

    const movement = await recordOf('create-stock-movement', {
      token,
      parameters: { productId },
      body: { quantity: 5, reason: 'delivery' },
    });
    expect(movement.resources).toEqual(expect.arrayContaining([productId, movement.body.id]));

    const premium = await recordOf('update-customer', { token, parameters: { customerId }, body: { premium: true } });
    expect(premium).toMatchObject({ status: 200, resources: [customerId], customerId: null });

    const { data } = await list({ resource: productId });
    expect(data.map(({ operation }) => operation)).toEqual([
      'create-stock-movement',
      'update-product',
      'create-product',
    ]);
  });

  test('an application that is registered, its keys, and their end', async () => {
    const body = { name: 'Tool', kind: 'server', scopes: ['catalog:read'], contact: 'ops@example.com' };
    const made = await recordOf('create-application', { token: manager, body });
    const applicationId = made.body.id as string;
    expect(made).toMatchObject({ status: 201, resources: expect.arrayContaining([applicationId]) });
    const key = await recordOf('create-key', { token: manager, parameters: { applicationId }, body: {} });
    tokens.push(key.body.key as string);
    const keyId = key.body.id as string;
    expect(key).toMatchObject({ status: 201, resources: expect.arrayContaining([applicationId, keyId]) });
    const gone = await recordOf('delete-key', { token: manager, parameters: { applicationId, keyId } });
    expect(gone).toMatchObject({ status: 204, resources: expect.arrayContaining([applicationId, keyId]) });
    expect((await list({ resource: keyId })).data.map(({ operation }) => operation)).toEqual([
      'delete-key',
      'create-key',
    ]);
  });

  test('a read in manual review names the orders it returned', async () => {
    const orderId = newId('order', systemClock);
    const token = await handlers.appKey('orders:review');
    const looked = await recordOf('resolve-order', {
      token,
      parameters: { orderId },
      body: { outcome: 'failed', note: `refunded to ${canary.email}` },
    });
    expect(looked).toMatchObject({ kind: 'write', resources: [orderId] });
  });

  test('no line and no row contains a name, an e-mail address, an IP address, a password or a token', async () => {
    const address = { line1: canary.line1, city: 'Canaryville', postalCode: '12345', country: 'AT' };
    await handlers.call('update-me', { token: session, body: { name: 'Canary Renamed', address } });
    await handlers.call('sign-in', { body: { email: canary.email, password: 'canary wrong' } });
    await handlers.call('sign-in', { token: session, body: { email: canary.email, password: canary.password } });
    await handlers.call('get-me', { token: session });
    const printed = handlers.accessLines.join('\n');
    expect(printed).toContain('update-me');
    await deliver();
    const rows = await handlers.owner`
      select to_jsonb(a)::text as text from audit.accesses a
      union all select to_jsonb(t)::text from audit.touched t
      union all select to_jsonb(u)::text from audit.usage u`;
    expect(rows.length).toBeGreaterThan(20);
    const kept = rows.map(({ text }) => text as string).join('\n');
    for (const text of [printed, kept]) {
      expect(text).not.toMatch(/canary/i);
      expect(text).not.toMatch(/cf[a-z]_/);
      for (const token of tokens) expect(text).not.toContain(token);
    }
  });
});

describe('asking', () => {
  test('needs the scope, and at least one filter', async () => {
    const token = await handlers.appKey('orders:review', 'applications:manage');
    const query = { customer: customerId };
    for (const operation of ['list-accesses', 'list-readers'] as const) {
      expect(await handlers.call(operation, { token, query })).toMatchObject({ status: 403 });
      expect(await handlers.call(operation, { token: session, query })).toMatchObject({ status: 401 });
    }
    expect(
      await handlers.call('get-usage', { token: auditor, parameters: { applicationId: handlers.clientId } }),
    ).toMatchObject({ status: 403 });
    expect(await handlers.call('list-accesses', { token: auditor })).toMatchObject({
      status: 400,
      body: { code: 'invalid-input', errors: [{ pointer: '?resource' }] },
    });
  });

  test.each([
    ['ends before it begins', { from: '2026-03-02T00:00:00Z', to: '2026-03-01T00:00:00Z' }],
    ['is longer than 400 days', { from: '2020-03-01T00:00:00Z', to: '2026-03-01T00:00:00Z' }],
  ])('a time that %s is refused', async (_, range) => {
    for (const operation of ['list-accesses', 'list-readers'] as const) {
      expect(
        await handlers.call(operation, { token: auditor, query: { customer: customerId, ...range } }),
      ).toMatchObject({
        status: 400,
        body: { code: 'invalid-input', errors: [{ pointer: '?from' }] },
      });
    }
  });

  test('which applications read a customer’s data is one call, which is recorded itself', async () => {
    await handlers.call('get-me', { token: session });
    await deliver();
    const query = { customer: customerId };
    const { status, body } = await handlers.call('list-readers', { token: auditor, query });
    expect(status).toBe(200);
    const shop = body.data.find(({ applicationId }: { applicationId: string }) => applicationId === handlers.clientId);
    expect(shop.reads).toBeGreaterThan(0);
    expect(shop.first <= shop.last).toBe(true);
    await deliver();
    const { data } = await list({ resource: customerId, operation: 'list-readers' });
    expect(data[0]).toMatchObject({ operation: 'list-readers', kind: 'read', resources: [customerId] });
  });

  test('a list of accesses is recorded with its filter, not with everything in it', async () => {
    const asked = await recordOf('list-accesses', { token: auditor, query: { application: handlers.clientId } });
    expect(asked.resources).toEqual([handlers.clientId]);
  });

  test('the usage of an application', async () => {
    await handlers.call('list-products', {});
    await handlers.call('list-products', { query: { limit: 'many' } });
    await deliver();
    const { status, body } = await handlers.call('get-usage', {
      token: manager,
      parameters: { applicationId: handlers.clientId },
    });
    expect(status).toBe(200);
    const products = body.operations.find(({ operation }: { operation: string }) => operation === 'list-products');
    expect(products).toMatchObject({ requests: 2, clientErrors: 1, serverErrors: 0 });
    expect(products.p50Milliseconds).toBeGreaterThan(0);
    expect(body.operations.map(({ operation }: { operation: string }) => operation)).toContain(body.slowestOperation);
    expect(body.requests).toBe(
      body.operations.reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0),
    );
  });

  test('the usage of an application without requests is empty', async () => {
    const answer = await handlers.call('get-usage', {
      token: manager,
      parameters: { applicationId: `app_${'0'.repeat(32)}` },
    });
    expect(answer).toMatchObject({ status: 200, body: { requests: 0, slowestOperation: null, operations: [] } });
  });
});

describe('the handler of records', () => {
  test('stores the valid lines of a batch, and counts the others', async () => {
    const { handler } = await import('../../functions/streams/record-access.ts');
    await handlers.call('list-products', {});
    const [line] = handlers.accessLines.splice(0);
    const before = JSON.stringify({ message: 'request', operation: 'get-me', status: 200 });
    expect(await handler(logPayload(['no JSON', before, line!, line!]))).toEqual({ recorded: 1 });
  });

  test('does nothing for a control message of CloudWatch Logs', async () => {
    const { handler } = await import('../../functions/streams/record-access.ts');
    expect(await handler(logPayload(['CWL CONTROL MESSAGE'], 'CONTROL_MESSAGE'))).toBeUndefined();
  });

  test('fails for an invalid payload, so that Lambda keeps it', async () => {
    const { handler } = await import('../../functions/streams/record-access.ts');
    await expect(handler({ awslogs: { data: 'eA==' } })).rejects.toThrow();
    await expect(handler({})).rejects.toThrow();
  });
});
