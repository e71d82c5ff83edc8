import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

const limit = 5;
let handlers: LiveHandlers;
let token: string;
let addresses = 0;
let address: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: String(limit) });
  await handlers.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${`cus_${'1'.repeat(32)}`}, 'ada@example.com', 'Ada', ${await hashPassword('correct horse')}, now(), now())`;
  const session = await handlers.call('sign-in', { body: { email: 'ada@example.com', password: 'correct horse' } });
  token = session.body.token;
  // Opens the connections: a token to log in to the database that is dated by a test's own clock would be refused.
  await handlers.call('get-me', { token });
});
afterAll(() => handlers.close());
beforeEach(() => {
  // Each test runs an hour after the one before, so that their requests do not count together.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3600 * 1000 * ++addresses });
  address = `198.51.100.${addresses}`;
});
afterEach(() => {
  vi.useRealTimers();
});

const ask = (from = address) => handlers.call('get-openapi', { address: from });
const getMe = (from: string) => handlers.call('get-me', { token, address: from });
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

describe('requests from one address', () => {
  test('learn what is left, and are refused beyond the limit until the first of them is a minute old', async () => {
    for (let left = limit - 1; left >= 0; left--) {
      const { status, headers } = await ask();
      expect(status).toBe(200);
      expect(headers['ratelimit-policy']).toBe('"address";q=5;w=60');
      expect(headers.ratelimit).toMatch(new RegExp(`^"address";r=${left};t=6[0-5]$`));
    }
    pass(20);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited', status: 429 } });
    expect(refused.headers['content-type']).toBe('application/problem+json');
    const seconds = Number(refused.headers['retry-after']);
    expect(refused.headers.ratelimit).toBe(`"address";r=0;t=${seconds}`);
    pass(seconds - 1);
    expect((await ask()).status).toBe(429);
    pass(1);
    expect((await ask()).status).toBe(200);
  });

  test('do not count for another address', async () => {
    for (let i = 0; i <= limit; i++) await ask();
    expect((await ask()).status).toBe(429);
    expect((await ask('203.0.113.9')).status).toBe(200);
  });

  test('count together over a whole IPv6 network', async () => {
    for (let i = 0; i < limit; i++) expect((await ask(`2001:db8:1:2::${i}`)).status).toBe(200);
    expect((await ask('2001:db8:1:2:ffff::1')).status).toBe(429);
    expect((await ask('2001:db8:1:3::1')).status).toBe(200);
  });

  test('count even if they are refused for another reason, before anything is looked up', async () => {
    for (let i = 0; i < limit; i++) {
      expect((await handlers.call('get-me', { token: 'forged', address })).status).toBe(401);
    }
    expect((await handlers.call('get-me', { token: 'forged', address })).status).toBe(429);
    expect((await handlers.call('sign-up', { body: '{', address })).status).toBe(429);
  });

  test('for the health check are not limited', async () => {
    for (let i = 0; i < 3 * limit; i++) {
      const { status, headers } = await handlers.call('get-health', { address });
      expect(status).not.toBe(429);
      expect(headers).not.toHaveProperty('ratelimit');
    }
  });
});

describe('requests of one customer', () => {
  test('are limited wherever they come from', async () => {
    for (let i = 0; i < limit; i++) {
      const { status, headers } = await getMe(`192.0.2.${i}`);
      expect(status).toBe(200);
      expect(headers['ratelimit-policy']).toBe('"address";q=5;w=60, "customer";q=5;w=60, "application";q=300;w=60');
      expect(headers.ratelimit).toMatch(
        new RegExp(`^"address";r=4;t=\\d+, "customer";r=${limit - 1 - i};t=\\d+, "application";r=\\d+;t=\\d+$`),
      );
    }
    const refused = await getMe('192.0.2.99');
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(refused.body.detail).toContain('customer');
  });

  test('cost three counts in DynamoDB, a read of the session, and once a second one of its application', async () => {
    // The session is not extended: an hour is less than half its idle time.
    const before = handlers.dynamo.calls();
    expect((await getMe(address)).status).toBe(200);
    const after = handlers.dynamo.calls();
    const made = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
    expect(made).toMatchObject({ GetItem: 2, UpdateItem: 3 });
    expect(Object.values(made).reduce((sum, count) => sum + count, 0)).toBe(5);
    await getMe(address);
    expect(handlers.dynamo.calls().GetItem).toBe(after.GetItem! + 1);
  });
});

test('while DynamoDB does not answer, the process limits by its own counts, until it answers again', async () => {
  await ask();
  handlers.dynamo.refuse();
  try {
    for (let i = 1; i < limit; i++) expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
    expect((await ask('203.0.113.77')).status).toBe(200);
  } finally {
    await handlers.dynamo.resume();
  }
  pass(2);
  const before = handlers.dynamo.calls().UpdateItem ?? 0;
  expect((await ask('203.0.113.77')).status).toBe(200);
  expect(handlers.dynamo.calls().UpdateItem).toBe(before + 1);
});
