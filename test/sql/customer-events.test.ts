import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { confirmCustomer, setPassword } from '../../lib/accounts/customers/accounts.sql.ts';
import { updateCustomer } from '../../lib/accounts/customers/customers.sql.ts';
import { dropUnconfirmed, emptyCustomer } from '../../lib/accounts/customers/erase.sql.ts';
import { announceCustomer, customerChanged } from '../../lib/accounts/customers/events.sql.ts';
import { withoutPersonalData } from '../../lib/contract/events/domain-events.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { clock } from '../../lib/platform/clock.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';

let database: TestDatabase;
let [owner, sql, erasure, jobs]: Sql[] = [];
beforeAll(async () => {
  database = await createDatabase();
  [owner, sql, erasure, jobs] = (['migrator', 'customers_api', 'customer_erasure', 'jobs'] as const).map(
    (role) => database.connect(role, poolOptions) as unknown as Sql,
  );
});
afterAll(async () => {
  await Promise.all([owner, sql, erasure, jobs].map((each) => each?.end()));
  await database?.drop();
});

const about = { clock, requestId: 'req_1' };
const signedUpAt = new Date('2020-01-01T00:00:00Z');
let id: string;
let email: string;
beforeEach(async () => {
  id = newId('customer', clock);
  email = `${id.slice(-12)}@example.com`;
  await owner!`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${id}, ${email}, 'Ada', 'x', ${signedUpAt}, ${signedUpAt})`;
});
const eventsOf = async () =>
  (
    await owner!`select type, sequence, correlation_id, data from outbox.events where aggregate_id = ${id} order by sequence`
  ).map(({ type, sequence, correlationId, data }) => ({ type, sequence, correlationId, ...data }));

test('who has only signed up has no event; the first use writes one, with what changed before', async () => {
  await updateCustomer(sql!, id, { name: 'Ada King' }, {}, clock, 'req_0');
  expect(await eventsOf()).toEqual([]);
  const calls = await Promise.all([1, 2, 3].map(() => announceCustomer(sql!, id, about)));
  expect(calls.filter(Boolean)).toHaveLength(1);
  const state = { customerId: id, email, name: 'Ada King', premium: false, suspended: false };
  const created = { type: 'customer.created', sequence: 2, correlationId: 'req_1', ...state };
  expect(await eventsOf()).toEqual([created]);
  await updateCustomer(sql!, id, { premium: true, suspended: true }, {}, clock, 'req_2');
  const updated = {
    type: 'customer.updated',
    sequence: 3,
    correlationId: 'req_2',
    ...state,
    premium: true,
    suspended: true,
  };
  expect(await eventsOf()).toEqual([created, updated]);
  await expect(updateCustomer(sql!, id, { name: 'Eve' }, { oneOf: [1] }, clock, 'req_3')).rejects.toThrow();
  expect(await eventsOf()).toHaveLength(2);
});

test('confirming the address of somebody who signed in already says what it changed', async () => {
  await announceCustomer(sql!, id, about);
  await inTransaction(sql!, async (tx) => {
    await confirmCustomer(tx, id, clock);
    await setPassword(tx, { id, passwordHash: 'y', name: 'Countess' });
    await customerChanged(tx, id, about);
  });
  expect(await eventsOf()).toMatchObject([{ name: 'Ada' }, { type: 'customer.updated', name: 'Countess' }]);
});

test('erasing empties the personal fields of every earlier event, archived or not', async () => {
  await announceCustomer(sql!, id, about);
  await owner!`
    with moved as (delete from outbox.events where aggregate_id = ${id} returning *)
    insert into archive.events
    select 1, id, type, schema_version, subject, aggregate_id, sequence, occurrence, correlation_id, data, occurred_at, occurred_at
    from moved`;
  await updateCustomer(sql!, id, { name: 'Ada King' }, {}, clock);
  await inTransaction(erasure!, (tx) =>
    emptyCustomer(tx, { id, eventId: newId('event', clock), requestId: 'req_erase' }, clock),
  );
  const nobody = { email: null, name: null };
  expect(await eventsOf()).toMatchObject([nobody, { type: 'customer.erased', sequence: 3, customerId: id }]);
  const [archived] = await owner!`select data from archive.events where aggregate_id = ${id}`;
  expect(archived!.data).toMatchObject(nobody);
});

test('an account that expires says so to whoever has heard of it', async () => {
  await announceCustomer(sql!, id, about);
  const unused = newId('customer', clock);
  await owner!`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${unused}, ${`${unused}@example.com`}, 'Nobody', 'x', ${signedUpAt}, ${signedUpAt})`;
  await dropUnconfirmed(jobs!, {
    signedUpBefore: new Date('2020-02-01T00:00:00Z'),
    now: new Date(clock.now()),
    after: undefined,
    limit: 100,
  });
  expect(await owner!`select id from customers.customers where id in (${id}, ${unused})`).toHaveLength(0);
  expect(await eventsOf()).toMatchObject([{ type: 'customer.created', email: null }, { type: 'customer.erased' }]);
  expect(await owner!`select id from outbox.events where aggregate_id = ${unused}`).toHaveLength(0);
});

test('who may not read customers gets an event without its personal fields', () => {
  const event = {
    type: 'customer.updated',
    data: { customerId: id, email, name: 'Ada', premium: true, suspended: false },
  };
  expect(withoutPersonalData(event).data).toEqual({ ...event.data, email: null, name: null });
  const other = { type: 'order.reserved', data: { orderId: 'ord_1' } };
  expect(withoutPersonalData(other)).toBe(other);
});
