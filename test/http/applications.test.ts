import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createConcurrencyLimit } from '../../lib/auth/limits/concurrency.dynamo.ts';
import type { Scope } from '../../lib/contract/deploy/roles.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newServer } from '../support/applications.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let root: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000' });
  root = await handlers.appKey(
    'applications:manage',
    'catalog:read',
    'catalog:write',
    'orders:read',
    'customers:write',
  );
});
afterAll(() => handlers.close());

const wanted = { name: 'Partner', kind: 'server', scopes: ['catalog:read'], contact: 'it@partner.example' };
const create = (body: object = {}, options: Call = {}) =>
  handlers.call('create-application', { token: root, body: { ...wanted, ...body }, ...options });
const at = (applicationId: string, options: Call = {}): Call => ({
  token: root,
  parameters: { applicationId },
  ...options,
});
const keyOf = async (applicationId: string): Promise<{ id: string; key: string }> =>
  (await handlers.call('create-key', at(applicationId, { body: {} }))).body;
const listProducts = (token: string) => handlers.call('list-products', { token });
/** Applications are cached for a second. */
async function aSecondLater<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1000 });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

describe('registering', () => {
  test('returns an application whose key works', async () => {
    const { status, headers, body } = await create();
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: `/applications/${body.id}`, etag: '"1"' });
    expect(body).toMatchObject({ ...wanted, status: 'active', rateClass: 'standard', origins: [], version: 1 });
    const { key } = await keyOf(body.id);
    expect((await listProducts(key)).status).toBe(200);
    expect((await handlers.call('get-application', at(body.id))).body.keys).toHaveLength(1);
  });

  test('under one idempotency key returns the same application; with another body it is refused', async () => {
    const headers = { 'Idempotency-Key': 'partner-1' };
    const first = await create({}, { headers });
    await handlers.call('update-application', at(first.body.id, { body: { name: 'Renamed' } }));
    const again = await create({}, { headers });
    expect(again).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect(await create({ name: 'Other' }, { headers })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
  });

  test.for<[string, object, string]>([
    ['an unknown scope', { scopes: ['everything'] }, '/scopes/0'],
    ['a scope twice', { scopes: ['catalog:read', 'catalog:read'] }, '/scopes'],
    ['an origin with a path', { kind: 'web', origins: ['https://shop.example/'] }, '/origins/0'],
    ['an origin without TLS', { kind: 'web', origins: ['http://shop.example'] }, '/origins/0'],
    ['origins of a server', { origins: ['https://shop.example'] }, '/origins'],
    ['no contact', { contact: undefined }, '/contact'],
  ])('with %s is refused', async ([, body, pointer]) => {
    expect(await create(body)).toMatchObject({ status: 400, body: { code: 'invalid-input', errors: [{ pointer }] } });
  });

  test('an application can only grant scopes it has', async () => {
    const answer = await create({ scopes: ['catalog:read', 'audit:read'] });
    expect(answer).toMatchObject({ status: 403, body: { code: 'scopes-exceeded' } });
    expect(answer.body.detail).toContain('audit:read');
  });

  test('a client id of the identity provider belongs to one application only', async () => {
    const { body } = await create({ identityClientIds: ['client-1'] });
    expect(await create({ identityClientIds: ['client-1'] })).toMatchObject({
      status: 409,
      body: { code: 'identity-client-taken' },
    });
    await handlers.call('update-application', at(body.id, { body: { identityClientIds: ['client-2'] } }));
    expect((await create({ identityClientIds: ['client-1'] })).status).toBe(201);
  });

  test('pages from the newest to the oldest', async () => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const query: Record<string, string> = { limit: '2', ...(cursor === undefined ? {} : { cursor }) };
      const { body } = await handlers.call('list-applications', { token: root, query });
      ids.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(handlers.clientId);
    const all = await handlers.call('list-applications', { token: root, query: { limit: '100' } });
    expect(all.body.data.map(({ id }: { id: string }) => id)).toEqual(ids);
  });
});

describe('changing', () => {
  test('takes effect within a second, and returns the new version', async () => {
    const { body } = await create();
    const { key } = await keyOf(body.id);
    expect((await listProducts(key)).status).toBe(200);
    const changed = await handlers.call('update-application', at(body.id, { body: { scopes: ['orders:read'] } }));
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { version: 2 } });
    await aSecondLater(async () => expect((await listProducts(key)).status).toBe(403));
    const stale = { body: { name: 'x' }, headers: { 'If-Match': '"1"' } };
    expect(await handlers.call('update-application', at(body.id, stale))).toMatchObject({
      status: 412,
      body: { code: 'version-stale' },
    });
  });

  test('a suspended application is refused within a second, until it is active again', async () => {
    const { body } = await create();
    const { key } = await keyOf(body.id);
    expect((await listProducts(key)).status).toBe(200);
    const set = (status: string) => handlers.call('update-application', at(body.id, { body: { status } }));
    await set('suspended');
    await aSecondLater(async () => {
      expect((await listProducts(key)).status).toBe(401);
      await set('active');
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3000 });
    expect((await listProducts(key)).status).toBe(200);
    vi.useRealTimers();
  });

  test('of an application with more scopes, or of one’s own scopes, is refused', async () => {
    const stronger = await handlers.call('create-application', {
      token: await handlers.appKey('applications:manage', 'audit:read'),
      body: { ...wanted, scopes: ['audit:read'] },
    });
    const { id } = stronger.body;
    for (const [operation, options] of [
      ['update-application', { body: { name: 'mine' } }],
      ['create-key', { body: {} }],
      ['delete-application', {}],
    ] as const) {
      expect(await handlers.call(operation, at(id, options))).toMatchObject({
        status: 403,
        body: { code: 'scopes-exceeded' },
      });
    }
    const list = (await handlers.call('list-applications', { token: root, query: { limit: '100' } })).body.data;
    const own = list.find(({ scopes }: { scopes: Scope[] }) => scopes.length === 5).id;
    for (const body of [{ scopes: ['applications:manage'] }, { status: 'suspended' }]) {
      expect(await handlers.call('update-application', at(own, { body }))).toMatchObject({
        status: 409,
        body: { code: 'own-application' },
      });
    }
    expect((await handlers.call('delete-application', at(own))).body.code).toBe('own-application');
    expect((await handlers.call('update-application', at(own, { body: { name: 'Root' } }))).status).toBe(200);
  });

  test('of an unknown application is 404', async () => {
    const id = `app_${'0'.repeat(32)}`;
    for (const [operation, options] of [
      ['get-application', {}],
      ['update-application', { body: { name: 'x' } }],
      ['delete-application', {}],
      ['create-key', { body: {} }],
      ['delete-key', { parameters: { applicationId: id, keyId: `key_${'0'.repeat(32)}` } }],
    ] as const) {
      expect(await handlers.call(operation, at(id, options))).toMatchObject({
        status: 404,
        body: { code: 'not-found' },
      });
    }
  });
});

describe('keys', () => {
  test('a deleted one is refused with the next request; the other stays valid', async () => {
    const { body } = await create();
    const [one, two] = [await keyOf(body.id), await keyOf(body.id)];
    expect((await listProducts(one.key)).status).toBe(200);
    const parameters = { applicationId: body.id, keyId: one.id };
    expect((await handlers.call('delete-key', { token: root, parameters })).status).toBe(204);
    expect((await listProducts(one.key)).status).toBe(401);
    expect((await listProducts(two.key)).status).toBe(200);
    expect((await handlers.call('delete-key', { token: root, parameters })).status).toBe(404);
  });

  test('are five at most, expire in the future, and are not for public clients', async () => {
    const { body } = await create();
    for (let i = 0; i < 5; i++) await keyOf(body.id);
    expect((await handlers.call('create-key', at(body.id, { body: {} }))).body.code).toBe('too-many-keys');
    const past = { body: { expiresAt: '2020-01-01T00:00:00.000Z' } };
    expect((await handlers.call('create-key', at(body.id, past))).body.errors[0].pointer).toBe('/expiresAt');
    const shop = await create({ kind: 'mobile' });
    expect((await handlers.call('create-key', at(shop.body.id, { body: {} }))).body.code).toBe('kind-has-no-keys');
  });
});

describe('expensive operations', () => {
  test('run at most five times at once for an application, and each request releases its permit', async () => {
    const { id, key } = await newServer(handlers.applications, 'orders:review');
    const permits = createConcurrencyLimit({ client: handlers.dynamo.documents, table: 'limits', clock: systemClock });
    const find = () => handlers.call('find-orders', { token: key });
    for (let i = 0; i < 6; i++) expect((await find()).status).toBe(200);
    for (let i = 0; i < 5; i++) await permits.acquire(`find-orders:${id}`, 5, `other-${i}`, 30);
    const refused = await find();
    expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-at-once' }, headers: { 'retry-after': '1' } });
    expect((await handlers.call('list-findings', { token: key })).status).toBe(200);
    await permits.release(`find-orders:${id}`, 'other-0');
    expect((await find()).status).toBe(200);
  });
});

describe('a removed application', () => {
  test('is refused, with its keys and the sessions that it opened', async () => {
    const shop = (await create({ kind: 'web', scopes: ['customers:write', 'orders:read'] })).body;
    const by = { 'client-id': shop.id };
    const person = { email: 'eve@example.com', password: 'correct horse battery' };
    await handlers.call('sign-up', { headers: by, body: { ...person, name: 'Eve' } });
    const { token } = (await handlers.call('sign-in', { headers: by, body: person })).body;
    expect((await handlers.call('list-orders', { token })).status).toBe(200);
    expect((await handlers.call('delete-application', at(shop.id))).status).toBe(204);
    await aSecondLater(async () => {
      expect((await handlers.call('list-orders', { token })).status).toBe(401);
      expect((await handlers.call('sign-in', { headers: by, body: person })).status).toBe(401);
    });
  });
});

describe('a removed application that was registered under a key', () => {
  test('does not come back by that key with the sessions that it had opened', async () => {
    const again = () =>
      handlers.call('create-application', {
        token: root,
        headers: { 'idempotency-key': 'come-back' },
        body: { name: 'Shop', kind: 'web', scopes: ['orders:read'], contact: 'it@example.com' },
      });
    const first = await again();
    const { id } = first.body;
    const parameters = { applicationId: id };
    expect((await handlers.call('delete-application', { token: root, parameters })).status).toBe(204);
    const repeated = await again();
    expect(repeated).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    for (const operation of ['get-application', 'delete-application'] as const) {
      expect((await handlers.call(operation, { token: root, parameters })).status).toBe(404);
    }
    const { body } = await handlers.call('list-applications', { token: root, query: { limit: '100' } });
    expect(body.data.map((one: { id: string }) => one.id)).not.toContain(id);
  });
});

describe('an application that may not read customers', () => {
  test('is not shown what is personal', async () => {
    const shop = (await create({ kind: 'web', scopes: ['customers:write'] })).body;
    const by = { 'client-id': shop.id };
    const person = { email: 'mallory@example.com', password: 'correct horse battery' };
    await handlers.call('sign-up', { headers: by, body: { ...person, name: 'Mallory' } });
    const { token } = (await handlers.call('sign-in', { headers: by, body: person })).body;
    const { status, text, body } = await handlers.call('get-me', { token });
    expect({ status, premium: body.premium }).toEqual({ status: 200, premium: false });
    expect(text).not.toMatch(/mallory|address/i);
    const changed = await handlers.call('update-me', { token, body: { name: 'Mallory the Second' } });
    expect(changed.text).not.toMatch(/mallory|address/i);
  });
});

describe('a page in a browser', () => {
  const origin = 'https://shop.example';
  let shop: string;
  beforeAll(async () => {
    shop = (await create({ kind: 'web', origins: [origin] })).body.id;
  });
  const read = (headers: Record<string, string>) =>
    handlers.call('list-products', { headers: { 'client-id': shop, ...headers } });

  test('of one of its origins may read every response, also a refusal', async () => {
    const answer = await read({ origin });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      vary: 'Authorization, Client-Id, Origin',
    });
    const refused = await read({ origin, authorization: `Bearer cfs_${'A'.repeat(64)}` });
    expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': origin } });
  });

  test('gets the methods and header fields of the API by a preflight request', async () => {
    const ask = (from: string, path = '/orders', method = 'OPTIONS') =>
      handlers.call('answer-unrouted', { method, path, headers: { origin: from } });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_000 });
    const answer = await ask(origin);
    expect(answer).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'POST, GET',
        'access-control-max-age': '7200',
        vary: 'Origin',
      },
    });
    expect(answer.headers['access-control-allow-headers']).toMatch(/Authorization.*Client-Id.*Idempotency-Key/);
    expect((await ask('https://evil.example')).headers).not.toHaveProperty('access-control-allow-origin');
    expect(await ask(origin, '/nothing')).toMatchObject({ status: 404, body: { code: 'route-not-found' } });
    expect(await ask(origin, '/orders', 'PUT')).toMatchObject({ status: 405, headers: { allow: 'POST, GET' } });
    vi.useRealTimers();
  });

  test('of another origin is refused, and may read why', async () => {
    for (const other of ['https://evil.example', 'https://shop.example.evil.example', 'null', 'http://shop.example']) {
      const answer = await read({ origin: other });
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': other, vary: 'Origin' });
      expect(answer.body).not.toHaveProperty('data');
    }
    expect((await read({})).status).toBe(200);
  });
});

describe('a manager of applications', () => {
  test('does not raise the rate class of its own application', async () => {
    const own = await newServer(handlers.applications, 'applications:manage');
    const change = { token: own.key, parameters: { applicationId: own.id }, body: { rateClass: 'high' } };
    expect(await handlers.call('update-application', change)).toMatchObject({
      status: 409,
      body: { code: 'own-application' },
    });
  });

  test('gets keys that expire after a year, unless it says otherwise', async () => {
    const { id } = (await create({ kind: 'server' })).body;
    const make = async (body: object) =>
      (await handlers.call('create-key', { token: root, parameters: { applicationId: id }, body })).body.expiresAt;
    const days = (Date.parse(await make({})) - Date.now()) / (24 * 3600_000);
    expect(days).toBeGreaterThan(364);
    expect(days).toBeLessThan(366);
    expect(await make({ expiresAt: null })).toBeNull();
  });
});

describe('POST /applications/{applicationId}/keys with an Idempotency-Key', () => {
  const make = (id: string, key: string, options: Call = {}) =>
    handlers.call('create-key', at(id, { body: {}, headers: { 'Idempotency-Key': key }, ...options }));
  const keysOf = async (id: string) => (await handlers.call('get-application', at(id))).body.keys;

  test('repeated, or sent several times at once, makes one key and shows it again', async () => {
    const { id } = (await create()).body;
    const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => make(id, 'k-1')));
    expect(first).toMatchObject({ status: 201, body: { key: expect.stringMatching(/^cfk_/) } });
    for (const other of [...others, await make(id, 'k-1')]) {
      expect(other).toMatchObject({ status: 201, body: first!.body });
    }
    expect((await make(id, 'k-1')).headers).toMatchObject({ 'idempotency-replayed': 'true' });
    expect(await keysOf(id)).toHaveLength(1);
    expect((await listProducts(first!.body.key)).status).toBe(200);
    const { Item } = await handlers.dynamo.documents.send(
      new GetCommand({ TableName: 'appKeys', Key: { keyId: first!.body.id } }),
    );
    expect(JSON.stringify(Item)).not.toContain(first!.body.key.slice(-20));
    expect((await make(id, 'k-2')).body.key).not.toBe(first!.body.key);
  });

  test('with another body, for another application or by another credential shows nothing of it', async () => {
    const [one, two] = [(await create()).body, (await create()).body];
    const { body } = await make(one.id, 'k-3');
    const other = await make(one.id, 'k-3', { body: { expiresAt: null } });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect((await make(two.id, 'k-3')).body.id).not.toBe(body.id);
    // Two keys of one application are one caller, and two credentials.
    const manager = await newServer(handlers.applications, 'applications:manage', 'catalog:read');
    const second = (await handlers.call('create-key', at(manager.id, { body: {}, token: manager.key }))).body.key;
    const made = await make(one.id, 'k-4', { token: manager.key });
    expect(made.status).toBe(201);
    expect((await make(one.id, 'k-4', { token: manager.key })).body).toEqual(made.body);
    const foreign = await make(one.id, 'k-4', { token: second });
    expect(foreign).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect(foreign.text).not.toContain('cfk_');
  });

  test('repeated after the key was deleted makes no new one, and the old one stays deleted', async () => {
    const { id } = (await create()).body;
    const { body } = await make(id, 'k-5');
    const parameters = { applicationId: id, keyId: body.id };
    expect((await handlers.call('delete-key', at(id, { parameters }))).status).toBe(204);
    expect(await make(id, 'k-5')).toMatchObject({ status: 201, body });
    expect((await listProducts(body.key)).status).toBe(401);
    expect(await keysOf(id)).toEqual([]);
    expect((await handlers.call('delete-key', at(id, { parameters }))).status).toBe(404);
  });
});

describe('an application that another one registered to manage applications', () => {
  /** Its key. It has all the scopes of the application that registered it. */
  async function manager() {
    const scopes: Scope[] = ['applications:manage', 'catalog:read', 'catalog:write', 'orders:read', 'customers:write'];
    const { id } = (await create({ scopes })).body;
    return { id, token: (await keyOf(id)).key };
  }

  test('changes no application that was registered by hand, nor its keys, whatever scopes it has', async () => {
    const { token } = await manager();
    const owner = await newServer(handlers.applications, 'catalog:read');
    const [{ id: keyId }] = (await handlers.call('get-application', at(owner.id))).body.keys;
    const refused = { status: 403, body: { code: 'owners-application' } };
    const parameters = { applicationId: owner.id, keyId };
    expect(await handlers.call('delete-key', { token, parameters })).toMatchObject(refused);
    expect(await handlers.call('create-key', at(owner.id, { token, body: {} }))).toMatchObject(refused);
    expect(await handlers.call('delete-application', at(owner.id, { token }))).toMatchObject(refused);
    const suspend = { token, body: { status: 'suspended' } };
    expect(await handlers.call('update-application', at(owner.id, suspend))).toMatchObject(refused);
    expect((await listProducts(owner.key)).status).toBe(200);
  });

  test('registers twenty at most, and appoints no other manager', async () => {
    const { id, token } = await manager();
    const first = await create({}, { token });
    expect(first).toMatchObject({ status: 201, body: { registeredBy: id } });
    const appoint = { scopes: ['applications:manage'] };
    const refused = { status: 403, body: { code: 'owners-application' } };
    expect(await create(appoint, { token })).toMatchObject(refused);
    expect(await handlers.call('update-application', at(first.body.id, { token, body: appoint }))).toMatchObject(
      refused,
    );
    for (let n = 1; n < 20; n++) expect((await create({}, { token })).status).toBe(201);
    expect(await create({}, { token })).toMatchObject({ status: 409, body: { code: 'too-many-applications' } });
    expect((await create()).status).toBe(201);
    expect((await handlers.call('delete-application', at(first.body.id, { token }))).status).toBe(204);
    expect((await create({}, { token })).status).toBe(201);
  });

  test('is named by the keys that it makes', async () => {
    const { id, token } = await manager();
    const target = (await create({}, { token })).body;
    const { keys: own } = (await handlers.call('get-application', at(id))).body;
    const made = await handlers.call('create-key', at(target.id, { token, body: {} }));
    expect(made.body).toMatchObject({ createdBy: own[0].id, lastUsedAt: null });
  });
});

describe('an application that was suspended', () => {
  test('has its sessions ended for good, also when it is active again', async () => {
    const shop = (await create({ kind: 'web', scopes: ['customers:write'] })).body;
    const by = { 'client-id': shop.id };
    const person = { email: 'suspended@example.com', password: 'correct horse battery' };
    await handlers.call('sign-up', { headers: by, body: { ...person, name: 'Ada' } });
    const { token } = (await handlers.call('sign-in', { headers: by, body: person })).body;
    expect((await handlers.call('get-me', { token })).status).toBe(200);
    for (const status of ['suspended', 'active']) {
      const change = { token: root, parameters: { applicationId: shop.id }, body: { status } };
      expect((await handlers.call('update-application', change)).status).toBe(200);
    }
    await expect.poll(async () => (await handlers.call('get-me', { token })).status).toBe(401);
  });
});
