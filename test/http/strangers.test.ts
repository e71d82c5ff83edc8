import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

/* Header fields that any client can choose freely, before it is authenticated. */
let handlers: LiveHandlers;
beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000' });
});
afterAll(() => handlers.close());

describe('an invalid Client-Id', () => {
  test.each([
    ['empty', ''],
    ['longer than any key of DynamoDB', 'x'.repeat(3000)],
    ['another kind of item of the same table', 'identity-client#shop'],
    ['two at once', `app_${'0'.repeat(32)}, app_${'1'.repeat(32)}`],
    ['with a NUL', 'app_\u0000'],
  ])('%s is 401, asked for of nobody', async (_, clientId) => {
    const before = handlers.dynamo.calls().GetItem ?? 0;
    const answer = await handlers.call('list-products', { headers: { 'client-id': clientId } });
    expect(answer, answer.text).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const page = await handlers.call('list-products', {
      headers: { 'client-id': clientId, origin: 'https://evil.example' },
    });
    expect(page, page.text).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(page.headers).not.toHaveProperty('access-control-allow-origin');
    expect(handlers.dynamo.calls().GetItem ?? 0).toBe(before);
  });
});

describe('a credential', () => {
  test.each(['token', 'access_token', 'authorization', 'client-id', 'key'])(
    'in the query as %s is ignored',
    async (name) => {
      const key = await handlers.appKey('catalog:read');
      const answer = await handlers.call('list-products', { headers: { 'client-id': 'x' }, query: { [name]: key } });
      expect(answer).toMatchObject({ status: 401 });
      expect(answer.text).not.toContain(key);
    },
  );

  test('in a cookie is ignored', async () => {
    const key = await handlers.appKey('catalog:read');
    const headers = { 'client-id': 'x', cookie: `authorization=Bearer ${key}; token=${key}` };
    expect((await handlers.call('list-products', { headers })).status).toBe(401);
  });
});

describe('the name of another host', () => {
  test('is in no answer: locations are relative', async () => {
    const token = await handlers.appKey('catalog:read', 'catalog:write');
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
    const body = { sku: 'HOST-1', name: 'Thing', price: { amount: 100, currency: 'EUR' } };
    const answer = await handlers.call('create-product', { token, headers, body });
    expect(answer.headers.location).toBe(`/products/${answer.body.id}`);
    expect(JSON.stringify(answer)).not.toContain('evil.example');
  });
});
