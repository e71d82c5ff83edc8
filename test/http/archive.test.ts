import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { run as archiveRecords } from '../../functions/jobs/archive-records.ts';
import { explainOrder, unarchiveOrder } from '../../lib/contract/api/manual-review.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { getOrder } from '../../lib/contract/api/order-parts.ts';
import { listOrders } from '../../lib/contract/api/order-search.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveSagas, openLiveSagas } from '../support/live-sagas.ts';
import { makeOld } from '../support/old-shop.ts';

let live: LiveSagas;
let handlers: LiveSagas['handlers'];
let states: LiveSagas['states'];
let admin: Sql;
let app: string;
let token: string;
let productId: string;
const email = 'ada.archived@example.com';
const password = 'correct horse battery';

/** A shop with real orders, placed by the real saga. */
beforeAll(async () => {
  live = await openLiveSagas();
  ({ handlers, states, admin } = live);
  app = await handlers.appKey(
    'orders:review',
    'orders:refund',
    'catalog:write',
    'stock:write',
    'stock:read',
    'events:read',
    'customers:read',
  );
  await handlers.call('sign-up', { body: { email, password, name: 'Ada Archived' } });
  token = (await handlers.call('sign-in', { body: { email, password } })).body.token;
  const product = { sku: 'MUG', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: app, body: product })).body.id;
  await handlers.call('create-stock-movement', {
    token: app,
    parameters: { productId },
    body: { quantity: 100, reason: 'delivery' },
  });
});
afterAll(() => live?.close());

async function place(paymentMethod = 'pm_card_visa'): Promise<string> {
  const { body } = await handlers.call('place-order', {
    token,
    headers: { 'Idempotency-Key': newId('request', systemClock) },
    body: { lines: [{ productId, quantity: 2 }], paymentMethod },
  });
  await states.idle();
  return body.id;
}

const ofOrder = (operation: OperationId, orderId: string, call: Call = {}) =>
  handlers.call(operation, { token, parameters: { orderId }, ...call });
const ofOperator = (operation: OperationId, orderId: string, call: Call = {}) =>
  handlers.call(operation, { token: app, parameters: { orderId }, ...call });
const refund = async (orderId: string) => {
  const answer = await ofOperator('request-refund', orderId, {
    headers: { 'Idempotency-Key': newId('request', systemClock) },
    body: { amount: { amount: 5, currency: 'EUR' }, reason: 'scratched' },
  });
  await states.idle();
  return answer;
};
const runJob = () =>
  archiveRecords({
    sql: () => sqlAs('jobs'),
    clock: systemClock,
    stopwatch,
    sleep: () => Promise.resolve(),
    afterMonths: 24,
    eventDays: 30,
    limitMs: 60_000,
  });

describe('an archived order', () => {
  let confirmed: string;
  let failed: string;
  let recent: string;
  let before: Awaited<ReturnType<typeof everything>>;

  /** What the customer and the back office see of the orders. */
  async function everything() {
    const read = async (id: string) => ({
      order: (await ofOrder('get-order', id)).body,
      timeline: (await ofOrder('get-order-timeline', id)).body,
      refunds: (await ofOperator('list-refunds', id)).body,
      explained: (await ofOperator('explain-order', id)).body,
    });
    return {
      orders: [await read(confirmed), await read(failed), await read(recent)],
      list: (await handlers.call('list-orders', { token })).body,
      ledger: (await handlers.call('list-stock-movements', { token: app, parameters: { productId } })).body,
    };
  }
  /** Without what says that it is archived, and without the readings themselves. */
  const same = (seen: unknown): unknown =>
    JSON.parse(JSON.stringify(seen), (name, value) =>
      ['archived', 'actions', 'requests', 'ageSeconds'].includes(name) ? undefined : value,
    );

  beforeAll(async () => {
    confirmed = await place();
    failed = await place('pm_card_declined');
    await refund(confirmed);
    await makeOld(admin);
    // In the middle of the others: it is not old, though one after it is.
    recent = await place();
    before = await everything();
    expect(before.orders.map(({ order }) => [order.status, order.archived])).toEqual([
      ['confirmed', false],
      ['failed', false],
      ['confirmed', false],
    ]);
    expect(await runJob()).toMatchObject({ orders: 2, done: true });
    const rows = await handlers.owner`select id from orders.orders`;
    expect(rows.map(({ id }) => id)).toEqual([recent]);
  });

  test('reads as before, from every side, and says that it is archived', async () => {
    const after = await everything();
    expect(same(after)).toEqual(same(before));
    expect(after.orders.map(({ order, explained }) => [order.archived, explained.order.archived])).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ]);
    expect(after.list.data.map(({ archived }: { archived: boolean }) => archived)).toEqual([false, true, true]);
    expect(z.parse(getOrder.responses[200], after.orders[0]!.order)).toEqual(after.orders[0]!.order);
    expect(z.parse(listOrders.responses[200], after.list)).toEqual(after.list);
    expect(z.parse(explainOrder.responses[200], after.orders[0]!.explained)).toEqual(after.orders[0]!.explained);
  });

  test('has the ETag that it had, is in pages and filtered lists, and is nobody else’s', async () => {
    const { headers } = await ofOrder('get-order', confirmed);
    expect(headers.etag).toBe(`"${before.orders[0]!.order.version}"`);
    const [given] = before.orders[0]!.refunds.data;
    const parameters = { orderId: confirmed, refundId: given.id };
    expect((await handlers.call('get-refund', { token: app, parameters })).body).toEqual(given);
    const pages: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { body } = await handlers.call('list-orders', { token, query: { limit: '1', ...(cursor && { cursor }) } });
      pages.push(...body.data.map(({ id }: { id: string }) => id));
      if (!body.nextCursor) break;
      cursor = body.nextCursor;
    }
    expect(pages).toEqual([recent, failed, confirmed]);
    const { body } = await handlers.call('list-orders', { token, query: { status: 'failed' } });
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([failed]);
    const reviewed = await handlers.call('find-orders', { token: app, query: { status: 'failed' } });
    expect(reviewed.body.data).toMatchObject([{ id: failed, archived: true }]);

    await handlers.call('sign-up', { body: { email: 'eve@example.com', password, name: 'Eve' } });
    const eve = (await handlers.call('sign-in', { body: { email: 'eve@example.com', password } })).body.token;
    for (const operation of ['get-order', 'get-order-timeline', 'cancel-order'] as const) {
      expect(await ofOrder(operation, confirmed, { token: eve }), operation).toMatchObject({ status: 404 });
    }
  });

  test.each<[string, () => Promise<{ status: number; body: { type: string } }>, number, string]>([
    ['a cancellation', () => ofOrder('cancel-order', confirmed), 409, 'order-too-late-to-cancel'],
    ['a cancellation of one that failed', () => ofOrder('cancel-order', failed), 409, 'order-ended'],
    ['a refund', () => refund(confirmed), 409, 'order-archived'],
    ['a retry', () => ofOperator('retry-compensation', failed), 409, 'order-not-in-review'],
    [
      'a resolution',
      () => ofOperator('resolve-order', failed, { body: { outcome: 'failed', note: 'x' } }),
      409,
      'order-not-in-review',
    ],
    [
      'taking out what does not exist',
      () => ofOperator('unarchive-order', newId('order', systemClock)),
      404,
      'not-found',
    ],
  ])('refuses %s, and changes nothing', async (_, ask, status, code) => {
    const answer = await ask();
    expect(answer).toMatchObject({ status });
    expect(answer.body.type).toMatch(new RegExp(`/${code}$`));
    expect(same((await everything()).orders[0])).toEqual(same(before.orders[0]));
  });

  test('is part of the customer’s export', async () => {
    const { body } = await handlers.call('export-me', { token });
    expect(body.orders.map((order: { id: string; archived: boolean }) => [order.id, order.archived])).toEqual([
      [recent, false],
      [failed, true],
      [confirmed, true],
    ]);
    expect(body.orders[2].refunds).toMatchObject([{ status: 'succeeded' }]);
    expect(body.orders[2].timeline.length).toBeGreaterThan(3);
  });

  test('comes out again once, with an entry in the audit, and can be refunded', async () => {
    const headers = { 'Idempotency-Key': newId('request', systemClock), 'X-Request-Id': 'taken-out' };
    const first = await ofOperator('unarchive-order', confirmed, { headers });
    expect(first).toMatchObject({ status: 200, body: { id: confirmed, archived: false } });
    expect(z.parse(unarchiveOrder.responses[200], first.body)).toEqual(first.body);
    expect((await ofOperator('unarchive-order', confirmed, { headers })).body).toEqual(first.body);
    expect(await ofOperator('unarchive-order', confirmed)).toMatchObject({ status: 200 });
    const { body } = await ofOperator('explain-order', confirmed);
    const taken = body.actions.filter(({ action }: { action: string }) => action === 'unarchive');
    expect(taken).toMatchObject([{ requestId: 'taken-out' }]);
    expect(same((await everything()).orders[0])).toEqual(same(before.orders[0]));

    expect(await refund(confirmed)).toMatchObject({ status: 202 });
    expect((await ofOrder('get-order', confirmed)).body.payment.refunded.amount).toBe(10);
    expect(await runJob()).toMatchObject({ orders: 0 });
  });

  test('keeps nothing of a customer who is erased', async () => {
    expect(await handlers.call('erase-me', { token })).toMatchObject({ status: 204 });
    const found = await handlers.owner`
      select id from archive.pages where documents::text ilike any (array['%ada.archived%', '%Ada Archived%'])`;
    expect(found).toEqual([]);
    const [kept] = await handlers.owner`select customer_id from archive.order_keys where id = ${failed}`;
    expect(kept).toBeDefined();
  });
});
