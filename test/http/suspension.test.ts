import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { issuedToken, openWithIssuer } from '../support/issuer.ts';
import type { LiveHandlers } from '../support/live-handlers.ts';
import { mailedToken } from '../support/mailbox.ts';
import { testIssuer } from '../support/tokens.ts';

const password = 'correct horse battery';
let handlers: LiveHandlers;
let web: string;
let operator: string;
let people = 0;
let email: string;
/** An id token of the customer, issued in the current second or some seconds later. */
let idToken: (seconds?: number) => string;

beforeAll(async () => {
  const opened = await openWithIssuer('client-web');
  handlers = opened.handlers;
  web = opened.applications[0]!;
  operator = await handlers.appKey('customers:read', 'customers:write');
});
afterAll(() => handlers.close());
beforeEach(() => {
  const subject = `user-${++people}`;
  email = `${subject}@example.com`;
  idToken = (seconds = 0) => {
    const iat = Math.floor(Date.now() / 1000) + seconds;
    return issuedToken({ sub: subject, email, email_verified: true, name: 'Ada', iat, auth_time: iat });
  };
});

const exchange = (token: string) =>
  handlers.call('sign-in', { headers: { 'client-id': web }, body: { idToken: token } });
const byPassword = (given = password) => handlers.call('sign-in', { body: { email, password: given } });
const getMe = async (token: string) => (await handlers.call('get-me', { token })).status;
const change = (customerId: string, body: object, token = operator) =>
  handlers.call('update-customer', { token, parameters: { customerId }, body });

/** A customer with a password and an identity, and a session of each. */
async function customer() {
  await handlers.call('sign-up', { body: { email, password, name: 'Ada' } });
  await handlers.owner`update customers.customers set confirmed_at = now() where email = ${email}`;
  const [session, other] = [await byPassword(), await exchange(idToken())];
  expect(other.body.customerId).toBe(session.body.customerId);
  return { id: session.body.customerId as string, sessions: [session.body.token, other.body.token] as string[] };
}

describe('a suspended customer', () => {
  test('is signed out at once, and gets in neither by password, identity, token nor reset', async () => {
    const { id, sessions } = await customer();
    const bearer = idToken();
    expect(await getMe(bearer)).toBe(200);
    expect(await change(id, { suspended: true })).toMatchObject({ status: 200, body: { id, suspended: true } });
    for (const token of [...sessions, bearer, idToken(1)]) expect(await getMe(token)).toBe(401);
    const suspended = { status: 403, body: { code: 'customer-suspended' } };
    expect(await byPassword()).toMatchObject(suspended);
    expect(await exchange(idToken(1))).toMatchObject(suspended);
    expect(await getMe(idToken(1))).toBe(401);
    // Nobody learns of a suspension without the credentials.
    expect(await byPassword('wrong horse')).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } });
    await handlers.call('request-password-reset', { body: { email } });
    const reset = { token: await mailedToken(handlers.owner, email, 'reset'), password: 'battery horse correct' };
    expect((await handlers.call('reset-password', { body: reset })).status).toBe(204);
    expect(await byPassword(reset.password)).toMatchObject(suspended);
  });

  test('whose sessions are ended again stays out', async () => {
    const { id } = await customer();
    await change(id, { suspended: true });
    const parameters = { customerId: id };
    expect((await handlers.call('end-customer-sessions', { token: operator, parameters })).status).toBe(204);
    expect(await getMe(idToken(1))).toBe(401);
  });

  test('gets in again once the suspension ends, not with what was issued before, and hears of both', async () => {
    const { id, sessions } = await customer();
    const before = idToken(-5);
    await change(id, { suspended: true });
    expect(await change(id, { suspended: false })).toMatchObject({ status: 200, body: { suspended: false } });
    for (const token of [...sessions, before]) expect(await getMe(token)).toBe(401);
    expect((await byPassword()).status).toBe(201);
    expect((await exchange(idToken(2))).status).toBe(201);
    expect(await getMe(idToken(2))).toBe(200);
    const mails = await handlers.owner`select kind from customers.mails where recipient = ${email} order by id`;
    expect(mails.map(({ kind }) => kind).slice(-2)).toEqual(['account-suspended', 'account-reactivated']);
  });

  test('is suspended by a key with the scope alone, at the version that it names', async () => {
    const { id, sessions } = await customer();
    const reader = await handlers.appKey('customers:read');
    expect((await change(id, { suspended: true }, reader)).status).toBe(403);
    expect((await change(id, { suspended: true }, sessions[0])).status).toBe(401);
    expect((await change(id, {})).status).toBe(400);
    expect((await change(`cus_${'0'.repeat(32)}`, { suspended: true })).status).toBe(404);
    const stale = await handlers.call('update-customer', {
      token: operator,
      parameters: { customerId: id },
      headers: { 'if-match': '"9"' },
      body: { suspended: true },
    });
    expect(stale.status).toBe(412);
    for (const token of sessions) expect(await getMe(token)).toBe(200);
  });
});

describe('the back office', () => {
  test('reads a customer, and without customers:read neither them nor their identities', async () => {
    const { id } = await customer();
    const parameters = { customerId: id };
    const read = (operation: 'get-customer' | 'list-customer-identities', token = operator) =>
      handlers.call(operation, { token, parameters });
    expect(await read('get-customer')).toMatchObject({ status: 200, body: { id, email, suspended: false } });
    expect(await read('list-customer-identities')).toMatchObject({
      status: 200,
      body: { data: [{ issuer: testIssuer }] },
    });
    const writer = await handlers.appKey('customers:write');
    expect((await read('get-customer', writer)).status).toBe(403);
    expect((await read('list-customer-identities', writer)).status).toBe(403);
    const nobody = { token: operator, parameters: { customerId: `cus_${'0'.repeat(32)}` } };
    expect((await handlers.call('get-customer', nobody)).status).toBe(404);
    expect((await handlers.call('list-customer-identities', nobody)).status).toBe(404);
  });

  test('unlinks an identity of a customer, which ends every session of theirs', async () => {
    const { id, sessions } = await customer();
    const bearer = idToken();
    const [identity] = await handlers.owner<{ id: string }[]>`
      select id from customers.identities where customer_id = ${id}`;
    const unlink = (customerId: string) =>
      handlers.call('unlink-customer-identity', {
        token: operator,
        parameters: { customerId, identityId: identity!.id },
      });
    expect((await unlink(`cus_${'0'.repeat(32)}`)).status).toBe(404);
    expect(await getMe(bearer)).toBe(200);
    expect((await unlink(id)).status).toBe(204);
    for (const token of [...sessions, bearer]) expect(await getMe(token)).toBe(401);
    expect((await unlink(id)).status).toBe(404);
    const [last] = await handlers.owner`select kind from customers.mails where recipient = ${email} order by id desc`;
    expect(last!.kind).toBe('identity-unlinked');
  });
});
