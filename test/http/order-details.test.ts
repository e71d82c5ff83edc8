import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { listOrders } from '../../lib/contract/api/order-search.ts';
import { order } from '../../lib/contract/api/orders.ts';
import { scopes } from '../../lib/contract/deploy/roles.ts';
import { orderUpdated } from '../../lib/contract/events/domain-events.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { fieldsOf } from '../support/applications.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveSagas, openLiveSagas } from '../support/live-sagas.ts';
import { mailedToken } from '../support/mailbox.ts';

let live: LiveSagas;
let handlers: LiveSagas['handlers'];
let states: LiveSagas['states'];
let admin: Sql;
let productId: string;
const password = 'correct horse battery';

/** A shop with real orders, placed by the real saga. */
beforeAll(async () => {
  live = await openLiveSagas();
  ({ handlers, states, admin } = live);
  const key = await handlers.appKey('catalog:write', 'stock:write');
  const product = { sku: 'MUG', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: key, body: product })).body.id;
  const delivery = { quantity: 1000, reason: 'delivery' };
  await handlers.call('create-stock-movement', { token: key, parameters: { productId }, body: delivery });
});
afterAll(() => live?.close());

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

describe('PATCH /orders/{orderId}', () => {
  const change = (orderId: string, body: object, call: Call = {}) =>
    handlers.call('update-order', { parameters: { orderId }, body, ...call });

  test('changes what the order says, with an entry and an event, and nothing when nothing is new', async () => {
    const token = await customer('patch.details@example.com');
    const { id } = (await place(said, { token })).body;
    const before = await handlers.call('get-order', { token, parameters: { orderId: id } });
    const headers = { 'If-Match': before.headers.etag! };
    const same = await change(id, { note: said.note, metadata: said.metadata }, { token, headers });
    expect(same).toMatchObject({ status: 200, headers: { etag: before.headers.etag } });
    const moved = { ...ada, line1: 'Sackstraße 1' };
    const changed = await change(id, { shippingAddress: moved, note: null }, { token, headers });
    expect(changed.status).toBe(200);
    expect(z.parse(order, changed.body)).toMatchObject({ ...said, shippingAddress: moved, note: null });
    expect(changed.body.version).toBe(before.body.version + 1);
    const stale = await change(id, { note: 'late' }, { token, headers });
    expect(stale).toMatchObject({ status: 412, body: { code: 'version-stale' } });
    const { data } = (await handlers.call('get-order-timeline', { token, parameters: { orderId: id } })).body;
    expect(data.at(-1)).toMatchObject({
      type: 'details-changed',
      detail: { changed: ['shippingAddress', 'note'], by: 'customer' },
    });
    const events = await admin`select * from outbox.events where aggregate_id = ${id} and type = 'order.updated'`;
    expect(events).toHaveLength(1);
    expect(z.parse(orderUpdated.data, events[0]!.data)).toMatchObject({
      number: changed.body.number,
      changed: ['shippingAddress', 'note'],
      shippingAddress: moved,
      note: null,
    });
  });

  test('is refused for others, with bad input, and once the order has ended; then nothing changes', async () => {
    const token = await customer('refusedpatch.details@example.com');
    const { id } = (await place(said, { token })).body;
    const stranger = await customer('stranger.details@example.com');
    const cases = [
      [{ note: 'x' }, { token: stranger }, 'not-found'],
      [{ shippingAddress: { ...ada, country: 'XX' } }, { token }, 'country-unknown'],
      [{ billingAddress: { ...office, postalCode: '1' } }, { token }, 'postal-code-invalid'],
      [{ lines: [] }, { token }, 'invalid-input'],
      [{ note: 'x' }, {}, 'unauthenticated'],
    ] as const;
    for (const [body, call, code] of cases) expect((await change(id, body, call)).body, code).toMatchObject({ code });
    const failed = (await place(said, { token, body: {} })).body;
    await admin`update orders.orders set status = 'cancelling' where id = ${failed.id}`;
    expect((await change(failed.id, { note: 'x' }, { token })).body).toMatchObject({ code: 'order-ended' });
    await admin`update orders.orders set tax_amount = 100, tax_included = true where id = ${id}`;
    const abroad = { shippingAddress: { ...ada, country: 'DE', postalCode: '10115' } };
    expect((await change(id, abroad, { token })).body).toMatchObject({
      code: 'address-changes-price',
      errors: [{ pointer: '/shippingAddress/country' }],
    });
    const read = await handlers.call('get-order', { token, parameters: { orderId: id } });
    expect(read.body).toMatchObject(said);
  });

  test('is open to a back office for any order', async () => {
    const token = await customer('office.details@example.com');
    const { id } = (await place(said, { token })).body;
    const key = await handlers.appKey('orders:place', 'orders:read', 'customers:read');
    expect((await change(id, { note: 'by phone' }, { token: key })).body).toMatchObject({ note: 'by phone' });
    const { data } = (await handlers.call('get-order-timeline', { token: key, parameters: { orderId: id } })).body;
    expect(data.at(-1)).toMatchObject({ detail: { changed: ['note'], by: 'application' } });
  });
});

describe('a guest', () => {
  const contact = { email: 'guest.details@example.com' };

  test('orders with an e-mail address, and reads, changes and cancels the order with its token alone', async () => {
    const headers = { 'Idempotency-Key': newId('request', systemClock) };
    const placed = await place({ ...said, contact }, { headers });
    expect(placed.status).toBe(202);
    const orderToken = placed.headers['order-token']!;
    expect(orderToken).toMatch(/^cfo_[A-Za-z0-9_-]{64}$/);
    expect(placed.body).toMatchObject({ customerId: null, placedBy: null, contact });
    const again = await place({ ...said, contact }, { headers });
    expect(again).toMatchObject({ body: { id: placed.body.id }, headers: { 'order-token': orderToken } });
    expect(Object.keys(again.headers).filter((name) => name.includes('salt'))).toEqual([]);
    expect(await rowsWith(orderToken.slice(40))).toEqual([]);

    const of = { parameters: { orderId: placed.body.id }, headers: { 'Order-Token': orderToken } };
    expect((await handlers.call('get-order', of)).body).toMatchObject({ ...said, contact, status: 'confirmed' });
    expect((await handlers.call('get-order-timeline', of)).status).toBe(200);
    expect((await handlers.call('update-order', { ...of, body: { note: 'x' } })).body).toMatchObject({ note: 'x' });
    const nameless = await handlers.call('update-order', { ...of, body: { contact: { phone: '+43 316 000' } } });
    expect(nameless.body).toMatchObject({ code: 'contact-missing' });
    const other = (await place({ contact })).body;
    const wrong = { ...of, parameters: { orderId: other.id } };
    expect((await handlers.call('get-order', wrong)).body).toMatchObject({ code: 'not-found' });
    const forged = {
      ...of,
      headers: { 'Order-Token': `${orderToken.slice(0, -1)}${orderToken.endsWith('A') ? 'B' : 'A'}` },
    };
    expect((await handlers.call('get-order', forged)).body).toMatchObject({ code: 'not-found' });
    expect((await handlers.call('get-order', { parameters: of.parameters })).body).toMatchObject({
      code: 'unauthenticated',
    });
    expect((await handlers.call('cancel-order', of)).status).toBe(202);
    await states.idle();
    expect((await handlers.call('get-order', of)).body).toMatchObject({ status: 'cancelled' });
  });

  test('cannot order without an e-mail address, nor for a customer', async () => {
    expect((await place({ contact: { phone: '+43 316 000' } })).body).toMatchObject({ code: 'contact-missing' });
    expect((await place({ contact, customerId: `cus_${'0'.repeat(32)}` })).body).toMatchObject({ code: 'forbidden' });
  });

  test('finds the order in their account once they have confirmed its e-mail address, and not before', async () => {
    const email = 'joins.details@example.com';
    const placed = await place({ ...said, contact: { email } });
    const of = { parameters: { orderId: placed.body.id }, headers: { 'Order-Token': placed.headers['order-token']! } };
    const token = await customer(email);
    expect((await handlers.call('list-orders', { token })).body.data).toEqual([]);
    expect((await handlers.call('get-order', of)).status).toBe(200);
    await handlers.call('request-password-reset', { body: { email } });
    const reset = { token: await mailedToken(handlers.owner, email, 'reset'), password };
    expect((await handlers.call('reset-password', { body: reset })).status).toBe(204);
    const mine = (await handlers.call('sign-in', { body: { email, password } })).body;
    const { data } = (await handlers.call('list-orders', { token: mine.token })).body;
    expect(data).toMatchObject([{ id: placed.body.id, customerId: mine.customerId }]);
    expect((await handlers.call('get-order', of)).body).toMatchObject({ code: 'not-found' });
    const [event] = await admin`select data from outbox.events
      where aggregate_id = ${placed.body.id} and type = 'order.updated'`;
    expect(z.parse(orderUpdated.data, event!.data)).toMatchObject({
      customerId: mine.customerId,
      changed: ['customerId'],
    });
  });

  test('is forgotten when the order goes to the archive', async () => {
    const placed = await place({ ...said, contact: { email: 'archivedguest@example.com' } });
    await admin`select archive.move_orders(now() + interval '1 hour', now(), 100)`;
    const [kept] = await admin`select number, contact from archive.orders where id = ${placed.body.id}`;
    expect(kept).toMatchObject({ number: placed.body.number, contact: null });
    expect(await rowsWith('archivedguest')).toEqual([]);
  });
});

describe('a back office', () => {
  test('orders for a customer, whose order it is', async () => {
    const token = await customer('phone.details@example.com');
    const { customerId } = (await handlers.call('sign-in', { body: { email: 'phone.details@example.com', password } }))
      .body;
    const key = await handlers.appKey('orders:place', 'orders:read');
    const placed = await place({ ...said, customerId }, { token: key });
    expect(placed).toMatchObject({ status: 202, body: { customerId, placedBy: expect.stringMatching(/^app_/) } });
    expect(placed.headers).not.toHaveProperty('order-token');
    expect((await handlers.call('list-orders', { token })).body.data).toMatchObject([{ id: placed.body.id, ...said }]);
    const line = JSON.parse(handlers.accessLines.findLast((each) => each.includes('place-order'))!);
    expect(line).toMatchObject({ operation: 'place-order', customerId });
  });

  test('cannot order for a customer who does not exist or is suspended, nor without the scope', async () => {
    const key = await handlers.appKey('orders:place');
    const nobody = await place({ customerId: `cus_${'0'.repeat(32)}` }, { token: key });
    expect(nobody.body).toMatchObject({ code: 'customer-unknown' });
    await customer('suspended.details@example.com');
    const [row] = await admin`update customers.customers set suspended_at = now()
      where email = 'suspended.details@example.com' returning id`;
    expect((await place({ customerId: row!.id }, { token: key })).body).toMatchObject({ code: 'customer-unknown' });
    const weak = await handlers.appKey('orders:read');
    expect((await place({ customerId: row!.id }, { token: weak })).body).toMatchObject({ code: 'forbidden' });
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
