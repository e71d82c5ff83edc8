import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../lib/http/idempotency.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let people = 0;
let ada: { email: string; password: string; name: string };

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000' });
});
afterAll(() => handlers.close());
beforeEach(() => {
  ada = { email: `ada-${++people}@example.com`, password: 'correct horse', name: 'Ada Lovelace' };
});

const signUp = (body: unknown, headers: Record<string, string> = {}) => handlers.call('sign-up', { body, headers });

/** A new customer, signed in. */
async function signedIn() {
  await signUp(ada);
  const { body } = await handlers.call('sign-in', { body: { email: ada.email, password: ada.password } });
  const { body: customer } = await handlers.call('get-me', { token: body.token });
  return { customer, token: body.token as string };
}

describe('POST /customers', () => {
  test('creates a customer who can sign in', async () => {
    const { status, headers, body } = await signUp({ ...ada, email: ` ADA-${people}@Example.COM ` });
    expect({ status, body }).toEqual({ status: 202, body: { email: ada.email } });
    expect(headers).toMatchObject({ 'cache-control': 'no-store' });
    const { email, password } = ada;
    const session = await handlers.call('sign-in', { body: { email: email.toUpperCase(), password } });
    expect(session.status).toBe(201);
    expect(Date.parse(session.body.expiresAt)).toBeGreaterThan(Date.now() + 23 * 3600 * 1000);
    expect((await handlers.call('get-me', { token: session.body.token })).body).toEqual({
      id: session.body.customerId,
      email: ada.email,
      name: ada.name,
      address: null,
      premium: false,
      verifiedVatNumber: null,
      suspended: false,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      version: 1,
    });
  });

  test('stores only a hash of the password', async () => {
    await signUp(ada);
    const [row] = await handlers.owner`select * from customers.customers where email = ${ada.email}`;
    expect(row?.passwordHash).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(JSON.stringify(row)).not.toContain(ada.password);
  });

  test.for([
    [{ email: 'nobody' }, '/email'],
    [{ email: undefined }, '/email'],
    [{ email: `${'x'.repeat(250)}@example.com` }, '/email'],
    [{ password: 'short' }, '/password'],
    [{ password: 'x'.repeat(129) }, '/password'],
    [{ password: 12345678 }, '/password'],
    [{ name: ' ' }, '/name'],
    [{ name: 'a\u0000b' }, '/name'],
    [{ premium: true }, '/premium'],
  ] as const)('with %j is 400 and names %s', async ([change, pointer]) => {
    const answer = await signUp({ ...ada, ...change });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input', errors: [{ pointer }] } });
    expect(answer.text).not.toContain(ada.password);
    expect(await handlers.owner`select 1 from customers.customers where email = ${ada.email}`).toHaveLength(0);
  });

  test.for([
    ['{', { 'content-type': 'application/json' }, 400, 'invalid-json'],
    ['', { 'content-type': 'application/json' }, 400, 'invalid-json'],
    ['null', { 'content-type': 'application/json' }, 400, 'invalid-input'],
    ['[]', { 'content-type': 'application/json' }, 400, 'invalid-input'],
    ['{"__proto__":{"premium":true}}', { 'content-type': 'application/json' }, 400, 'invalid-json'],
    ['{}', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    ['{}', {}, 415, 'unsupported-media-type'],
    [`"${'x'.repeat(70_000)}"`, { 'content-type': 'application/json' }, 413, 'body-too-large'],
  ] as const)('with the body %.20s and %j is %d %s', async ([body, headers, status, code]) => {
    expect(await signUp(body, headers as Record<string, string>)).toMatchObject({ status, body: { code } });
  });
});

describe('POST /customers with an Idempotency-Key', () => {
  const keyed = (body: unknown, key = `key-${people}`) => signUp(body, { 'idempotency-key': key });

  test('repeated returns the first answer and creates no customer', async () => {
    const first = await keyed(ada);
    const again = await keyed(ada);
    expect(again).toMatchObject({ status: 202, text: first.text });
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true' });
    expect(await handlers.owner`select 1 from customers.mails where recipient = ${ada.email}`).toHaveLength(1);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
  });

  test('repeated with any other content, also another password, is 422', async () => {
    await keyed(ada);
    for (const change of [{ name: 'Eve' }, { password: 'another horse' }, { email: `eve-${people}@example.com` }]) {
      expect(await keyed({ ...ada, ...change })).toMatchObject({
        status: 422,
        body: { code: 'idempotency-key-reused' },
      });
    }
  });

  test('sent many times at once creates one customer', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => keyed(ada)));
    for (const { status, body } of answers) {
      if (status !== 202) expect({ status, code: body.code }).toEqual({ status: 409, code: 'request-in-flight' });
    }
    expect(answers.filter(({ status, headers }) => status === 202 && !headers['idempotency-replayed'])).toHaveLength(1);
    expect(await handlers.owner`select 1 from customers.customers where email = ${ada.email}`).toHaveLength(1);
  });

  test('stores no fast hash of the password', async () => {
    await keyed(ada);
    const [row] = await handlers.owner`select * from customers.idempotency_keys where key = ${`key-${people}`}`;
    expect(JSON.stringify(row)).not.toContain(ada.password);
    expect(row?.requestHash).toMatch(/^[0-9a-f]{64}$/);
    expect(row?.requestHash).not.toBe(fingerprintOf('sign-up', { path: undefined, body: ada }));
  });

  test('that is no key is 400', async () => {
    for (const key of ['x'.repeat(256), 'clé', 'a b']) {
      expect(await keyed(ada, key)).toMatchObject({ status: 400, body: { code: 'idempotency-key-invalid' } });
    }
  });
});

describe('GET /customers/me', () => {
  test('is the signed-in customer, with a version for conditional requests', async () => {
    const { customer, token } = await signedIn();
    const answer = await handlers.call('get-me', { token });
    expect(answer).toMatchObject({ status: 200, body: customer });
    expect(answer.headers).toMatchObject({ etag: '"1"', 'cache-control': 'private, no-cache' });
    const again = await handlers.call('get-me', { token, headers: { 'if-none-match': '"1"' } });
    expect(again).toMatchObject({ status: 304, text: '' });
    expect((await handlers.call('get-me', { token, headers: { 'if-none-match': '"2"' } })).status).toBe(200);
  });

  test('with a body is 400', async () => {
    const { token } = await signedIn();
    expect(await handlers.call('get-me', { token, body: { a: 1 } })).toMatchObject({
      status: 400,
      body: { code: 'invalid-input' },
    });
  });
});

describe('PATCH /customers/me', () => {
  let refused: ReturnType<typeof signedIn> | undefined;
  const home = { line1: '12 St James’s Square', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };

  test('changes what it names and nothing else', async () => {
    const { customer, token } = await signedIn();
    const named = await handlers.call('update-me', { token, body: { name: ' Ada King ' } });
    expect(named).toMatchObject({
      status: 200,
      body: { ...customer, name: 'Ada King', version: 2, updatedAt: expect.any(String) },
    });
    expect(named.headers.etag).toBe('"2"');
    expect((await handlers.call('update-me', { token, body: { address: home } })).body.address).toEqual(home);
    const cleared = await handlers.call('update-me', { token, body: { address: null } });
    expect(cleared.body).toMatchObject({ name: 'Ada King', address: null, version: 4 });
    expect((await handlers.call('get-me', { token })).body).toEqual(cleared.body);
  });

  test('with an older version in If-Match is 412 and changes nothing', async () => {
    const { token } = await signedIn();
    const change = (etag: string, name: string) =>
      handlers.call('update-me', { token, body: { name }, headers: { 'if-match': etag } });
    expect(await change('"1"', 'One')).toMatchObject({ status: 200, body: { version: 2 } });
    for (const stale of ['"1"', 'W/"2"', 'nonsense']) {
      expect(await change(stale, 'Two')).toMatchObject({ status: 412, body: { code: 'version-stale' } });
    }
    expect(await change('*', 'Three')).toMatchObject({ status: 200, body: { name: 'Three', version: 3 } });
  });

  test.for([
    [{}, ''],
    [{ premium: true }, '/premium'],
    [{ email: 'eve@example.com' }, '/email'],
    [{ name: null }, '/name'],
    [{ address: { ...home, country: 'gb' } }, '/address/country'],
    [{ address: { ...home, planet: 'Earth' } }, '/address/planet'],
    [{ address: { line1: 'x' } }, '/address/city'],
  ] as const)('with %j is 400 and names "%s"', async ([body, pointer]) => {
    refused ??= signedIn();
    const { token, customer } = await refused;
    const answer = await handlers.call('update-me', { token, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(answer.body.errors[0].pointer).toBe(pointer);
    expect((await handlers.call('get-me', { token })).body).toEqual(customer);
  });
});

describe('PATCH /customers/{customerId}', () => {
  const change = (customerId: string, token?: string, headers: Record<string, string> = {}) =>
    handlers.call('update-customer', {
      parameters: { customerId },
      body: { premium: true },
      headers,
      ...(token === undefined ? {} : { token }),
    });

  test('by an app with the scope makes a customer premium', async () => {
    const { customer, token } = await signedIn();
    const key = await handlers.appKey('customers:write');
    expect(await change(customer.id, key, { 'if-match': '"1"' })).toMatchObject({
      status: 200,
      body: { id: customer.id, premium: true, version: 2 },
    });
    expect((await handlers.call('get-me', { token })).body.premium).toBe(true);
    expect(await change(customer.id, key, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
  });

  test('by an app without the scope is 403', async () => {
    const { customer, token } = await signedIn();
    for (const key of [await handlers.appKey(), await handlers.appKey('stock:write', 'catalog:write')]) {
      const answer = await change(customer.id, key);
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(answer.body.detail).toContain('customers:write');
    }
    expect((await handlers.call('get-me', { token })).body.premium).toBe(false);
  });

  test('by the customer, or without credentials, is 401', async () => {
    const { customer, token } = await signedIn();
    for (const credentials of [token, undefined, 'cfk_nonsense', `cfk_${'A'.repeat(64)}`]) {
      expect(await change(customer.id, credentials)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    }
  });

  test('of an unknown or malformed id is 404', async () => {
    const key = await handlers.appKey('customers:write');
    for (const id of [`cus_${'0'.repeat(32)}`, 'me', 'ord_1', `cus_${'0'.repeat(32)}' or 1=1`]) {
      expect(await change(id, key)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
  });
});

test('an app key does not authenticate a customer', async () => {
  const key = await handlers.appKey('customers:write', 'catalog:write', 'stock:write');
  expect(await handlers.call('get-me', { token: key })).toMatchObject({ status: 401 });
});
