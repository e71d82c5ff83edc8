import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run as purge } from '../../functions/jobs/purge-expired.ts';
import { eraseCustomer } from '../../lib/accounts/customers/erase.ts';
import { claimMails, markSent } from '../../lib/accounts/mail/outbox.sql.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { customerExport } from '../../lib/contract/api/privacy.ts';
import type { AccessLine } from '../../lib/contract/deploy/access-line.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { recordAccesses } from '../../lib/operations/audit/record.sql.ts';
import { fieldsOf } from '../support/applications.ts';
import { documentsThat } from '../support/dynamo.ts';
import { issuedToken, openWithIssuer } from '../support/issuer.ts';
import type { LiveHandlers } from '../support/live-handlers.ts';
import { testIssuer } from '../support/tokens.ts';

const password = 'correct horse battery';
let handlers: LiveHandlers;
let web: string;
let people = 0;
/** A word that is in every field of the customer. */
let marker: string;
let email: string;

beforeAll(async () => {
  const opened = await openWithIssuer('client-web');
  handlers = opened.handlers;
  web = opened.applications[0]!;
});
afterAll(() => handlers.close());
beforeEach(() => {
  marker = `mark${++people}er`;
  email = `${marker}@example.com`;
});

const call: LiveHandlers['call'] = (operation, options = {}) =>
  handlers.call(
    operation,
    options.token === undefined ? { ...options, headers: { 'client-id': web, ...options.headers } } : options,
  );
const signIn = () => call('sign-in', { body: { email, password } });
const idToken = () =>
  issuedToken({ sub: `sub-${marker}`, email: `elsewhere-${email}`, email_verified: true, name: marker });

/** A customer whose every field holds the marker, with an order. */
async function customer() {
  const headers = { 'idempotency-key': `key-${marker}` };
  await call('sign-up', { body: { email, password, name: `Ada ${marker}` }, headers });
  const { token, customerId: id } = (await signIn()).body;
  const address = { line1: marker, line2: marker, city: marker, region: marker, postalCode: marker, country: 'AT' };
  expect((await call('update-me', { token, body: { address } })).status).toBe(200);
  const kept = { address: { ...address, name: marker, vatNumber: 'ATU12345678' } };
  expect((await call('add-my-address', { token, body: kept, headers })).status).toBe(201);
  expect((await call('link-identity', { token, body: { idToken: idToken() } })).status).toBe(201);
  const change = { email: `new-${email}`, password };
  expect((await call('request-email-change', { token, body: change })).status).toBe(202);
  await call('request-password-reset', { body: { email } });
  return { id: id as string, token: token as string };
}

/** Adds an order of a customer past the handlers: one that is under way, or one that has failed. */
async function addOrder(customerId: string, status: 'pending' | 'failed'): Promise<string> {
  const id = newId('order', systemClock);
  await handlers.owner.begin(async (tx) => {
    await tx`
      insert into orders.orders (id, customer_id, status, currency, subtotal, discount_amount, total, payment_method,
        created_at, updated_at)
      values (${id}, ${customerId}, 'pending', 'EUR', 100, 0, 100, 'pm_ok', now(), now())`;
    await tx`
      insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
      values (${id}, 1, ${newId('product', systemClock)}, 'SKU', 'Mug', 1, 100, 100)`;
    await tx`
      insert into orders.timeline (order_id, version, entry, type, detail, at)
      values (${id}, 1, 1, 'order-placed',
        '{"status":"pending","total":{"amount":100,"currency":"EUR"}}', now())`;
  });
  if (status === 'failed') await endOrder(id);
  return id;
}

const endOrder = (id: string) => handlers.owner`
  update orders.orders set status = 'failed', failure_code = 'out-of-stock', failure_detail = 'It is gone.' where id = ${id}`;

/** Every place of the database and of DynamoDB that holds a text. */
async function placesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  const all = await handlers.owner<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  for (const { name } of all) {
    const [row] = await handlers.owner.unsafe(
      `select count(*)::integer as count from ${name} t where strpos(lower(t::text), lower('${text}')) > 0`,
    );
    if (row!.count > 0) found.push(name);
  }
  for (const table of Object.keys(tables)) {
    const { Items } = await handlers.dynamo.documents.send(new ScanCommand({ TableName: table }));
    if (JSON.stringify(Items).toLowerCase().includes(text.toLowerCase())) found.push(table);
  }
  return found.toSorted();
}

/** Sends what is due, and lets the hourly job run. */
async function sendAndPurge(hours: number, mustConfirm = false) {
  const clock = { now: () => Date.now() + hours * 3600_000 };
  for (const { id } of await claimMails(handlers.owner, 1000, clock)) await markSent(handlers.owner, id, clock);
  const sleep = () => Promise.resolve();
  return await purge({ sql: () => handlers.owner, clock, mustConfirm, stopwatch, sleep });
}

/** Makes a customer's sign-in look like one of eleven minutes ago. */
async function age(customerId: string) {
  const { Items = [] } = await handlers.dynamo.documents.send(new ScanCommand({ TableName: 'sessions' }));
  for (const item of Items.filter((each) => each.customerId === customerId)) {
    const Item = { ...item, authenticatedAt: item.authenticatedAt - 660 };
    await handlers.dynamo.documents.send(new PutCommand({ TableName: 'sessions', Item }));
  }
}

describe('DELETE /customers/me', () => {
  test('leaves nothing of what was in any field of the customer, nor a way in', async () => {
    const { id, token } = await customer();
    const order = await addOrder(id, 'failed');
    expect(await placesWith(marker)).toEqual([
      'customers.addresses',
      'customers.customers',
      'customers.email_tokens',
      'customers.idempotency_keys',
      'customers.identities',
      'customers.mails',
      'identities',
      'outbox.events',
    ]);
    const bearer = idToken();
    expect((await call('get-me', { token: bearer })).status).toBe(200);
    expect((await call('erase-me', { token })).status).toBe(204);
    // The records of mails go within the hour; the last mail is tried for a day.
    expect(await placesWith(marker)).toEqual(['customers.mails']);
    const due = await claimMails(handlers.owner, 1000, systemClock);
    expect(due.filter(({ to }) => to.includes(marker)).map(({ kind }) => kind)).toEqual(['account-erased']);
    for (const credential of [token, bearer]) expect((await call('get-me', { token: credential })).status).toBe(401);
    expect((await signIn()).status).toBe(401);
    await sendAndPurge(1.1);
    const left = await handlers.owner`select kind from customers.mails where recipient like ${`%${marker}%`}`;
    expect(left.map(({ kind }) => kind)).toEqual(['account-erased']);
    await sendAndPurge(25.1);
    expect(await placesWith(marker)).toEqual([]);
    const [row] = await handlers.owner`select customer_id, status from orders.orders where id = ${order}`;
    expect(row).toMatchObject({ customerId: id, status: 'failed' });
    const [event] =
      await handlers.owner`select type, subject, data from outbox.events where aggregate_id = ${id} and type = 'customer.erased'`;
    expect(event).toMatchObject({ type: 'customer.erased', subject: id, data: { customerId: id } });
  });

  test('makes the address free: who signs up with it again is somebody else', async () => {
    const { id, token } = await customer();
    await call('erase-me', { token });
    await call('sign-up', { body: { email, password, name: 'Again' } });
    const again = await signIn();
    expect(again.status).toBe(201);
    expect(again.body.customerId).not.toBe(id);
    expect((await call('list-orders', { token: again.body.token })).body.data).toEqual([]);
  });

  test('waits until every order has ended', async () => {
    const { id, token } = await customer();
    const open = await addOrder(id, 'pending');
    await addOrder(id, 'failed');
    const refused = await call('erase-me', { token });
    expect(refused).toMatchObject({ status: 409, body: { code: 'orders-under-way' } });
    expect(refused.body.detail).toContain('1 order has not ended');
    expect((await call('get-me', { token })).body).toMatchObject({ id, email });
    await endOrder(open);
    expect((await call('erase-me', { token })).status).toBe(204);
  });

  test('needs a recent sign-in, a session, and an application that may change customers', async () => {
    const { id, token } = await customer();
    await age(id);
    expect(await call('erase-me', { token })).toMatchObject({ status: 401, body: { code: 'sign-in-again' } });
    expect((await call('erase-me', { token: idToken() })).status).toBe(401);
    expect((await call('erase-me', { token: await handlers.appKey('customers:write') })).status).toBe(401);
    expect((await call('erase-me', { token: (await signIn()).body.token })).status).toBe(204);
  });

  test('changes nothing when the sessions cannot be ended', async () => {
    const { id, token } = await customer();
    const client = documentsThat(() => Promise.reject(new Error('away')));
    const deps = {
      sql: () => handlers.owner,
      clock: systemClock,
      links: { client, table: 'identities' },
      sessions: { client, table: 'sessions', idleSeconds: 60, maxSeconds: 60, clock: systemClock },
      onSessionsLeft: () => {},
    };
    await expect(eraseCustomer(deps, id, 'req_1')).rejects.toThrow(DependencyUnavailable);
    expect((await call('get-me', { token })).body).toMatchObject({ id, email });
    expect(await handlers.owner`select from customers.identities where customer_id = ${id}`).toHaveLength(1);
    expect(
      await handlers.owner`select from outbox.events where aggregate_id = ${id} and type = 'customer.erased'`,
    ).toEqual([]);
  });

  test('again and again sends an address five last mails an hour, and leaves the budgets of others as they were', async () => {
    for (let round = 0; round < 7; round++) {
      await call('sign-up', { body: { email, password, name: 'Ada' } });
      const { token } = (await signIn()).body;
      expect((await call('erase-me', { token })).status).toBe(204);
    }
    const mails = await handlers.owner<{ kind: string; count: number }[]>`
      select kind, count(*)::integer as count from customers.mails where recipient = ${email} group by kind order by kind`;
    expect(mails.map((row) => ({ ...row }))).toEqual([
      { kind: 'account-erased', count: 5 },
      { kind: 'confirm', count: 5 },
    ]);
  });

  test('sent ten times at once erases once', async () => {
    const { id, token } = await customer();
    const answers = await Promise.all(Array.from({ length: 10 }, () => call('erase-me', { token })));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    for (const { status } of answers) expect([204, 401, 404]).toContain(status);
    expect(
      await handlers.owner`select from outbox.events where aggregate_id = ${id} and type = 'customer.erased'`,
    ).toHaveLength(1);
  });

  test('leaves no identity that was linked at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      marker = `mark${++people}er`;
      email = `${marker}@example.com`;
      await call('sign-up', { body: { email, password, name: 'Ada' } });
      const { token, customerId } = (await signIn()).body;
      await Promise.all([
        call('erase-me', { token }),
        call('link-identity', { token, body: { idToken: idToken() } }),
        call('sign-in', {
          body: { idToken: issuedToken({ sub: marker, email, email_verified: true, name: 'A' }) },
        }),
      ]);
      expect(await handlers.owner`select from customers.identities where customer_id = ${customerId}`).toEqual([]);
    }
  });
});

describe('GET /customers/me/export', () => {
  /** All documents of an export. */
  async function exported(token: string) {
    const documents = [];
    let query: Record<string, string> = {};
    for (;;) {
      const { status, body } = await call('export-me', { token, query });
      expect(status).toBe(200);
      customerExport.parse(body);
      documents.push(body);
      if (!body.hasMore) return documents;
      query = { cursor: body.nextCursor };
    }
  }

  test('has all that is kept of the customer', async () => {
    const { id, token } = await customer();
    const order = await addOrder(id, 'failed');
    await recordAccesses(handlers.owner, [
      { ...anAccess(id), applicationId: web },
      {
        ...anAccess(id),
        operation: 'get-customer',
        customerId: null,
        resources: [id],
        keyId: 'key_1',
        network: '198.51.100.0/24',
      },
      { ...anAccess(newId('customer', systemClock)) },
    ]);
    const [document, ...others] = await exported(token);
    expect(others).toEqual([]);
    const line = { line1: marker, city: marker, region: marker, postalCode: marker };
    expect(document.customer).toMatchObject({
      id,
      email,
      name: `Ada ${marker}`,
      address: line,
      newEmail: `new-${email}`,
    });
    expect(document.addresses).toMatchObject([{ address: { name: marker, ...line }, defaultBilling: true }]);
    expect(document.identities).toMatchObject([{ issuer: testIssuer, email: `elsewhere-${email}` }]);
    expect(document.sessions).toMatchObject([{ current: true, applicationId: web }]);
    expect(document.mails.map(({ kind }: { kind: string }) => kind).toSorted()).toEqual(
      ['change-asked', 'confirm', 'identity-linked', 'reset'].toSorted(),
    );
    expect(document.orders).toMatchObject([
      { id: order, paymentMethod: 'pm_ok', timeline: [{ type: 'order-placed' }], refunds: [], lines: [{ sku: 'SKU' }] },
    ]);
    expect(document.accesses).toMatchObject([
      { operation: 'get-customer', network: null },
      { operation: 'get-me', network: '203.0.113.0/24', applicationId: web },
    ]);
    expect(JSON.stringify(document)).not.toMatch(/scrypt|cfe_|cfs_|tokenHash/);
  });

  test('comes in several documents when there is much, each thing once', async () => {
    const { id, token } = await customer();
    const orders: string[] = [];
    for (let n = 0; n < 101; n++) orders.push(await addOrder(id, 'failed'));
    const lines = Array.from({ length: 2001 }, () => anAccess(id));
    for (let at = 0; at < lines.length; at += 500) await recordAccesses(handlers.owner, lines.slice(at, at + 500));
    const documents = await exported(token);
    expect(documents.map((each) => [each.orders.length, each.accesses.length])).toEqual([
      [100, 1000],
      [1, 1000],
      [0, 1],
    ]);
    const seen = documents.flatMap((each) => each.orders.map((order: { id: string }) => order.id));
    expect(seen.toSorted()).toEqual(orders.toSorted());
  });

  test('takes no cursor of somebody else, and none that was changed', async () => {
    const one = await customer();
    for (let n = 0; n < 101; n++) await addOrder(one.id, 'failed');
    const { body } = await call('export-me', { token: one.token });
    marker = `mark${++people}er`;
    email = `${marker}@example.com`;
    const foreign = await customer();
    for (const [token, cursor] of [
      [foreign.token, body.nextCursor],
      [one.token, `${body.nextCursor}A`],
      [one.token, 'b3JkXzE'],
    ]) {
      const answer = await call('export-me', { token, query: { cursor } });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-cursor' } });
    }
  });

  test('needs a recent sign-in, and an application that may read customers', async () => {
    const { id, token } = await customer();
    await age(id);
    expect(await call('export-me', { token })).toMatchObject({ status: 401, body: { code: 'sign-in-again' } });
    const { id: poor } = await registerByHand(handlers.applications, { ...fieldsOf('web'), scopes: ['orders:read'] });
    const body = { email, password };
    const session = await handlers.call('sign-in', { body, headers: { 'client-id': poor } });
    expect((await call('export-me', { token: session.body.token })).status).toBe(403);
  });
});

describe('a sign-up that nobody confirms', () => {
  const kept = () => handlers.owner`select from customers.customers where email = ${email}`;

  test('is deleted after a week where e-mails must be confirmed', async () => {
    await call('sign-up', { body: { email, password, name: 'Ada' } });
    await sendAndPurge(6.9 * 24, true);
    expect(await kept()).toHaveLength(1);
    await sendAndPurge(7.1 * 24, false);
    expect(await kept()).toHaveLength(1);
    expect((await sendAndPurge(7.1 * 24, true)).signUps).toBeGreaterThan(0);
    expect(await kept()).toHaveLength(0);
  });

  test.for(['a confirmed address', 'an order', 'an identity', 'a token that still works'])(
    'is kept with %s',
    async (what) => {
      const { id } = await customer();
      await handlers.owner`delete from customers.identities where customer_id = ${id} and ${what !== 'an identity'}`;
      if (what === 'a confirmed address') {
        await handlers.owner`update customers.customers set confirmed_at = now() where id = ${id}`;
      }
      if (what === 'an order') await addOrder(id, 'failed');
      if (what === 'a token that still works') {
        const later = new Date(Date.now() + 9 * 24 * 3600_000);
        await handlers.owner`
          update customers.email_tokens set expires_at = ${later} where customer_id = ${id} and purpose = 'confirm'`;
      }
      await sendAndPurge(8 * 24, true);
      expect(await kept()).toHaveLength(1);
    },
  );
});

/** A request of a customer. */
const anAccess = (customerId: string): AccessLine => ({
  accessId: newId('access', systemClock),
  at: new Date().toISOString(),
  operation: 'get-me',
  write: false,
  status: 200,
  problem: null,
  milliseconds: 3,
  requestId: 'req_1',
  applicationId: null,
  keyId: null,
  customerId,
  network: '203.0.113.0/24',
  resources: [customerId],
});
