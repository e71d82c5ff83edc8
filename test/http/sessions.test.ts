import { scrypt } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../functions/http/sign-in.ts';
import { hashPassword, passwordCost } from '../../lib/accounts/customers/passwords.ts';
import { anyApplication } from '../support/applications.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>();
  return { ...original, scrypt: vi.fn(original.scrypt) };
});

// Dozens of sign-ins with hashes at full cost would take most of a minute.
vi.mock('../../lib/accounts/customers/passwords.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../lib/accounts/customers/passwords.ts')>()),
  passwordCost: { ln: 5, r: 8, p: 1 },
}));

const password = 'correct horse';
let handlers: LiveHandlers;
let people = 0;
let email: string;
let customerId: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000' });
});
afterAll(() => handlers.close());
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  email = `someone-${++people}@example.com`;
  const id = people.toString(16).padStart(32, '0');
  customerId = `cus_${id}`;
  await handlers.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${customerId}, ${email}, 'Someone', ${await hashPassword(password, passwordCost)}, now(), now())`;
  vi.mocked(scrypt).mockClear();
});
afterEach(() => {
  vi.useRealTimers();
});

const signIn = (as: { email?: string; password?: string } = {}) =>
  handlers.call('sign-in', { body: { email, password, ...as } });
const token = async (): Promise<string> => (await signIn()).body.token;
const getMe = (bearer: string) => handlers.call('get-me', { token: bearer });
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

describe('POST /sessions', () => {
  test('opens a session that lasts a day', async () => {
    const { status, headers, body } = await signIn();
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({ token: expect.stringMatching(/^cfs_/), expiresAt: expect.any(String), customerId });
    expect(Math.abs(Date.parse(body.expiresAt) - Date.now() - 24 * 3600 * 1000)).toBeLessThan(1001);
    expect(await getMe(body.token)).toMatchObject({ status: 200, body: { id: customerId } });
  });

  test('with a wrong password and with an unknown e-mail address returns the same answer, after the same work', async () => {
    const wrong = await signIn({ password: 'wrong horse' });
    expect(scrypt).toHaveBeenCalledTimes(1);
    const unknown = await signIn({ email: `unknown-${email}` });
    expect(scrypt).toHaveBeenCalledTimes(2);
    const [first, second] = vi.mocked(scrypt).mock.calls;
    expect(first?.[3]).toEqual(second?.[3]);
    expect([first?.[0], second?.[0]]).toEqual(['wrong horse', password]);
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } });
    expect({ ...unknown.body, requestId: '' }).toEqual({ ...wrong.body, requestId: '' });
    expect(Object.keys(unknown.headers)).toEqual(Object.keys(wrong.headers));
  });

  test('with invalid input is 400 and does not count as a failed sign-in', async () => {
    for (let i = 0; i < 8; i++) expect((await signIn({ password: '' })).status).toBe(400);
    expect((await handlers.call('sign-in', { body: { email, password, remember: true } })).status).toBe(400);
    expect((await signIn()).status).toBe(201);
  });

  test('rehashes a password that was hashed at an older cost', async () => {
    const hashOf = async () =>
      (await handlers.owner`select password_hash from customers.customers where id = ${customerId}`)[0]?.passwordHash;
    const old = await hashPassword(password, { ln: 4, r: 8, p: 1 });
    await handlers.owner`update customers.customers set password_hash = ${old} where id = ${customerId}`;
    expect((await signIn({ password: 'wrong horse' })).status).toBe(401);
    expect(await hashOf()).toBe(old);
    expect((await signIn()).status).toBe(201);
    const renewed = await hashOf();
    expect(renewed).toMatch(/^\$scrypt\$ln=5,r=8,p=1\$/);
    expect((await signIn()).status).toBe(201);
    expect(await hashOf()).toBe(renewed);
  });

  test('while the password is changed opens no session, even with the old password', async () => {
    const original = vi.mocked(scrypt).getMockImplementation()!;
    vi.mocked(scrypt).mockImplementationOnce(((...args: Parameters<typeof original>) => {
      void handlers.owner`
        update customers.customers set access_version = access_version + 1 where id = ${customerId}`.then(() =>
        original(...args),
      );
    }) as typeof scrypt);
    expect(await signIn()).toMatchObject({ status: 409, body: { code: 'access-changed' } });
    const bearer = await token();
    expect((await handlers.call('list-sessions', { token: bearer })).body.data).toHaveLength(1);
  });

  test('with a corrupt stored hash is a 500 without details', async () => {
    await handlers.owner`update customers.customers set password_hash = 'rot13:pbeerpg' where id = ${customerId}`;
    const { status, text, body } = await signIn();
    expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal' });
    expect(body).not.toHaveProperty('detail');
    expect(text).not.toMatch(/rot13|scrypt|hash/i);
  });
});

describe('guessing a password', () => {
  test.for(['of a customer', 'of nobody'])(
    '%s is locked after five failures, and the password is not checked any more',
    async (whose) => {
      const as = whose === 'of nobody' ? { email: `nobody-${email}` } : {};
      for (let i = 0; i < 5; i++) expect((await signIn({ ...as, password: `wrong ${i}` })).status).toBe(401);
      expect(scrypt).toHaveBeenCalledTimes(5);
      for (const loginAttempt of ['wrong again', password]) {
        const locked = await signIn({ ...as, password: loginAttempt });
        expect(locked).toMatchObject({
          status: 429,
          body: { code: 'sign-in-locked', detail: 'Try again in 30 seconds.' },
        });
        expect(Number(locked.headers['retry-after'])).toBe(30);
      }
      expect(scrypt).toHaveBeenCalledTimes(5);
      pass(31);
      expect((await signIn({ ...as, password: 'wrong' })).status).toBe(401);
      expect((await signIn({ ...as, password: 'wrong' })).headers['retry-after']).toBe('60');
    },
  );

  test('with the address in upper case counts too', async () => {
    for (let i = 0; i < 5; i++)
      await signIn({ password: 'wrong horse', ...(i % 2 ? { email: email.toUpperCase() } : {}) });
    expect((await signIn()).status).toBe(429);
  });

  test('ends when the owner signs in after the lock', async () => {
    for (let i = 0; i < 5; i++) await signIn({ password: 'wrong horse' });
    pass(31);
    expect((await signIn()).status).toBe(201);
    expect((await signIn({ password: 'wrong horse' })).status).toBe(401);
    expect((await signIn()).status).toBe(201);
  });

  test.for([
    ['one network', () => '192.0.2.1', 5],
    ['everywhere', (i: number) => `192.0.2.${i}`, 20],
  ] as const)('at the same time from %s gets so many login attempts and no more', async ([, address, most]) => {
    const loginAttempts = Array.from({ length: 32 }, (_, i) =>
      handlers.call('sign-in', { body: { email, password: `guess ${i}` }, address: address(i) }),
    );
    const statuses = (await Promise.all(loginAttempts)).map(({ status }) => status);
    const looks = statuses.filter((status) => status === 401).length;
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThanOrEqual(most);
    // A busy machine answers some of so many concurrent requests with 503.
    expect(statuses.filter((status) => ![401, 429, 503].includes(status))).toEqual([]);
  });

  test('from another network does not lock the owner out of a network they signed in from', async () => {
    await signIn();
    for (let i = 0; i < 25; i++) {
      await handlers.call('sign-in', { body: { email, password: 'wrong horse' }, address: `192.0.2.${i}` });
    }
    const stranger = await handlers.call('sign-in', { body: { email, password }, address: '192.0.2.99' });
    expect(stranger).toMatchObject({ status: 429, body: { code: 'sign-in-locked' } });
    expect((await signIn()).status).toBe(201);
  });
});

test('a locked sign-in is counted as one', async () => {
  for (let i = 0; i < 5; i++) await signIn({ password: 'wrong horse' });
  const count = vi.fn();
  const clock = { now: () => Date.now() };
  const store = { client: handlers.dynamo.documents, clock };
  const caller = { address: '192.0.2.1', application: anyApplication };
  const attempt = run({ body: { email, password }, caller, concerns: () => {}, meter: { count } } as never, {
    sql: () => handlers.owner,
    sessions: { ...store, table: 'sessions', idleSeconds: 60, maxSeconds: 60 },
    lockout: { ...store, table: 'limits' },
    tellPublisher: async () => {},
    cost: passwordCost,
    mustConfirm: false,
    links: { client: handlers.dynamo.documents, table: 'identities' },
    clock,
    verify: async () => undefined,
  });
  await expect(attempt).rejects.toMatchObject({ code: 'sign-in-locked' });
  expect(count.mock.calls).toEqual([['SignInsLocked']]);
});

describe('a session', () => {
  test('signed out is 401 with the next request; the other one stays', async () => {
    const [one, two] = [await token(), await token()];
    expect(await handlers.call('sign-out', { token: one })).toMatchObject({ status: 204, text: '' });
    expect(await getMe(one)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect((await handlers.call('sign-out', { token: one })).status).toBe(401);
    expect((await getMe(two)).status).toBe(200);
  });

  test('signed out everywhere is 401, and so is every other one', async () => {
    const tokens = [await token(), await token(), await token()];
    expect((await handlers.call('sign-out-everywhere', { token: tokens[1]! })).status).toBe(204);
    for (const each of tokens) expect((await getMe(each)).status).toBe(401);
    expect((await getMe(await token())).status).toBe(200);
  });

  test('is listed for its customer, without secrets', async () => {
    const [one, two] = [await token(), await token()];
    pass(60);
    const other = (await handlers.call('sign-in', { body: { email, password }, address: '2001:db8:1:2:3::9' })).body
      .token;
    await getMe(one);
    const { status, body, text } = await handlers.call('list-sessions', { token: two });
    expect(status).toBe(200);
    expect(body.data).toHaveLength(3);
    expect(body.data.map(({ current }: { current: boolean }) => current)).toContain(true);
    expect(body.data[0]).toEqual({
      id: expect.stringMatching(/^ses_[0-9a-f]{32}$/),
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
      network: '2001:db8:1::/48',
      applicationId: handlers.clientId,
      current: false,
    });
    expect(body.data[1].network).toMatch(/\.0\/24$/);
    for (const bearer of [one, two, other]) expect(text).not.toContain(bearer.slice(30));
    for (const { id } of body.data) expect((await getMe(id)).status).toBe(401);
  });

  test('can be ended by its id, only by its customer, with effect on the next request', async () => {
    const [mine, lost] = [await token(), await token()];
    const { body } = await handlers.call('list-sessions', { token: mine });
    const { id } = body.data.find(({ current }: { current: boolean }) => !current);
    const end = (sessionId: string, bearer = mine) =>
      handlers.call('end-session', { token: bearer, parameters: { sessionId } });
    await handlers.owner`
      insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
      select 'cus_f' || substr(id, 6), 'thief-' || email, name, password_hash, now(), now()
      from customers.customers where id = ${customerId}`;
    const thief = (await signIn({ email: `thief-${email}` })).body.token;
    expect(await end(id, thief)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await getMe(lost)).status).toBe(200);
    expect(await end(id)).toMatchObject({ status: 204, text: '' });
    expect((await getMe(lost)).status).toBe(401);
    expect((await end(id)).status).toBe(404);
    expect((await getMe(mine)).status).toBe(200);
    for (const nonsense of ['ses_1', 'all', lost]) expect((await end(nonsense)).status).toBe(404);
  });

  test('ends after a day without use, lasts while used every 20 hours, and ends after 30 days', async () => {
    const [idle, used] = [await token(), await token()];
    const renewals = handlers.dynamo.calls().UpdateItem ?? 0;
    for (let hours = 20; hours < 30 * 24; hours += 20) {
      pass(20 * 3600);
      expect((await getMe(used)).status, `after ${hours} h`).toBe(200);
    }
    expect((await getMe(idle)).status).toBe(401);
    expect(handlers.dynamo.calls().UpdateItem ?? 0).toBeGreaterThan(renewals);
    pass(20 * 3600);
    expect((await getMe(used)).status).toBe(401);
  });

  test('is only accepted by its exact token', async () => {
    const good = await token();
    const unlike = [
      undefined,
      '',
      'Bearer',
      `Bearer ${good.slice(0, -1)}`,
      `Bearer ${good}x`,
      `Bearer ${good.slice(0, 10)}${good[10] === 'A' ? 'B' : 'A'}${good.slice(11)}`,
      `Bearer ${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`,
      `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`,
      good,
      `Bearer ${good}, Bearer ${good}`,
      'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJjdXNfMSJ9.',
      `Bearer ${'x'.repeat(5000)}`,
    ];
    for (const authorization of unlike) {
      const answer = await handlers.call('get-me', { headers: authorization === undefined ? {} : { authorization } });
      expect(answer, authorization).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect((await handlers.call('get-me', { headers: { authorization: `bearer  ${good}` } })).status).toBe(200);
  });
});

describe('while DynamoDB does not answer', () => {
  test.for(['refuse', 'pause'] as const)(
    '(%s) requests with a session are 503, the catalogue is served, and everything recovers',
    async (way) => {
      const bearer = await token();
      handlers.dynamo[way]();
      try {
        const operations = ['get-me', 'list-sessions', 'sign-out', 'sign-out-everywhere'] as const;
        const signedIn = () => operations.map((operation) => handlers.call(operation, { token: bearer }));
        for (const answer of await handlers.impatiently(() => Promise.all([...signedIn(), signIn()]))) {
          expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
          expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
          expect(answer.text).not.toMatch(/dynamo|ECONN|socket/i);
        }
        expect((await handlers.call('list-products')).status).toBe(200);
        expect((await getMe('no token')).status).toBe(401);
      } finally {
        await handlers.dynamo.resume();
      }
      expect((await getMe(bearer)).status).toBe(200);
      expect((await signIn()).status).toBe(201);
    },
  );

  test('a sign-in that cannot be checked does not count as failed', async () => {
    await handlers.owner`revoke select on customers.customers from customers_api`;
    try {
      for (let i = 0; i < 6; i++) expect((await signIn()).status).toBe(500);
    } finally {
      await handlers.owner`grant select on customers.customers to customers_api`;
    }
    expect((await signIn()).status).toBe(201);
  });
});

describe('the back office', () => {
  test('ends every session of a customer, and nobody else’s', async () => {
    const token = await handlers.appKey('customers:write');
    const [one, two] = [(await signIn()).body, (await signIn()).body];
    const other = `other-${email}`;
    await handlers.call('sign-up', { body: { email: other, password, name: 'Eve' } });
    const theirs = (await signIn({ email: other })).body.token;
    const end = (customerId: string, as = token) =>
      handlers.call('end-customer-sessions', { token: as, parameters: { customerId } });
    expect((await end(one.customerId, await handlers.appKey('customers:read'))).status).toBe(403);
    expect((await end(`cus_${'0'.repeat(32)}`)).status).toBe(404);
    expect((await end(one.customerId)).status).toBe(204);
    for (const session of [one, two])
      expect((await handlers.call('get-me', { token: session.token })).status).toBe(401);
    expect((await handlers.call('get-me', { token: theirs })).status).toBe(200);
    expect((await signIn()).status).toBe(201);
  });
});
