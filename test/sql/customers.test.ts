import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { confirmCustomer, enrol } from '../../lib/accounts/customers/accounts.sql.ts';
import {
  findCustomer,
  findStoredPassword,
  replacePasswordHash,
  updateCustomer,
} from '../../lib/accounts/customers/customers.sql.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let sql: Sql;
let now = Date.UTC(2026, 0, 1);
const clock = { now: () => now };

beforeAll(async () => {
  database = await createDatabase();
  sql = database.connect('customers_api', { ...poolOptions, max: 4 }) as unknown as Sql;
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
});

let emails = 0;
const someone = () => ({ email: `someone-${++emails}@example.com`, name: 'Ada Lovelace', passwordHash: 'hash' });
const enrolAs = (person: ReturnType<typeof someone>, replace = false) =>
  inTransaction(sql, (tx) => enrol(tx, { ...person, replace }, clock));
const insertCustomer = async (person: ReturnType<typeof someone>) => {
  const { id } = await enrolAs(person);
  return findCustomer(sql, id);
};
const home = { line1: '12 St James’s Square', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };

describe('a new customer', () => {
  test('is stored as given, at version 1', async () => {
    const given = someone();
    const customer = await insertCustomer(given);
    expect(customer).toEqual({
      id: expect.stringMatching(/^cus_[0-9a-f]{32}$/),
      email: given.email,
      name: 'Ada Lovelace',
      address: null,
      premium: false,
      verifiedVatNumber: null,
      suspended: false,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
      version: 1,
    });
    expect(await findCustomer(sql, customer.id)).toEqual(customer);
    expect(await findStoredPassword(sql, given.email)).toEqual({
      id: customer.id,
      email: given.email,
      passwordHash: 'hash',
      accessVersion: 1,
      suspended: false,
      confirmed: false,
    });
  });

  test('with an e-mail that is taken is not added, and the first one stays', async () => {
    const given = { ...someone(), passwordHash: 'first' };
    const first = await insertCustomer(given);
    const second = await enrolAs({ ...given, name: 'Eve', passwordHash: 'second' });
    expect(second).toEqual({ id: first.id, isNew: false });
    expect(await findCustomer(sql, first.id)).toEqual(first);
    expect((await findStoredPassword(sql, given.email))?.passwordHash).toBe('first');
  });

  test('that was never confirmed can be replaced; a confirmed one cannot', async () => {
    const given = { ...someone(), passwordHash: 'first' };
    const { id } = await insertCustomer(given);
    expect(await enrolAs({ ...given, name: 'Eve', passwordHash: 'second' }, true)).toEqual({ id, isNew: true });
    expect(await findStoredPassword(sql, given.email)).toMatchObject({ id, passwordHash: 'second' });
    await inTransaction(sql, (tx) => confirmCustomer(tx, id, clock));
    expect(await enrolAs({ ...given, name: 'Ada', passwordHash: 'third' }, true)).toEqual({ id, isNew: false });
    expect((await findCustomer(sql, id)).name).toBe('Eve');
    expect(await findStoredPassword(sql, given.email)).toMatchObject({ passwordHash: 'second', confirmed: true });
  });

  test('of many concurrent ones with one e-mail is added once', async () => {
    const given = someone();
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) => enrolAs({ ...given, passwordHash: `hash ${i}` })),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
  });
});

test('an unknown id or e-mail finds nobody', async () => {
  await expect(findCustomer(sql, newId('customer', clock))).rejects.toMatchObject({ code: 'not-found' });
  expect(await findStoredPassword(sql, 'nobody@example.com')).toBeUndefined();
});

describe('a change', () => {
  test('of the name leaves the rest and raises the version', async () => {
    const customer = await insertCustomer(someone());
    now += 5000;
    const changed = await updateCustomer(sql, customer.id, { name: 'Ada King' }, {}, clock);
    expect(changed).toEqual({ ...customer, name: 'Ada King', version: 2, updatedAt: '2026-01-01T00:00:05.000Z' });
    expect(await findCustomer(sql, customer.id)).toEqual(changed);
  });

  test('of the address sets it, keeps it when it is not given, and removes it with null', async () => {
    const { id } = await insertCustomer(someone());
    expect((await updateCustomer(sql, id, { address: home }, {}, clock)).address).toEqual(home);
    expect((await updateCustomer(sql, id, { name: 'Ada' }, {}, clock)).address).toEqual(home);
    expect((await updateCustomer(sql, id, { address: null }, {}, clock)).address).toBeNull();
  });

  test('to premium and back', async () => {
    const { id } = await insertCustomer(someone());
    expect((await updateCustomer(sql, id, { premium: true }, {}, clock)).premium).toBe(true);
    expect((await updateCustomer(sql, id, { name: 'Ada' }, {}, clock)).premium).toBe(true);
    expect((await updateCustomer(sql, id, { premium: false }, {}, clock)).premium).toBe(false);
  });

  test('with the version that was read succeeds; with another it does not', async () => {
    const { id } = await insertCustomer(someone());
    expect((await updateCustomer(sql, id, { name: 'One' }, { oneOf: [1] }, clock)).version).toBe(2);
    const stale = updateCustomer(sql, id, { name: 'Two' }, { oneOf: [1] }, clock);
    await expect(stale).rejects.toMatchObject({ code: 'version-stale', message: expect.stringContaining('version 2') });
    expect((await findCustomer(sql, id)).name).toBe('One');
  });

  test('of many concurrent ones at one version succeeds once', async () => {
    const { id } = await insertCustomer(someone());
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const outcomes = await Promise.allSettled(
      names.map((name) => updateCustomer(sql, id, { name }, { oneOf: [1] }, clock)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await findCustomer(sql, id)).version).toBe(2);
  });

  test('of an unknown customer is not found, with a version and without', async () => {
    const id = newId('customer', clock);
    for (const version of [undefined, 1]) {
      const change = updateCustomer(sql, id, { name: 'x' }, version === undefined ? {} : { oneOf: [version] }, clock);
      await expect(change).rejects.toMatchObject({ code: 'not-found' });
    }
  });

  test('with quotes and SQL in it is stored as text', async () => {
    const { id } = await insertCustomer(someone());
    const name = `'; drop table customers.customers; -- "\\ $1`;
    const address = { ...home, line1: name };
    expect(await updateCustomer(sql, id, { name, address }, {}, clock)).toMatchObject({ name, address });
  });
});

test('a password hash is replaced only if it is still the one that was checked', async () => {
  const given = someone();
  const { id } = await insertCustomer(given);
  await replacePasswordHash(sql, id, { from: 'other', to: 'new' });
  expect((await findStoredPassword(sql, given.email))?.passwordHash).toBe('hash');
  await replacePasswordHash(sql, id, { from: 'hash', to: 'new' });
  expect((await findStoredPassword(sql, given.email))?.passwordHash).toBe('new');
  expect((await findCustomer(sql, id)).version).toBe(1);
});

describe('the role of the customers service', () => {
  test.for([
    'delete from customers.customers',
    'delete from customers.email_tokens',
    'select body from customers.mails',
    'update customers.mails set body = null',
    "update customers.customers set id = 'cus_00000000000000000000000000000000'",
    'select 1 from catalog.products',
    'select 1 from orders.orders',
    'truncate customers.customers',
  ])('may not %s', async (statement) => {
    await expect(sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
  });
});
