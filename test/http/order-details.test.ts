import type { Sql } from 'postgres';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type StepName, steps } from '../../functions/steps.ts';
import { startStates } from '../../infra/local/states/start.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { listOrders } from '../../lib/contract/api/order-search.ts';
import { order } from '../../lib/contract/api/orders.ts';
import { scopes } from '../../lib/contract/deploy/roles.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { fieldsOf } from '../support/applications.ts';
import { localMachines, machineVariables } from '../support/definitions.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { testPostgres } from '../support/postgres.ts';

let handlers: LiveHandlers;
let states: Awaited<ReturnType<typeof startStates>>;
let admin: Sql;
let productId: string;
const password = 'correct horse battery';

/** A shop with real orders, placed by the real saga. */
beforeAll(async () => {
  states = await startStates({
    machines: localMachines(),
    waitScale: 0,
    invoke: async (step, payload) => {
      const file = steps[step as StepName].handler.slice('saga/'.length);
      const { handler } = await import(`../../functions/saga/${file}.ts`);
      return handler(payload);
    },
  });
  const settings = { RATE_LIMIT_PER_MINUTE: '100000', AWS_ENDPOINT_URL_SFN: states.endpoint, ...machineVariables };
  handlers = await openLiveHandlers(settings);
  admin = postgres({
    host: testPostgres().socketDir,
    user: 'rdsadmin',
    database: process.env.DATABASE_NAME!,
    max: 1,
    onnotice: () => {},
  }) as unknown as Sql;
  const key = await handlers.appKey('catalog:write', 'stock:write');
  const product = { sku: 'MUG', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: key, body: product })).body.id;
  const delivery = { quantity: 1000, reason: 'delivery' };
  await handlers.call('create-stock-movement', { token: key, parameters: { productId }, body: delivery });
});
afterAll(async () => {
  await admin?.end();
  await states?.stop();
  await handlers?.close();
});

async function customer(email: string): Promise<string> {
  await handlers.call('sign-up', { body: { email, password, name: 'Ada Byron' } });
  return (await handlers.call('sign-in', { body: { email, password } })).body.token;
}

const place = async (body: object, call: Call = {}) => {
  const headers = { 'Idempotency-Key': newId('request', systemClock), ...call.headers };
  const basket = { lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' };
  const answer = await handlers.call('place-order', { ...call, headers, body: { ...basket, ...body } });
  await states.idle();
  return answer;
};

const ada = { name: 'Ada Byron', line1: 'Hauptstraße 5', postalCode: '8010', city: 'Graz', country: 'AT' };
const office = {
  ...ada,
  name: 'Ada',
  company: 'Byron & Co',
  vatNumber: 'ATU12345678',
  country: 'DE',
  postalCode: '10115',
};
const said = {
  shippingAddress: ada,
  billingAddress: office,
  contact: { email: 'ada@example.com', phone: '+43 316 000000' },
  note: 'Ring twice.\nThank you.',
  metadata: { basket: '4711', gift: true },
};

describe('what an order says besides its lines', () => {
  test('is on the order, which people find by its number', async () => {
    const token = await customer('ada.details@example.com');
    const placed = await place(said, { token });
    expect(placed.status).toBe(202);
    expect(z.parse(order, placed.body)).toMatchObject({ ...said, number: expect.stringMatching(/^CF-\d{5,}$/) });
    const { id, number } = placed.body;
    const read = await handlers.call('get-order', { token, parameters: { orderId: id } });
    expect(read.body).toMatchObject({ ...said, number, status: 'confirmed' });
    await place({}, { token });
    const query = { number: ` ${number.toLowerCase()} ` };
    const listed = await handlers.call('list-orders', { token, query });
    expect(z.parse(listOrders.responses[200], listed.body).data.map((found) => found.id)).toEqual([id]);
    const others = await customer('other.details@example.com');
    expect((await handlers.call('list-orders', { token: others, query })).body.data).toEqual([]);
    const wrong = await handlers.call('list-orders', { token, query: { number: '10042' } });
    expect(wrong.body).toMatchObject({ code: 'invalid-input', errors: [{ pointer: '?number' }] });
  });

  test.each([
    [
      'an unknown country',
      { shippingAddress: { ...ada, country: 'UK' } },
      'country-unknown',
      '/shippingAddress/country',
    ],
    [
      'a postal code of wrong form',
      { billingAddress: { ...office, postalCode: '1' } },
      'postal-code-invalid',
      '/billingAddress/postalCode',
    ],
    ['too much metadata', { metadata: { text: 'x'.repeat(5000) } }, 'invalid-input', '/metadata'],
    ['no e-mail', { contact: { email: 'ada' } }, 'invalid-input', '/contact/email'],
  ])('is refused with %s, and nothing is placed', async (_what, body, code, pointer) => {
    const token = await customer('refused.details@example.com');
    const refused = await place(body, { token });
    expect(refused.body).toMatchObject({ code, errors: [{ pointer }] });
    expect((await handlers.call('list-orders', { token })).body.data).toEqual([]);
    if ('contact' in body || 'metadata' in body) return;
    const quote = { lines: [{ productId, quantity: 1 }], ...body };
    expect((await handlers.call('create-quote', { body: quote })).body).toMatchObject({ code });
  });

  test('is shown to no application that may not read customers, but for what is the client’s own', async () => {
    const wanted = scopes.filter((scope) => scope !== 'customers:read');
    const { id: blind } = await registerByHand(handlers.applications, fieldsOf('web', wanted));
    const email = 'blind.details@example.com';
    await handlers.call('sign-up', { body: { email, password, name: 'Ada' } });
    const headers = { 'client-id': blind };
    const { token } = (await handlers.call('sign-in', { headers, body: { email, password } })).body;
    const placed = await place(said, { token });
    const read = await handlers.call('get-order', { token, parameters: { orderId: placed.body.id } });
    const listed = await handlers.call('list-orders', { token });
    for (const shown of [placed.body, read.body, listed.body.data[0]]) {
      expect(shown).toMatchObject({ number: placed.body.number, metadata: said.metadata });
      for (const field of ['shippingAddress', 'billingAddress', 'contact', 'note'])
        expect(shown).not.toHaveProperty(field);
    }
  });

  test('is archived with the order, exported, and erased with the customer', async () => {
    const email = 'erased.details@example.com';
    const token = await customer(email);
    const marked = JSON.parse(JSON.stringify(said).replaceAll(/Ada|Ring|4711/g, 'marker')) as typeof said;
    const [old, recent] = [(await place(marked, { token })).body, (await place(marked, { token })).body];
    await admin`insert into archive.unarchived (order_id, until) values (${recent.id}, '2100-01-01')`;
    const [{ moved }] = await admin<[{ moved: number }]>`
      select archive.move_orders(now() + interval '1 hour', now(), 100) as moved`;
    expect(moved).toBeGreaterThanOrEqual(1);
    const found = await handlers.call('list-orders', { token, query: { number: old.number } });
    expect(found.body.data).toMatchObject([{ ...marked, id: old.id, archived: true }]);
    const { orders } = (await handlers.call('export-me', { token })).body;
    expect(orders).toMatchObject([
      { ...marked, number: recent.number },
      { ...marked, number: old.number },
    ]);
    expect(await rowsWith('marker')).not.toEqual([]);
    expect((await handlers.call('erase-me', { token })).status).toBe(204);
    expect(await rowsWith('marker')).toEqual([]);
    const kept = await admin`select id, number from orders.orders where id = ${recent.id}
      union all select id, number from archive.orders where id = ${old.id}`;
    expect(kept.map(({ number }) => number)).toEqual([recent.number, old.number]);
  });
});

/** The tables that have a text in any row. */
async function rowsWith(text: string): Promise<string[]> {
  const tables = await admin<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  const found: string[] = [];
  for (const { name } of tables) {
    const [row] = await admin.unsafe(
      `select count(*)::integer as n from ${name} t where strpos(t::text, '${text}') > 0`,
    );
    if (row!.n > 0) found.push(name);
  }
  return found;
}
