import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { fieldsOf } from '../support/applications.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let key: string;
let session: string;
const credentials = { email: 'ada@example.com', password: 'correct horse' };

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  key = await handlers.appKey('catalog:read', 'catalog:write', 'customers:read', 'applications:manage');
  await handlers.call('sign-up', { body: { ...credentials, name: 'Ada' } });
  session = (await handlers.call('sign-in', { body: credentials })).body.token;
});
afterAll(() => handlers.close());

const json = { 'content-type': 'application/json' };
const rename = (body: string | Buffer, headers: Record<string, string> = {}) =>
  handlers.call('update-me', { token: session, headers: { ...json, ...headers }, body });
const invalidJson = { status: 400, body: { code: 'invalid-json' } };

describe('a body', () => {
  test.each([
    ['in Latin-1', Buffer.from('{"name":"M\xfcller"}', 'latin1')],
    ['with half a character', Buffer.from([...Buffer.from('{"name":"a'), 0xc3, ...Buffer.from('"}')])],
    ['with a surrogate', Buffer.from([...Buffer.from('{"name":"a'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')])],
    ['whose bytes a gateway has replaced', '{"name":"M\ufffdller"}'],
  ])('%s is not UTF-8, and changes nothing', async (_, body) => {
    expect(await rename(body)).toMatchObject(invalidJson);
    expect((await handlers.call('get-me', { token: session })).body.name).toBe('Ada');
  });

  test('in UTF-8 is read, also when it comes in base64', async () => {
    expect(await rename(Buffer.from('{"name":"Müller"}'))).toMatchObject({ status: 200, body: { name: 'Müller' } });
    expect(await rename('{"name":"Ada"}')).toMatchObject({ status: 200 });
  });

  test.each(['gzip', 'br', 'deflate'])('compressed by %s is 415, and says what is accepted', async (encoding) => {
    const answer = await rename('{"name":"Eve"}', { 'content-encoding': encoding });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported-media-type' } });
    expect(answer.headers['accept-encoding']).toBe('identity');
  });

  test.each(['{"name":"Eve","name":"Ada"}', '{"name":"Eve","\\u006eame":"Ada"}'])(
    'with two members of one name is refused: %s',
    async (body) => expect(await rename(body)).toMatchObject(invalidJson),
  );
});

describe('a query parameter', () => {
  test.each<[OperationId, Call]>([
    ['get-health', {}],
    ['get-openapi', {}],
    ['get-me', { token: 'session' }],
    ['list-products', {}],
    ['list-sessions', { token: 'session' }],
  ])('that %s does not know is refused', async (operation, call) => {
    const as = call.token === undefined ? {} : { token: session };
    const answer = await handlers.call(operation, { ...as, query: { nonsense: '1' } });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid-input', errors: [{ pointer: '?nonsense', detail: 'is unknown' }] },
    });
  });

  test.each(['1e1', '0x10', ' 5', '+5', '', '5.0', '-1'])('limit=%j is no number in decimal digits', async (limit) => {
    const answer = await handlers.call('list-products', { query: { limit } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '?limit' }] } });
  });
});

describe('text', () => {
  test.each([
    ['a mark that turns the direction of text', 'Ada\u202e'],
    ['an isolate', '\u2066Ada'],
    ['a soft hyphen', 'A\u00adda'],
    ['a tag character', 'Ada\u{e0041}'],
    ['only what nobody sees', '\u200d'],
    ['a control character', 'A\u0007da'],
  ])('with %s is refused as a name', async (_, name) => {
    const answer = await rename(JSON.stringify({ name }));
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '/name' }] } });
  });

  test.each(['नमस्ते', '👩‍👩‍👧', 'O’Neill-Ó', '李'])('%s is a name', async (name) => {
    expect(await rename(JSON.stringify({ name }))).toMatchObject({ status: 200, body: { name } });
  });

  test.each([`${'a'.repeat(65)}@example.com`, `a@${'b'.repeat(64)}.com`, 'a@-b.com', 'a@b-.com'])(
    '%s is no e-mail address',
    async (email) => {
      const answer = await handlers.call('sign-up', { body: { ...credentials, email, name: 'Ada' } });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '/email' }] } });
    },
  );
});

describe('a mistake is explained', () => {
  const detail = async (operation: OperationId, call: Call) => (await handlers.call(operation, call)).body.detail;

  test.each<[string, OperationId, () => Call, string]>([
    ['a key where a session is needed', 'get-me', () => ({ token: key }), 'You sent an application’s key.'],
    [
      'a session where a key is needed',
      'list-applications',
      () => ({ token: session }),
      'You sent the token of a customer’s session.',
    ],
    [
      'a token without Bearer',
      'get-me',
      () => ({ headers: { authorization: session } }),
      '"Authorization: Bearer <token>"',
    ],
    ['an unknown endpoint', 'answer-unrouted', () => ({ method: 'GET', path: '/' }), 'GET /docs'],
    ['a method that the path has not', 'answer-unrouted', () => ({ method: 'PUT', path: '/orders' }), 'Use '],
    ['a SKU for an id', 'get-product', () => ({ parameters: { productId: 'MUG-BLUE' } }), '?sku='],
    [
      'a price in major units',
      'create-product',
      () => ({ token: key, body: { sku: 'X', name: 'X', price: { amount: 19.99, currency: 'EUR' } } }),
      '19.99 EUR is 1999',
    ],
  ])('%s', async (_, operation, call, expected) => {
    expect(await detail(operation, call())).toContain(expected);
  });

  test('a token that is only wrong gets no other answer', async () => {
    expect(await detail('get-me', { token: 'cfs_x' })).toBe('The token is unknown, has expired, or was revoked.');
  });
});

test('any page may read the documents', async () => {
  for (const operation of ['get-openapi', 'get-health'] as const) {
    const answer = await handlers.call(operation, { headers: { origin: 'https://elsewhere.example' } });
    expect(answer.headers['access-control-allow-origin'], operation).toBe('*');
  }
});

describe('a conditional request', () => {
  const change = (headers: Record<string, string>) =>
    handlers.call('update-me', { token: session, headers, body: { name: 'Ada' } });
  const tagNow = async () => (await handlers.call('get-me', { token: session })).headers.etag!;

  test('may name several versions, of which one must be current', async () => {
    const tag = await tagNow();
    expect(await change({ 'if-match': '"999", "998"' })).toMatchObject({
      status: 412,
      body: { code: 'version-stale' },
    });
    expect(await change({ 'if-match': `W/${tag}` }), 'weak tags never match').toMatchObject({ status: 412 });
    expect(await change({ 'if-match': `"999", ${tag}` })).toMatchObject({ status: 200 });
  });

  test('that asks that there be nothing to change is refused', async () => {
    expect(await change({ 'if-none-match': '*' })).toMatchObject({ status: 412, body: { code: 'version-stale' } });
  });

  test('that names versions which must not be current is refused at one of them', async () => {
    const tag = await tagNow();
    const stale = { status: 412, body: { code: 'version-stale' } };
    for (const tags of [tag, `W/${tag}`, `"999", ${tag}`]) {
      expect(await change({ 'if-none-match': tags }), tags).toMatchObject(stale);
    }
    expect(await change({ 'if-match': tag, 'if-none-match': tag }), 'both must hold').toMatchObject(stale);
    expect(await tagNow()).toBe(tag);
    expect((await change({ 'if-none-match': '"999"' })).status).toBe(200);
    const { id } = await registerByHand(handlers.applications, { ...fieldsOf('web'), scopes: ['catalog:read'] });
    const renamed = await handlers.call('update-application', {
      token: key,
      parameters: { applicationId: id },
      headers: { 'if-none-match': '"1"' },
      body: { name: 'Renamed' },
    });
    expect(renamed).toMatchObject(stale);
  });

  test('of an application that sees less has another tag, with which it can change what it read', async () => {
    const tag = await tagNow();
    const { id } = await registerByHand(handlers.applications, { ...fieldsOf('web'), scopes: ['customers:write'] });
    const by = { 'client-id': id };
    const { token } = (await handlers.call('sign-in', { headers: by, body: credentials })).body;
    const seen = await handlers.call('get-me', { token });
    expect(seen.body).not.toHaveProperty('name');
    expect(seen.headers.etag).not.toBe(tag);
    const same = await handlers.call('get-me', { token, headers: { 'if-none-match': tag } });
    expect(same.status, 'the tag of the full representation').toBe(200);
    const headers = { 'if-match': seen.headers.etag! };
    expect((await handlers.call('update-me', { token, headers, body: { name: 'Ada' } })).status).toBe(200);
  });
});

describe('a product that is off sale', () => {
  const get = (productId: string, as: Call) => handlers.call('get-product', { ...as, parameters: { productId } });
  const list = (as: Call, query: Record<string, string>) => handlers.call('list-products', { ...as, query });

  test('is seen and listed by the back office alone', async () => {
    const office = { token: key };
    const body = { sku: 'OFF-SALE', name: 'Off sale', price: { amount: 1, currency: 'EUR' }, active: false };
    const { id } = (await handlers.call('create-product', { ...office, body })).body;
    expect(await get(id, office)).toMatchObject({ status: 200, body: { id, active: false } });
    expect((await get(id, { token: session })).status).toBe(404);
    expect((await get(id, {})).status).toBe(404);

    expect((await list(office, { active: 'false' })).body.data).toMatchObject([{ id }]);
    expect((await list(office, { sku: 'OFF-SALE' })).body.data).toMatchObject([{ id }]);
    expect((await list(office, {})).body.data).toEqual([]);
    expect((await list(office, { sku: 'OFF-SALE', active: 'true' })).body.data).toEqual([]);
    expect(await list({ token: session }, { active: 'false' })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect((await list({ token: session }, { sku: 'OFF-SALE' })).body.data).toEqual([]);
  });
});
