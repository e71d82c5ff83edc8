import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type StepName, steps } from '../../functions/steps.ts';
import { startStates } from '../../infra/local/states/start.ts';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import { explainOrder, findOrders, resolveOrder, retryCompensation } from '../../lib/contract/api/manual-review.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { localMachines, machineVariables } from '../support/definitions.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

const customerId = newId('customer', systemClock);
let handlers: LiveHandlers;
let states: Awaited<ReturnType<typeof startStates>>;
let operator: string;
let shopkeeper: string;
let customer: string;
let productId: string;

/** Everything real: the handlers, the state machine with its steps, the simulated provider. */
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
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    ...machineVariables,
    AWS_ENDPOINT_URL_SFN: states.endpoint,
    PAYMENT_TIMEOUT_MS: '50',
  });
  await handlers.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${customerId}, 'ada@example.com', 'Ada', ${await hashPassword('correct horse')}, now(), now())`;
  const signIn = handlers.call('sign-in', { body: { email: 'ada@example.com', password: 'correct horse' } });
  [operator, shopkeeper, customer] = await Promise.all([
    handlers.appKey('orders:review'),
    handlers.appKey('catalog:write', 'stock:write'),
    signIn.then(({ body }) => body.token),
  ]);
  const product = { sku: 'MUG', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: shopkeeper, body: product })).body.id;
  const movement = { body: { quantity: 100, reason: 'delivery' }, parameters: { productId }, token: shopkeeper };
  await handlers.call('create-stock-movement', movement);
});
afterAll(async () => {
  await states?.stop();
  await handlers?.close();
});

/** An order whose compensation fails, because the provider never answers. A test that changes it needs a new one. */
let orderId: string;
beforeAll(renew);

async function renew() {
  orderId = await place('pm_timeoutAlways');
}

async function place(paymentMethod: string): Promise<string> {
  const { body } = await handlers.call('place-order', {
    token: customer,
    headers: { 'Idempotency-Key': newId('request', systemClock), 'X-Request-Id': 'placed-by-ada' },
    body: { lines: [{ productId, quantity: 1 }], paymentMethod },
  });
  await states.idle();
  return body.id;
}

type Options = { body?: object; headers?: Record<string, string>; token?: string; id?: string };
const manualReview = (operation: OperationId, { id = orderId, token = operator, ...options }: Options = {}) =>
  handlers.call(operation, { token, parameters: { orderId: id }, ...options });
const find = (query: Record<string, string> = {}) => handlers.call('find-orders', { token: operator, query });
const statusOf = async (id = orderId) => (await manualReview('explain-order', { id })).body.order.status;

describe('GET /manual-review/orders', () => {
  test('returns orders in manual review, oldest first, with the step, the error, money and stock', async () => {
    const other = await place('pm_timeoutAlways');
    const { status, body } = await find({ limit: '100' });
    expect(status).toBe(200);
    expect(z.parse(findOrders.responses[200], body)).toEqual(body);
    const ids = body.data.map(({ id }: { id: string }) => id);
    expect([ids[0], ids.at(-1)]).toEqual([orderId, other]);
    expect(body.data.at(-1)).toMatchObject({
      status: 'needs_attention',
      compensationAttempts: 0,
      manualReview: {
        steps: ['RefundPayment'],
        error: 'OutcomeUnknown',
        moneyAtStake: { amount: 1999, currency: 'EUR', certain: false },
        stockAtStake: [],
        execution: other,
      },
    });
  });

  test('comes in pages whose cursors belong to their filter', async () => {
    await place('pm_timeoutAlways');
    const whole = (await find({ limit: '100' })).body.data.map(({ id }: { id: string }) => id);
    const paged: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { body } = await find({ limit: '1', ...(cursor === undefined ? {} : { cursor }) });
      paged.push(...body.data.map(({ id }: { id: string }) => id));
      if (!body.hasMore) break;
      cursor = body.nextCursor;
      expect(await find({ status: 'confirmed', cursor: cursor! })).toMatchObject({
        status: 400,
        body: { code: 'invalid-cursor' },
      });
    }
    expect(paged).toEqual(whole);
  });

  test('takes any status, and an age', async () => {
    await renew();
    const confirmed = await place('pm_card_visa');
    const { body } = await find({ status: 'confirmed', limit: '100' });
    expect(body.data.at(-1)).toMatchObject({ id: confirmed, manualReview: null });
    expect((await find({ olderThan: '1h' })).body.data).toEqual([]);
    await handlers.owner`update orders.orders set updated_at = now() - interval '2 hours' where id = ${orderId}`;
    expect((await find({ olderThan: '1h' })).body.data).toMatchObject([{ id: orderId }]);
    expect((await find({ olderThan: '3d' })).body.data).toEqual([]);
  });

  test.each(['1', 'h', '0m', '1w', '-5m', '1h30m', '1000000s'])('refuses the age %s', async (olderThan) => {
    expect(await find({ olderThan })).toMatchObject({ status: 400, body: { errors: [{ pointer: '?olderThan' }] } });
  });
});

describe('GET /manual-review/orders/{orderId}', () => {
  test('explains the order from Step Functions and the database, without the customer’s address or card', async () => {
    const { status, body, text } = await manualReview('explain-order');
    expect(status).toBe(200);
    expect(z.parse(explainOrder.responses[200], body)).toEqual(body);
    expect(body.executions).toMatchObject([{ name: orderId, status: 'FAILED', complete: true }]);
    expect(body.executions[0].attempts.at(-1)).toMatchObject({ state: 'RequestManualReview', result: 'succeeded' });
    expect(body.requests[0]).toMatchObject({ requestId: 'placed-by-ada', what: 'order-placed' });
    expect(body.notes).toEqual([]);
    expect(text).not.toMatch(/ada@example\.com|pm_timeoutAlways/);
  });

  test('records who read it, by which request', async () => {
    await renew();
    const first = await manualReview('explain-order', { headers: { 'X-Request-Id': 'first-look' } });
    expect(first.body.actions).toHaveLength(1);
    const { body } = await manualReview('explain-order');
    expect(body.actions.map(({ action }: { action: string }) => action)).toEqual(['read', 'read']);
    expect(body.actions[0]).toMatchObject({ requestId: 'first-look', keyId: expect.stringMatching(/^key_/) });
  });

  test('returns the rest when Step Functions does not answer', async () => {
    const { run } = await import('../../functions/http/explain-order.ts');
    const { sqlAs } = await import('../../lib/platform/sql.ts');
    const warned: unknown[] = [];
    const request = {
      caller: { kind: 'app', keyId: newId('appKey', systemClock) },
      path: { orderId },
      requestId: 'req_1',
      log: { warn: (_: string, what: unknown) => warned.push(what) },
    };
    const { body } = await run(request as never, {
      sql: () => sqlAs('manual_review'),
      clock: systemClock,
      readExecution: () => Promise.reject(new Error('Step Functions is away')),
    });
    expect(body).toMatchObject({ order: { id: orderId }, executions: null });
    expect((body as { notes: string[] }).notes[0]).toContain('Step Functions did not answer');
    expect(warned).toEqual([{ orderId, reason: 'Error: Step Functions is away' }]);
  });
});

describe('POST /manual-review/orders/{orderId}/retry', () => {
  test('returns 202, runs the compensation again, and repeated with its key returns the same answer', async () => {
    await renew();
    const headers = { 'Idempotency-Key': `retry-${orderId}` };
    const first = await manualReview('retry-compensation', { headers });
    expect(first).toMatchObject({ status: 202, headers: { location: `/manual-review/orders/${orderId}` } });
    expect(z.parse(retryCompensation.responses[202], first.body)).toEqual(first.body);
    expect(first.body).toMatchObject({
      status: 'reserved',
      compensationAttempts: 1,
      manualReview: { settledHow: 'retried' },
    });
    await states.idle();
    const again = await manualReview('retry-compensation', { headers });
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([202, first.text, 'true']);
    const { body } = await manualReview('explain-order');
    expect(body.order).toMatchObject({
      status: 'needs_attention',
      compensationAttempts: 1,
      manualReview: { attempt: 1 },
    });
    expect(body.executions.map(({ name }: { name: string }) => name)).toEqual([orderId, `${orderId}-retry-1`]);
  });

  test('is refused for an order that is not in manual review', async () => {
    const confirmed = await place('pm_card_visa');
    expect(await manualReview('retry-compensation', { id: confirmed })).toMatchObject({
      status: 409,
      body: { code: 'order-not-in-review' },
    });
  });
});

describe('POST /manual-review/orders/{orderId}/resolve', () => {
  const body = { outcome: 'failed', note: 'No charge there. Ticket 4711.' };

  test('ends the order, and repeated with its key returns the same answer', async () => {
    await renew();
    const headers = { 'Idempotency-Key': `resolve-${orderId}` };
    const first = await manualReview('resolve-order', { body: { ...body, refundReference: 're_1' }, headers });
    expect(first.status).toBe(200);
    expect(z.parse(resolveOrder.responses[200], first.body)).toEqual(first.body);
    expect(first.body).toMatchObject({ status: 'failed', failure: { code: 'compensated' } });
    const again = await manualReview('resolve-order', { body: { ...body, refundReference: 're_1' }, headers });
    expect([again.text, again.headers['idempotency-replayed']]).toEqual([first.text, 'true']);
    expect(await manualReview('resolve-order', { body, headers })).toMatchObject({ status: 422 });
    expect(await manualReview('resolve-order', { body })).toMatchObject({
      status: 409,
      body: { code: 'order-not-in-review' },
    });
    const { actions } = (await manualReview('explain-order')).body;
    expect(actions[0]).toMatchObject({ action: 'resolve', ...body, refundReference: 're_1' });
  });

  test('says which outcome fits', async () => {
    await renew();
    const answer = await manualReview('resolve-order', { body: { ...body, outcome: 'cancelled' } });
    expect(answer).toMatchObject({ status: 409, body: { code: 'outcome-does-not-fit' } });
    expect(answer.body.detail).toContain('failed');
    expect(await statusOf()).toBe('needs_attention');
  });

  test.each([
    [{ outcome: 'confirmed', note: 'x' }, '/outcome'],
    [{ outcome: 'failed' }, '/note'],
    [{ outcome: 'failed', note: ' ' }, '/note'],
    [{ outcome: 'failed', note: 'x'.repeat(2001) }, '/note'],
    [{ outcome: 'failed', note: 'x', refundReference: '' }, '/refundReference'],
  ])('refuses %o', async (wrong, pointer) => {
    const answer = await manualReview('resolve-order', { body: wrong });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });
});

describe.each<[OperationId, object?]>([
  ['find-orders'],
  ['explain-order'],
  ['retry-compensation'],
  ['resolve-order', { outcome: 'failed', note: 'x' }],
])('%s', (operation, body) => {
  const options = body === undefined ? {} : { body };

  test('is only for app keys with the scope orders:review', async () => {
    expect(await manualReview(operation, { ...options, token: customer })).toMatchObject({ status: 401 });
    expect(await manualReview(operation, { ...options, token: shopkeeper })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect(await statusOf()).toBe('needs_attention');
  });
});

test.each<[OperationId, object?]>([
  ['explain-order'],
  ['retry-compensation'],
  ['resolve-order', { outcome: 'failed', note: 'x' }],
])('%s of an order that is unknown is a 404', async (operation, body) => {
  const options = body === undefined ? {} : { body };
  const id = `ord_${'0'.repeat(32)}`;
  expect(await manualReview(operation, { ...options, id })).toMatchObject({ status: 404, body: { code: 'not-found' } });
  expect(await manualReview(operation, { ...options, id: 'ord_x' })).toMatchObject({ status: 404 });
});
