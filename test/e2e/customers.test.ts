import { expect, inject, test } from 'vitest';
import { refused, succeed, unchanged } from './client.ts';
import { newBuyer, unique } from './shop.ts';

const { appKey } = inject('target');
const person = () => ({ email: `${unique('ada')}@example.com`, password: unique('secret'), name: 'Ada Lovelace' });

test('who signs up can sign in, is known by the token and shows no password', async () => {
  const body = person();
  const signedUp = await succeed('sign-up', 201, { body });
  expect(signedUp.body).toMatchObject({
    email: body.email,
    name: body.name,
    premium: false,
    address: null,
    version: 1,
  });
  expect(signedUp.headers.get('location')).toBe('/customers/me');
  const { email, password } = body;
  const session = await succeed('sign-in', 201, { body: { email, password } });
  expect(session.body.customerId).toBe(signedUp.body.id);
  expect(Date.parse(session.body.expiresAt)).toBeGreaterThan(Date.now());
  expect(session.headers.get('cache-control')).toBe('no-store');
  const me = await succeed('get-me', 200, { token: session.body.token });
  expect(me.body).toEqual(signedUp.body);
  expect(me.text).not.toMatch(/password|scrypt|hash/i);
});

test('an e-mail in other case or with spaces around it is the same e-mail', async () => {
  const body = person();
  await succeed('sign-up', 201, { body });
  const shouted = ` ${body.email.toUpperCase()} `;
  await refused('sign-up', 409, 'email-taken', { body: { ...body, email: shouted } });
  await succeed('sign-in', 201, { body: { email: shouted, password: body.password } });
});

test('a repeated sign-up under one key makes one customer and gives the first answer', async () => {
  const [body, key] = [person(), unique('key')];
  const first = await succeed('sign-up', 201, { body, key });
  const again = await succeed('sign-up', 201, { body, key });
  expect(again.text).toBe(first.text);
  expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
  await refused('sign-up', 422, 'idempotency-key-reused', { body: { ...body, password: 'another password' }, key });
});

test('a wrong password and an unknown e-mail are refused in the same words', async () => {
  const body = person();
  await succeed('sign-up', 201, { body });
  const wrong = await refused('sign-in', 401, 'invalid-credentials', {
    body: { email: body.email, password: 'not this one' },
  });
  const unknown = await refused('sign-in', 401, 'invalid-credentials', {
    body: { email: `${unique('nobody')}@example.com`, password: body.password },
  });
  expect(unknown.body.detail).toBe(wrong.body.detail);
});

test('guessing a password is locked out, for the right one too, and for nobody else', async () => {
  const { email, password } = await newBuyer();
  for (let guess = 0; guess < 5; guess++) {
    await refused('sign-in', 401, 'invalid-credentials', { body: { email, password: `guess ${guess}` } });
  }
  const { headers } = await refused('sign-in', 429, 'sign-in-locked', { body: { email, password } });
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  await newBuyer();
});

test('name and address can be changed, each alone, and the address taken away', async () => {
  const { token } = await newBuyer();
  const address = { line1: '12 St James’s Square', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };
  const moved = await succeed('update-me', 200, { token, body: { address } });
  expect(moved.body).toMatchObject({ name: 'Grace Hopper', address, version: 2 });
  const renamed = await succeed('update-me', 200, { token, body: { name: 'Grace B. Hopper' } });
  expect(renamed.body).toMatchObject({ name: 'Grace B. Hopper', address, version: 3 });
  const homeless = await succeed('update-me', 200, { token, body: { address: null } });
  expect(homeless.body).toMatchObject({ name: 'Grace B. Hopper', address: null, version: 4 });
  expect((await succeed('get-me', 200, { token })).body).toEqual(homeless.body);
});

test('a change of what somebody else has changed meanwhile is refused', async () => {
  const { token } = await newBuyer();
  const etag = (await succeed('get-me', 200, { token })).headers.get('etag')!;
  await unchanged('get-me', etag, { token });
  await succeed('update-me', 200, { token, body: { name: 'First' }, headers: { 'if-match': etag } });
  await refused('update-me', 412, 'version-stale', { token, body: { name: 'Second' }, headers: { 'if-match': etag } });
  expect((await succeed('get-me', 200, { token, headers: { 'if-none-match': etag } })).body.name).toBe('First');
});

test('signing out ends this session and no other', async () => {
  const { email, password, token } = await newBuyer();
  const { body: other } = await succeed('sign-in', 201, { body: { email, password } });
  await succeed('sign-out', 204, { token });
  await refused('get-me', 401, 'unauthenticated', { token });
  await refused('sign-out', 401, 'unauthenticated', { token });
  await succeed('get-me', 200, { token: other.token });
});

test('signing out everywhere ends every session of this customer and of nobody else', async () => {
  const [buyer, bystander] = await Promise.all([newBuyer(), newBuyer()]);
  const { email, password, token } = buyer;
  const { body: other } = await succeed('sign-in', 201, { body: { email, password } });
  await succeed('sign-out-everywhere', 204, { token });
  await refused('get-me', 401, 'unauthenticated', { token });
  await refused('get-me', 401, 'unauthenticated', { token: other.token });
  await succeed('get-me', 200, { token: bystander.token });
  await succeed('sign-in', 201, { body: { email, password } });
});

test('a shop makes a customer premium, and takes it back', async () => {
  const { id, token } = await newBuyer();
  const path = { customerId: id };
  const promoted = await succeed('update-customer', 200, { token: appKey, path, body: { premium: true } });
  expect(promoted.body).toMatchObject({ id, premium: true, version: 2 });
  expect((await succeed('get-me', 200, { token })).body).toEqual(promoted.body);
  const stale = { token: appKey, path, body: { premium: false }, headers: { 'if-match': '"1"' } };
  await refused('update-customer', 412, 'version-stale', stale);
  await succeed('update-customer', 200, { token: appKey, path, body: { premium: false } });
  const nobody = { customerId: `cus_${'0'.repeat(32)}` };
  await refused('update-customer', 404, 'not-found', { token: appKey, path: nobody, body: { premium: true } });
});
