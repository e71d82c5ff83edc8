import { setTimeout as sleep } from 'node:timers/promises';
import { inject, test } from 'vitest';
import type { Access } from '../../lib/contract/api/audit.ts';
import { refused, succeed } from './client.ts';
import { basket, newBuyer, newProduct, order, unique } from './shop.ts';

const { appKey, limitedAppKey, clientId } = inject('target');

const accesses = async (query: Record<string, string | number>): Promise<Access[]> =>
  (await succeed('list-accesses', 200, { token: appKey, query: { limit: 100, ...query } })).body.data;

/** Waits until an access is recorded: seconds on a laptop, minutes on AWS. The test's own time-out ends the patience. */
async function recorded(query: Record<string, string | number>, is: (access: Access) => boolean): Promise<Access> {
  for (;;) {
    const found = (await accesses(query)).find(is);
    if (found !== undefined) return found;
    await sleep(500);
  }
}

test('a customer’s order is found in the audit by order, customer and application, and so is who asks', async ({
  expect,
}) => {
  const [buyer, product] = [await newBuyer(), await newProduct()];
  const { id: orderId } = await order(buyer, basket(product));
  const placed = await recorded({ resource: orderId, operation: 'place-order' }, () => true);
  expect(placed).toMatchObject({
    kind: 'write',
    status: 202,
    problem: null,
    applicationId: clientId,
    customerId: buyer.id,
    keyId: null,
  });
  expect(placed.resources).toEqual(expect.arrayContaining([orderId, buyer.id]));
  expect(placed.network === null || placed.network.endsWith('.0/24') || placed.network.endsWith('::/48')).toBe(true);
  expect((await accesses({ customer: buyer.id, operation: 'place-order' })).map(({ id }) => id)).toContain(placed.id);

  const changed = await recorded({ resource: product.id }, ({ operation }) => operation === 'create-product');
  expect(changed).toMatchObject({ kind: 'write', status: 201, customerId: null, keyId: expect.any(String) });

  const { body: readers } = await succeed('list-readers', 200, { token: appKey, query: { customer: buyer.id } });
  expect(readers.data.map(({ applicationId }) => applicationId)).toContain(clientId);
  const looked = await recorded({ resource: buyer.id, operation: 'list-readers' }, () => true);
  expect(looked).toMatchObject({ kind: 'read', status: 200, resources: [buyer.id] });
});

test('what is refused is recorded with its problem', async ({ expect }) => {
  const [owner, stranger] = [await newBuyer(), await newBuyer()];
  const { id: orderId } = await order(owner, basket(await newProduct()));
  await refused('get-order', 404, 'not-found', { token: stranger.token, path: { orderId } });
  const tried = await recorded({ resource: orderId, customer: stranger.id }, () => true);
  expect(tried).toMatchObject({ operation: 'get-order', status: 404, problem: 'not-found' });
  const { body: readers } = await succeed('list-readers', 200, { token: appKey, query: { customer: owner.id } });
  expect(readers.data.every(({ applicationId }) => applicationId !== null)).toBe(true);
});

test('nothing personal comes out of the audit', async ({ expect }) => {
  const buyer = await newBuyer();
  await succeed('get-me', 200, { token: buyer.token });
  await recorded({ customer: buyer.id, operation: 'get-me' }, () => true);
  const text = JSON.stringify(await accesses({ resource: buyer.id }));
  for (const secret of [buyer.email, buyer.password, buyer.token, 'Grace']) expect(text).not.toContain(secret);
});

test('an application’s use is counted', async ({ expect }) => {
  const key = unique('usage');
  await refused('create-product', 400, 'invalid-input', { token: appKey, body: { sku: key } });
  const applicationId = await ownId();
  await recorded({ application: applicationId, operation: 'create-product' }, ({ status }) => status === 400);
  const { body } = await succeed('get-usage', 200, { token: appKey, path: { applicationId } });
  const created = body.operations.find(({ operation }) => operation === 'create-product');
  expect(created!.clientErrors).toBeGreaterThan(0);
  expect(created!.p99Milliseconds).toBeGreaterThanOrEqual(created!.p50Milliseconds);
  expect(body.requests).toBeGreaterThanOrEqual(created!.requests);
});

/** The application that the suite's key is of. */
async function ownId(): Promise<string> {
  const product = await newProduct({ stock: 0 });
  return (await recorded({ resource: product.id }, () => true)).applicationId!;
}

test.runIf(limitedAppKey !== null)('the audit is for applications that may read it', async () => {
  const buyer = await newBuyer();
  const query = { customer: buyer.id };
  for (const operation of ['list-accesses', 'list-readers'] as const) {
    await refused(operation, 403, 'forbidden', { token: limitedAppKey!, query });
    await refused(operation, 401, 'unauthenticated', { token: buyer.token, query });
  }
  const path = { applicationId: clientId };
  await refused('get-usage', 403, 'forbidden', { token: limitedAppKey!, path });
});
