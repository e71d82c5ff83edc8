import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

/* The catalogue behind a CDN that may serve it for a minute. */
const edgeKey = 'k'.repeat(48);
let handlers: LiveHandlers;
let key: string;
let productId: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    CATALOG_MAX_AGE_SECONDS: '60',
    EDGE_KEY: edgeKey,
  });
  key = await handlers.appKey('catalog:write', 'catalog:read');
  const body = { sku: 'EDGE', name: 'Thing', price: { amount: 100, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: key, body })).body.id;
});
afterAll(() => handlers?.close());

const reads = () =>
  [
    ['list-products', {}],
    ['get-product', { parameters: { productId } }],
  ] as const;

describe('an answer of the catalogue', () => {
  test('to a Client-Id alone may be served to others with it for a minute, without what is left of its limits', async () => {
    for (const [operation, call] of reads()) {
      const { status, headers } = await handlers.call(operation, call);
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'cache-control': 'public, max-age=60',
        vary: 'Authorization, Client-Id, Origin',
        etag: expect.any(String),
      });
      expect(headers).not.toHaveProperty('ratelimit');
      const again = await handlers.call(operation, { ...call, headers: { 'if-none-match': headers.etag! } });
      expect([again.status, again.headers['cache-control']]).toEqual([304, 'public, max-age=60']);
    }
  });

  test('to a key or to a session is for its caller', async () => {
    const person = { email: 'ada@example.com', password: 'correct horse' };
    await handlers.call('sign-up', { body: { ...person, name: 'Ada' } });
    const { token } = (await handlers.call('sign-in', { body: person })).body;
    for (const bearer of [key, token]) {
      for (const [operation, call] of reads()) {
        const { headers } = await handlers.call(operation, { ...call, token: bearer });
        expect(headers).toMatchObject({ 'cache-control': 'private, no-cache', ratelimit: expect.any(String) });
      }
    }
  });

  test('that refuses is kept by nobody', async () => {
    const unknown = await handlers.call('get-product', { parameters: { productId: `prd_${'0'.repeat(32)}` } });
    const stranger = await handlers.call('list-products', { headers: { 'client-id': 'app_none' } });
    expect([unknown.status, unknown.headers['cache-control']]).toEqual([404, 'no-store']);
    expect([stranger.status, stranger.headers['cache-control']]).toEqual([401, 'no-store']);
  });
});

describe('a request is counted by the address', () => {
  const countedBy = async (headers: Record<string, string>, address = '198.51.100.1') => {
    const counts = async () => {
      const { Items = [] } = await handlers.dynamo.documents.send(
        new ScanCommand({ TableName: 'limits', ConsistentRead: true }),
      );
      return new Map(
        Items.filter(({ subject }) => subject.startsWith('address:')).map(({ subject, taken }) => [
          subject.slice('address:'.length).split('@')[0],
          taken,
        ]),
      );
    };
    const before = await counts();
    expect((await handlers.call('list-products', { headers, address })).status).toBe(200);
    return [...(await counts())]
      .filter(([address, taken]) => taken !== before.get(address))
      .map(([address]) => address);
  };
  const viewer = { 'CloudFront-Viewer-Address': '203.0.113.9:46532' };

  test('of the client, if the CDN says so', async () => {
    expect(await countedBy({ ...viewer, 'Counterfoil-Edge-Key': edgeKey })).toEqual(['203.0.113.9']);
    const sixth = { 'CloudFront-Viewer-Address': '2001:db8:0:1::7:46532', 'Counterfoil-Edge-Key': edgeKey };
    expect(await countedBy(sixth)).toEqual(['2001:db8:0:1::/64']);
  });

  test.each([
    ['nobody proves to be the CDN', '198.51.100.2', {}],
    ['the key is another one', '198.51.100.3', { 'Counterfoil-Edge-Key': 'x'.repeat(48) }],
  ])('that it comes from, if %s', async (_, address, headers) => {
    expect(await countedBy({ ...viewer, ...headers }, address)).toEqual([address]);
  });
});
