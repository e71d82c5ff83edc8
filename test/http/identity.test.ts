import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { unlinkIdentity } from '../../lib/accounts/customers/account-changes.ts';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import { exchangeIdToken } from '../../lib/accounts/identities/link.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { documentsThat } from '../support/dynamo.ts';
import { issuedToken, openWithIssuer } from '../support/issuer.ts';
import type { LiveHandlers } from '../support/live-handlers.ts';
import { mailedToken } from '../support/mailbox.ts';
import { testIssuer } from '../support/tokens.ts';

vi.mock('../../lib/accounts/identities/link.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../lib/accounts/identities/link.ts')>();
  return { ...original, exchangeIdToken: vi.fn(original.exchangeIdToken) };
});

const password = 'correct horse';
let handlers: LiveHandlers;
let web: string;
let mobile: string;
let people = 0;
let subject: string;
let email: string;

beforeAll(async () => {
  const opened = await openWithIssuer('client-web', 'client-mobile');
  handlers = opened.handlers;
  [web, mobile] = opened.applications as [string, string];
});
afterAll(() => handlers.close());
beforeEach(() => {
  subject = `user-${++people}`;
  email = `${subject}@example.com`;
});

const idToken = (changes: Record<string, unknown> = {}) =>
  issuedToken({ sub: subject, email, email_verified: true, name: 'Ada Lovelace', ...changes });
const exchange = (changes: Record<string, unknown> = {}, application = web) =>
  handlers.call('sign-in', { headers: { 'client-id': application }, body: { idToken: idToken(changes) } });
const getMe = (token: string) => handlers.call('get-me', { token });
const customersOf = (address = email) => handlers.owner`select id from customers.customers where email = ${address}`;

/** A customer with a password. */
async function customer({ confirmed = true, address = email } = {}): Promise<string> {
  const id = newId('customer', systemClock);
  const hash = await hashPassword(password, { ln: 15, r: 8, p: 3 });
  await handlers.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at, confirmed_at)
    values (${id}, ${address}, 'Somebody', ${hash}, now(), now(), ${confirmed ? new Date() : null})`;
  return id;
}

describe('POST /sessions with an id token', () => {
  test('creates a customer for an unknown identity, and finds them afterwards', async () => {
    const first = await exchange();
    expect(first).toMatchObject({ status: 201, body: { token: expect.stringMatching(/^cfs_/) } });
    const { customerId } = first.body;
    expect(await getMe(first.body.token)).toMatchObject({
      status: 200,
      body: { id: customerId, email, name: 'Ada Lovelace', premium: false },
    });
    const again = await exchange({ email: 'moved@example.com', name: 'Ada King' });
    expect(again).toMatchObject({ status: 201, body: { customerId } });
    expect(again.body.token).not.toBe(first.body.token);
    const mobileApp = await exchange({ aud: 'client-mobile' }, mobile);
    expect(mobileApp).toMatchObject({ status: 201, body: { customerId } });
    const sessions = await handlers.call('list-sessions', { token: mobileApp.body.token });
    expect(sessions.body.data.map(({ applicationId }: { applicationId: string }) => applicationId).sort()).toEqual(
      [web, web, mobile].sort(),
    );
  });

  test('creates one customer for twenty concurrent requests', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.customerId)).size).toBe(1);
    expect(await customersOf()).toHaveLength(1);
  });

  test('uses the address when the token has no name, and accepts any name without line breaks', async () => {
    const nameless = await exchange({ name: undefined });
    expect((await getMe(nameless.body.token)).body.name).toBe(subject);
    const odd = await exchange({ sub: `${subject}-b`, email: `b-${email}`, name: `A\n${'x'.repeat(300)}` });
    expect((await getMe(odd.body.token)).body.name).toMatch(/^A x{198}$/);
  });

  test('gives the customer no usable password', async () => {
    await exchange();
    for (const loginAttempt of [' ', password, subject]) {
      const answer = await handlers.call('sign-in', { body: { email, password: loginAttempt } });
      expect(answer).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } });
    }
  });

  test('links a customer with the same e-mail address if both sides have confirmed it', async () => {
    const id = await customer();
    expect(await exchange({ email: email.toUpperCase() })).toMatchObject({ status: 201, body: { customerId: id } });
    expect(await customersOf()).toHaveLength(1);
  });

  test.each<[string, { confirmed: boolean }, Record<string, unknown>]>([
    ['the customer has not confirmed the address', { confirmed: false }, {}],
    ['the issuer has not confirmed the address', { confirmed: true }, { email_verified: false }],
    ['the issuer does not say whether it has', { confirmed: true }, { email_verified: undefined }],
  ])('gives nobody another one’s account: %s', async (_, existing, changes) => {
    await customer(existing);
    const answer = await exchange(changes);
    expect(answer).toMatchObject({ status: 409, body: { code: 'identity-not-linked' } });
    expect(answer.body.detail).toContain('POST /customers/me/identities');
    expect(await handlers.owner`select from customers.identities where subject = ${subject}`).toHaveLength(0);
  });

  test.each([
    { email_verified: false },
    { email: undefined },
    { email: 'no address' },
    { email: `${'x'.repeat(251)}@a.b` },
  ])('makes nobody a customer without a confirmed address: %j', async (changes) => {
    expect(await exchange(changes)).toMatchObject({ status: 409, body: { code: 'identity-not-linked' } });
    expect(await handlers.owner`select from customers.identities where subject = ${subject}`).toHaveLength(0);
  });

  test.each<[string, Record<string, unknown>]>([
    ['expired', { exp: 1 }],
    ['of another issuer', { iss: 'https://elsewhere.example' }],
    ['for a client of nobody here', { aud: 'client-x' }],
    ['for another application than calls', { aud: 'client-mobile' }],
    ['an access token', { aud: undefined, client_id: 'client-web', token_use: 'access' }],
  ])('takes none that is %s', async (_, changes) => {
    expect(await exchange(changes)).toMatchObject({ status: 401, body: { code: 'id-token-invalid' } });
    expect(await customersOf()).toHaveLength(0);
  });

  test('takes a password or an id token, and says which field is wrong', async () => {
    const post = async (body: unknown) => {
      const answer = await handlers.call('sign-in', { body: body as object });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
      return answer.body.errors;
    };
    const either = [{ pointer: '', detail: 'must have either email and password, or idToken' }];
    expect(await post({})).toEqual(either);
    expect(await post({ email, password, idToken: idToken() })).toEqual(either);
    const extra = [{ pointer: '/email', detail: 'is unknown' }];
    expect(await post({ email, idToken: idToken() })).toEqual(extra);
    expect(await post({ email })).toEqual([{ pointer: '/password', detail: 'is missing' }]);
    expect(await post({ email: 'x', password })).toEqual([{ pointer: '/email', detail: 'is not a valid email' }]);
    expect(await post({ idToken: 'abc' })).toEqual([{ pointer: '/idToken', detail: 'is not a JWT' }]);
    expect(await post({ idToken: 7 })).toEqual([{ pointer: '/idToken', detail: 'must be a string' }]);
  });
});

describe('a token of the identity provider as a bearer', () => {
  test('authenticates once it was exchanged, without a session, for its own application', async () => {
    const token = idToken();
    expect(await getMe(token)).toMatchObject({
      status: 401,
      body: {
        code: 'unauthenticated',
        detail: expect.stringContaining('Exchange the id token once at POST /sessions'),
      },
    });
    const { body } = await exchange();
    expect(await getMe(token)).toMatchObject({ status: 200, body: { id: body.customerId } });
    const access = issuedToken({ sub: subject, aud: undefined, client_id: 'client-mobile', token_use: 'access' });
    expect(await getMe(access)).toMatchObject({ status: 200, body: { id: body.customerId } });
    expect((await handlers.call('list-sessions', { token })).status).toBe(401);
    expect((await handlers.call('get-me', { token, headers: { 'client-id': mobile } })).status).toBe(401);
    for (const bad of [idToken({ exp: 1 }), idToken({ aud: 'client-x' }), `${token.slice(0, -2)}AA`]) {
      expect((await getMe(bad)).status).toBe(401);
    }
  });

  test('reads only the link from DynamoDB, once the process is warm', async () => {
    // Applications are cached for a second, which must not end between the two requests.
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    try {
      await exchange();
      const token = idToken();
      await getMe(token);
      const before = handlers.dynamo.calls().GetItem ?? 0;
      await getMe(token);
      expect((handlers.dynamo.calls().GetItem ?? 0) - before).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('identities of a customer', () => {
  const signIn = async (address = email) =>
    (await handlers.call('sign-in', { headers: { 'client-id': web }, body: { email: address, password } })).body
      .token as string;

  test('are linked, listed, and unlinked with effect on the next request', async () => {
    const customerId = await customer({ confirmed: false });
    const token = await signIn();
    const link = () => handlers.call('link-identity', { token, body: { idToken: idToken({ email_verified: false }) } });
    const linked = await link();
    expect(linked).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^idn_/), issuer: testIssuer } });
    expect(await link()).toMatchObject({ status: 200, body: { id: linked.body.id } });
    expect(await exchange()).toMatchObject({ status: 201, body: { customerId } });
    const bearer = idToken();
    expect((await getMe(bearer)).status).toBe(200);
    const list = await handlers.call('list-identities', { token });
    expect(list).toMatchObject({ status: 200, body: { data: [{ id: linked.body.id, issuer: testIssuer }] } });
    const unlink = () =>
      handlers.call('unlink-identity', {
        token,
        parameters: { identityId: linked.body.id },
      });
    expect((await unlink()).status).toBe(204);
    expect((await getMe(bearer)).status).toBe(401);
    expect((await exchange()).status).toBe(409);
    expect((await unlink()).status).toBe(404);
    expect((await getMe(token)).status).toBe(200);
  });

  test('of another customer are neither linked nor unlinked', async () => {
    const { body } = await exchange();
    const [identity] = await handlers.owner<
      { id: string }[]
    >`select id from customers.identities where subject = ${subject}`;
    const address = `other-${email}`;
    await customer({ address });
    const token = await signIn(address);
    const taken = await handlers.call('link-identity', { token, body: { idToken: idToken() } });
    expect(taken).toMatchObject({ status: 409, body: { code: 'identity-taken' } });
    const parameters = { identityId: identity!.id };
    expect((await handlers.call('unlink-identity', { token, parameters })).status).toBe(404);
    expect((await handlers.call('list-identities', { token })).body.data).toEqual([]);
    expect(await exchange()).toMatchObject({ body: { customerId: body.customerId } });
  });

  test('stay linked when their copy cannot be deleted', async () => {
    const { body } = await exchange();
    const [identity] = await handlers.owner<
      { id: string }[]
    >`select id from customers.identities where subject = ${subject}`;
    const client = documentsThat(() => Promise.reject(new Error('away')));
    const deps = {
      sql: () => handlers.owner,
      links: { client: client as never, table: 'identities' },
      sessions: { client: client as never, table: 'sessions', idleSeconds: 60, maxSeconds: 60, clock: systemClock },
      clock: systemClock,
      onSessionsLeft: () => {},
    };
    const of = { id: identity!.id, customerId: body.customerId as string };
    await expect(unlinkIdentity(deps, of)).rejects.toThrow(DependencyUnavailable);
    expect(await handlers.owner`select from customers.identities where subject = ${subject}`).toHaveLength(1);
  });
});

describe('a stolen session', () => {
  const signIn = async (address = email) =>
    (await handlers.call('sign-in', { headers: { 'client-id': web }, body: { email: address, password } })).body
      .token as string;
  const foreign = () => idToken({ sub: `${subject}-foreign`, email: 'thief@example.com' });

  /** Makes a customer's sessions look as if they had been opened long ago. */
  async function age(customerId: string) {
    const { Items = [] } = await handlers.dynamo.documents.send(new ScanCommand({ TableName: 'sessions' }));
    for (const item of Items.filter((each) => each.customerId === customerId)) {
      const authenticatedAt = item.authenticatedAt - 601;
      await handlers.dynamo.documents.send(
        new PutCommand({ TableName: 'sessions', Item: { ...item, authenticatedAt } }),
      );
    }
  }

  test('neither links nor unlinks an identity without a recent sign-in', async () => {
    const customerId = await customer();
    const token = await signIn();
    await age(customerId);
    const link = await handlers.call('link-identity', { token, body: { idToken: foreign() } });
    expect(link).toMatchObject({ status: 401, body: { code: 'sign-in-again' } });
    expect(link.headers['www-authenticate']).toContain('insufficient_user_authentication');
    const parameters = { identityId: newId('identity', systemClock) };
    const unlink = await handlers.call('unlink-identity', { token, parameters });
    expect(unlink).toMatchObject({ status: 401, body: { code: 'sign-in-again' } });
    const again = await handlers.call('link-identity', { token: await signIn(), body: { idToken: foreign() } });
    expect(again.status).toBe(201);
  });

  test('is not made recent by an id token of an earlier sign-in at the provider', async () => {
    const early = Math.floor(Date.now() / 1000) - 700;
    const { body } = await exchange({ iat: early, auth_time: early });
    const link = await handlers.call('link-identity', { token: body.token, body: { idToken: foreign() } });
    expect(link).toMatchObject({ status: 401, body: { code: 'sign-in-again' } });
  });

  test('that linked an identity is out with it once the owner resets the password', async () => {
    const customerId = await customer();
    const token = await signIn();
    const thief = foreign();
    expect((await handlers.call('link-identity', { token, body: { idToken: thief } })).status).toBe(201);
    expect((await getMe(thief)).status).toBe(200);
    await handlers.call('request-password-reset', { body: { email } });
    const reset = { token: await mailedToken(handlers.owner, email, 'reset'), password: 'a new long password' };
    expect((await handlers.call('reset-password', { body: reset })).status).toBe(204);
    expect((await getMe(thief)).status).toBe(401);
    const exchanged = await handlers.call('sign-in', { headers: { 'client-id': web }, body: { idToken: thief } });
    expect(exchanged.body.customerId).not.toBe(customerId);
    expect(await handlers.owner`select from customers.identities where customer_id = ${customerId}`).toEqual([]);
  });

  test('that an identity opened ends when the owner unlinks it, and links nothing any more', async () => {
    await customer();
    const own = await signIn();
    const linked = await handlers.call('link-identity', { token: own, body: { idToken: foreign() } });
    const stolen = await handlers.call('sign-in', { headers: { 'client-id': web }, body: { idToken: foreign() } });
    expect((await getMe(stolen.body.token)).status).toBe(200);
    const parameters = { identityId: linked.body.id };
    expect((await handlers.call('unlink-identity', { token: own, parameters })).status).toBe(204);
    expect((await getMe(stolen.body.token)).status).toBe(401);
    const relink = await handlers.call('link-identity', { token: stolen.body.token, body: { idToken: foreign() } });
    expect(relink.status).toBe(401);
    expect((await getMe(own)).status).toBe(200);
  });

  test.for(['unlinks the identity', 'signs out everywhere', 'resets the password'])(
    'is not opened by an exchange that was under way when the owner %s',
    async (what) => {
      const customerId = await customer();
      const own = await signIn();
      const linked = await handlers.call('link-identity', { token: own, body: { idToken: foreign() } });
      const changes = {
        'unlinks the identity': () =>
          handlers.call('unlink-identity', { token: own, parameters: { identityId: linked.body.id } }),
        'signs out everywhere': () => handlers.call('sign-out-everywhere', { token: own }),
        'resets the password': async () => {
          await handlers.call('request-password-reset', { body: { email } });
          const reset = { token: await mailedToken(handlers.owner, email, 'reset'), password: 'a new long password' };
          return await handlers.call('reset-password', { body: reset });
        },
      };
      // The change is stored after the exchange has found its customer, and before it opens the session.
      const found = vi.mocked(exchangeIdToken).getMockImplementation()!;
      vi.mocked(exchangeIdToken).mockImplementationOnce(async (...args) => {
        const access = await found(...args);
        expect((await changes[what as keyof typeof changes]()).status).toBe(204);
        return access;
      });
      const late = await handlers.call('sign-in', { headers: { 'client-id': web }, body: { idToken: foreign() } });
      expect(late).toMatchObject({ status: 409, body: { code: 'access-changed' } });
      const { Items = [] } = await handlers.dynamo.documents.send(new ScanCommand({ TableName: 'sessions' }));
      const left = Items.filter((item) => item.customerId === customerId);
      expect(left).toHaveLength(what === 'unlinks the identity' ? 1 : 0);
    },
  );

  test('does not link a token that was issued to another application', async () => {
    await customer();
    const token = await signIn();
    const body = { idToken: idToken({ sub: `${subject}-foreign`, aud: 'client-mobile' }) };
    const link = await handlers.call('link-identity', { token, body });
    expect(link).toMatchObject({ status: 401, body: { code: 'id-token-invalid' } });
    expect(await handlers.owner`select from customers.identities where subject = ${`${subject}-foreign`}`).toEqual([]);
  });

  test('is noticed: the owner gets a mail when an identity is linked or unlinked', async () => {
    await customer();
    const token = await signIn();
    const { body } = await handlers.call('link-identity', { token, body: { idToken: foreign() } });
    expect(body).toMatchObject({ email: 'thief@example.com' });
    await handlers.call('unlink-identity', { token, parameters: { identityId: body.id } });
    const mails = await handlers.owner`select kind, body from customers.mails where recipient = ${email} order by id`;
    expect(mails).toMatchObject([
      { kind: 'identity-linked', body: expect.stringContaining(testIssuer) },
      { kind: 'identity-unlinked', body: expect.stringContaining(testIssuer) },
    ]);
  });
});

describe('signing out everywhere', () => {
  test('refuses the tokens issued before, as bearers and for new sessions', async () => {
    const before = idToken({ iat: Math.floor(Date.now() / 1000) - 5 });
    const body = { idToken: before };
    const signedIn = await handlers.call('sign-in', { headers: { 'client-id': web }, body });
    expect((await getMe(before)).status).toBe(200);
    expect((await handlers.call('sign-out-everywhere', { token: signedIn.body.token })).status).toBe(204);
    expect((await getMe(before)).status).toBe(401);
    const again = await handlers.call('sign-in', { headers: { 'client-id': web }, body });
    expect(again).toMatchObject({ status: 401, body: { code: 'id-token-invalid' } });
    const later = { iat: Math.floor(Date.now() / 1000) + 2 };
    expect(await exchange(later)).toMatchObject({ status: 201, body: { customerId: signedIn.body.customerId } });
    expect((await getMe(before)).status).toBe(401);
    expect((await getMe(idToken(later))).status).toBe(200);
  });
});

describe('sessions', () => {
  test('of one id token are ten at most', async () => {
    const once = idToken();
    const answers = await Promise.all(
      Array.from({ length: 15 }, () =>
        handlers.call('sign-in', { headers: { 'client-id': web }, body: { idToken: once } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ body }) => body.code === 'id-token-invalid')).toHaveLength(5);
  });

  test('of one customer are fifty at most: a new one ends the oldest', async () => {
    const first = await exchange();
    const { customerId } = first.body;
    const old = Math.floor(Date.now() / 1000) - 100;
    for (let n = 0; n < 49; n++) {
      const item = { customerId, tokenHash: `hash-${n}`, applicationId: web, authenticatedAt: old, createdAt: old + n };
      await handlers.dynamo.documents.send(
        new PutCommand({ TableName: 'sessions', Item: { ...item, expiresAt: old + 90_000 } }),
      );
    }
    const next = await exchange();
    const list = await handlers.call('list-sessions', { token: next.body.token });
    expect(list.body.data).toHaveLength(50);
    const hashes = await handlers.dynamo.documents.send(new ScanCommand({ TableName: 'sessions' }));
    expect(hashes.Items!.some((item) => item.tokenHash === 'hash-0')).toBe(false);
    expect((await getMe(first.body.token)).status).toBe(200);
  });

  test('that are opened in one second end the older ones, never the newest', async () => {
    const { customerId } = (await exchange()).body;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    try {
      const createdAt = Math.floor(Date.now() / 1000);
      // Their hashes sort before any other.
      for (let n = 0; n < 60; n++) {
        const item = { customerId, tokenHash: `--tie-${n}`, applicationId: web, authenticatedAt: createdAt, createdAt };
        await handlers.dynamo.documents.send(
          new PutCommand({ TableName: 'sessions', Item: { ...item, expiresAt: createdAt + 90_000 } }),
        );
      }
      for (let n = 0; n < 3; n++) expect((await getMe((await exchange()).body.token)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test('are opened for the nonce that the client gives, and no other', async () => {
    const body = { idToken: idToken({ nonce: 'n-1' }), nonce: 'n-2' };
    const other = await handlers.call('sign-in', { headers: { 'client-id': web }, body });
    expect(other).toMatchObject({ status: 401, body: { code: 'id-token-invalid' } });
    const same = await handlers.call('sign-in', { headers: { 'client-id': web }, body: { ...body, nonce: 'n-1' } });
    expect(same.status).toBe(201);
  });
});
