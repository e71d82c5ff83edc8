import { inject, test } from 'vitest';
import { refused, succeed, unchanged } from './client.ts';
import { basket, newBuyer, newProduct, order, unique } from './shop.ts';

const { appKey } = inject('target');
const person = () => ({ email: `${unique('ada')}@example.com`, password: unique('secret'), name: 'Ada Lovelace' });

test('who signs up can sign in, is known by the token and shows no password', async ({ expect }) => {
  const body = person();
  const signedUp = await succeed('sign-up', 202, { body });
  expect(signedUp.body).toEqual({ email: body.email });
  const { email, password } = body;
  const session = await succeed('sign-in', 201, { body: { email, password } });
  expect(Date.parse(session.body.expiresAt)).toBeGreaterThan(Date.now());
  expect(session.headers.get('cache-control')).toBe('no-store');
  const me = await succeed('get-me', 200, { token: session.body.token });
  expect(me.body).toMatchObject({ id: session.body.customerId, email, name: body.name, premium: false, address: null });
  expect(me.text).not.toMatch(/password|scrypt|hash/i);
});

test('an e-mail in other case or with spaces around it is the same e-mail', async () => {
  const body = person();
  await succeed('sign-up', 202, { body });
  const shouted = ` ${body.email.toUpperCase()} `;
  await succeed('sign-in', 201, { body: { email: shouted, password: body.password } });
});

test('signing up with an e-mail that has an account is answered as the first time, and changes nothing', async ({
  expect,
}) => {
  const body = person();
  const first = await succeed('sign-up', 202, { body });
  const taken = await succeed('sign-up', 202, { body: { ...body, password: 'another password', name: 'Eve' } });
  expect(taken.text).toBe(first.text);
  await refused('sign-in', 401, 'invalid-credentials', { body: { email: body.email, password: 'another password' } });
  const { body: session } = await succeed('sign-in', 201, { body: { email: body.email, password: body.password } });
  expect((await succeed('get-me', 200, { token: session.token })).body.name).toBe(body.name);
});

test('asking for a reset does not tell whether there is an account', async ({ expect }) => {
  const { email } = await newBuyer();
  const nobody = `${unique('nobody')}@example.com`;
  for (const each of [email, nobody]) {
    expect((await succeed('request-password-reset', 202, { body: { email: each } })).body).toEqual({ email: each });
  }
  await refused('change-email', 400, 'token-invalid', { body: { token: 'cfe_guess' } });
  for (const operation of ['confirm-email', 'reset-password'] as const) {
    await refused(operation, 400, 'token-invalid', { body: { token: 'cfe_guess', password: 'another password' } });
  }
});

test('a changed password opens the account, the old one does not, and other sessions end', async () => {
  const { email, password, token } = await newBuyer();
  const { body: other } = await succeed('sign-in', 201, { body: { email, password } });
  const newPassword = unique('changed');
  await refused('change-password', 401, 'invalid-credentials', { token, body: { password: 'not this', newPassword } });
  await succeed('change-password', 204, { token, body: { password, newPassword } });
  await succeed('get-me', 200, { token });
  await refused('get-me', 401, 'unauthenticated', { token: other.token });
  await refused('sign-in', 401, 'invalid-credentials', { body: { email, password } });
  await succeed('sign-in', 201, { body: { email, password: newPassword } });
});

test('a customer sees their sessions and ends one', async ({ expect }) => {
  const { email, password, token } = await newBuyer();
  const { body: other } = await succeed('sign-in', 201, { body: { email, password } });
  const { data } = (await succeed('list-sessions', 200, { token })).body;
  expect(data.map(({ current }) => current).toSorted()).toEqual([false, true]);
  const path = { sessionId: data.find(({ current }) => !current)!.id };
  await refused('end-session', 404, 'not-found', { token: (await newBuyer()).token, path });
  await succeed('end-session', 204, { token, path });
  await refused('get-me', 401, 'unauthenticated', { token: other.token });
  await succeed('get-me', 200, { token });
});

test('a repeated sign-up under one key makes one customer and gives the first answer', async ({ expect }) => {
  const [body, key] = [person(), unique('key')];
  const first = await succeed('sign-up', 202, { body, key });
  const again = await succeed('sign-up', 202, { body, key });
  expect(again.text).toBe(first.text);
  expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
  await refused('sign-up', 422, 'idempotency-key-reused', { body: { ...body, password: 'another password' }, key });
});

test('a wrong password and an unknown e-mail are refused in the same words', async ({ expect }) => {
  const body = person();
  await succeed('sign-up', 202, { body });
  const wrong = await refused('sign-in', 401, 'invalid-credentials', {
    body: { email: body.email, password: 'not this one' },
  });
  const unknown = await refused('sign-in', 401, 'invalid-credentials', {
    body: { email: `${unique('nobody')}@example.com`, password: body.password },
  });
  expect(unknown.body.detail).toBe(wrong.body.detail);
});

test('guessing a password is locked out, for the right one too, and for nobody else', async ({ expect }) => {
  const { email, password } = await newBuyer();
  for (let loginAttempt = 0; loginAttempt < 5; loginAttempt++) {
    await refused('sign-in', 401, 'invalid-credentials', { body: { email, password: `guess ${loginAttempt}` } });
  }
  const { headers } = await refused('sign-in', 429, 'sign-in-locked', { body: { email, password } });
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  await newBuyer();
});

test('name and address can be changed, each alone, and the address taken away', async ({ expect }) => {
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

test('a change of what somebody else has changed meanwhile is refused', async ({ expect }) => {
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

test('a shop makes a customer premium, and takes it back', async ({ expect }) => {
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

test('a customer exports what is kept of them, and is erased once their orders have ended', async ({ expect }) => {
  const buyer = await newBuyer();
  const { id, email, password, token } = buyer;
  const placed = await order(buyer, basket(await newProduct()));
  const { body: mine } = await succeed('export-me', 200, { token });
  expect(mine).toMatchObject({
    customer: { id, email },
    orders: [{ id: placed.id, status: 'confirmed' }],
    hasMore: false,
  });
  await succeed('erase-me', 204, { token });
  await refused('get-me', 401, 'unauthenticated', { token });
  await refused('sign-in', 401, 'invalid-credentials', { body: { email, password } });
  await refused('get-customer', 404, 'not-found', { token: appKey, path: { customerId: id } });
});

test('a shop suspends a customer, and lets them in again', async ({ expect }) => {
  const { id, email, password, token } = await newBuyer();
  const suspend = (suspended: boolean) =>
    succeed('update-customer', 200, { token: appKey, path: { customerId: id }, body: { suspended } });
  expect((await suspend(true)).body).toMatchObject({ id, suspended: true });
  await refused('get-me', 401, 'unauthenticated', { token });
  await refused('sign-in', 403, 'customer-suspended', { body: { email, password } });
  const { body: seen } = await succeed('get-customer', 200, { token: appKey, path: { customerId: id } });
  expect(seen).toMatchObject({ id, suspended: true });
  await suspend(false);
  await succeed('sign-in', 201, { body: { email, password } });
});
