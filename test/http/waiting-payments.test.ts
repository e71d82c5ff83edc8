import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { keepToken } from '../../lib/saga/awaited-payments.dynamo.ts';
import { SimulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { machineVariables } from '../support/definitions.ts';
import { startFakeTaskTokens } from '../support/fake-task-tokens.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { signatureOf, stripeEvent } from '../support/stripe-events.ts';

const secret = 'whsec_live';
let handlers: LiveHandlers;
let sfn: Awaited<ReturnType<typeof startFakeTaskTokens>>;
let token: string;
let productId: string;
let others: string;

beforeAll(async () => {
  sfn = await startFakeTaskTokens();
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    AWS_ENDPOINT_URL_SFN: sfn.endpoint,
    ...machineVariables,
    STRIPE_WEBHOOK_SECRET: `whsec_old ${secret}`,
  });
  const body = { sku: 'MUG', name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
  productId = (await handlers.call('create-product', { token: await handlers.appKey('catalog:write'), body })).body.id;
  [token, others] = await Promise.all([signedIn('ada@example.com'), signedIn('bob@example.com')]);
});
afterAll(async () => {
  await handlers?.close();
  await sfn.stop();
});
beforeEach(() => {
  sfn.succeeded.length = 0;
  sfn.refusals.clear();
});

async function signedIn(email: string): Promise<string> {
  const password = 'correct horse';
  await handlers.call('sign-up', { body: { email, password, name: 'Ada' } });
  return (await handlers.call('sign-in', { body: { email, password } })).body.token;
}

/** An order whose charge waits for its customer, and whose saga waits with these task tokens. */
async function waitingOrder(...tokens: string[]): Promise<string> {
  const placed = await handlers.call('place-order', {
    token,
    headers: { 'idempotency-key': newId('event', systemClock) },
    body: { lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_requiresAction' },
  });
  expect(placed.status).toBe(202);
  const orderId: string = placed.body.id;
  await gateway().charge({ orderId, amount: 1999, currency: 'EUR', paymentMethod: 'pm_requiresAction' });
  for (const one of tokens) await wait(orderId, one);
  return orderId;
}

const gateway = () =>
  new SimulatedGateway({ client: handlers.dynamo.documents, table: 'charges', clock: systemClock, timeoutMs: 1000 });
const wait = (orderId: string, one: string) =>
  keepToken(
    { client: handlers.dynamo.documents, table: 'awaitedPayments' },
    { orderId, token: one, expiresAt: Date.now() + 60_000 },
  );
const play = (orderId: string, outcome: string, as = token) =>
  handlers.call('settle-simulated-payment', { token: as, parameters: { orderId }, body: { outcome } });
const resumed = () => sfn.succeeded.map((one) => one.token).toSorted();

test('the customer completes: the charge is captured, and the saga continues', async () => {
  const orderId = await waitingOrder('t1');
  expect(await play(orderId, 'complete')).toMatchObject({ status: 200, body: { orderId, status: 'captured' } });
  expect(sfn.succeeded).toEqual([{ token: 't1', output: '{}' }]);
  expect(
    await gateway().charge({ orderId, amount: 1999, currency: 'EUR', paymentMethod: 'pm_requiresAction' }),
  ).toEqual({
    provider: 'simulated',
    reference: expect.any(String),
  });
});

test('the customer fails: the charge is declined, and the saga continues', async () => {
  const orderId = await waitingOrder('t1');
  expect(await play(orderId, 'fail')).toMatchObject({ status: 200, body: { orderId, status: 'declined' } });
  expect(resumed()).toEqual(['t1']);
});

test('repeating the action resumes the saga again; the opposite action is refused', async () => {
  const orderId = await waitingOrder('t1');
  await play(orderId, 'complete');
  expect((await play(orderId, 'complete')).status).toBe(200);
  expect(await play(orderId, 'fail')).toMatchObject({ status: 409, body: { code: 'payment-not-waiting' } });
  expect(resumed()).toEqual(['t1', 't1']);
});

test('a saga that begins to wait afterwards gets the signal', async () => {
  const orderId = await waitingOrder();
  expect((await play(orderId, 'complete')).status).toBe(200);
  expect(await wait(orderId, 't1')).toBe(1);
});

test('a task that does not wait any more is skipped, the others resume', async () => {
  sfn.refusals.set('gone', 'TaskTimedOut').set('never', 'InvalidToken').set('done', 'TaskDoesNotExist');
  const orderId = await waitingOrder('gone', 'here', 'never', 'done');
  expect((await play(orderId, 'complete')).status).toBe(200);
  expect(resumed()).toEqual(['here']);
});

test('only the order’s own customer can act, and only on an existing payment', async () => {
  const orderId = await waitingOrder('t1');
  const notFound = { status: 404, body: { code: 'not-found' } };
  expect(await play(orderId, 'complete', others)).toMatchObject(notFound);
  expect(await play(newId('order', systemClock), 'complete')).toMatchObject(notFound);
  expect(await play('nothing', 'complete')).toMatchObject(notFound);
  expect(await play(orderId, 'explode')).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
  expect((await play(orderId, 'complete', 'nobody')).status).toBe(401);
  expect(resumed()).toEqual([]);
});

test('the deployed Stripe webhook resumes the saga once for an event', async () => {
  const orderId = await waitingOrder('t1');
  const text = JSON.stringify(stripeEvent('payment_intent.succeeded', orderId));
  const headers = { 'content-type': 'application/json', 'stripe-signature': signatureOf(text, Date.now(), secret) };
  for (let time = 0; time < 2; time++) {
    expect(await handlers.call('receive-stripe-event', { body: text, headers })).toMatchObject({
      status: 200,
      body: { received: true },
    });
  }
  expect(resumed()).toEqual(['t1']);
});
