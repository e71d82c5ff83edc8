import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { retryCompensations } from '../../lib/saga/retry-compensation.ts';
import type { SweepDeps } from '../../lib/saga/sweep.ts';
import { expectInvariants } from '../support/invariants.ts';
import { setUpManualReview } from '../support/manual-review.ts';
import { type Saga, startSaga } from '../support/saga.ts';
import { runSweep } from '../support/sweep-job.ts';

let saga: Saga;
let operator: ReturnType<typeof setUpManualReview>;
beforeAll(async () => {
  saga = await startSaga();
  operator = setUpManualReview(saga);
});
afterEach(async () => {
  saga.faults.clear();
  // What a test leaves in manual review is nothing to the next one's sweeper.
  for (const { id } of await saga.owner`select id from orders.orders where status = 'needs_attention'`)
    await operator.retry(id);
  await saga.states.idle();
  saga.deliveries.length = 0;
  saga.counted.length = 0;
});
afterAll(async () => {
  await expectInvariants(saga);
  await saga.stop();
});

const minute = 60_000;
const away = () => Promise.reject(new Error('the provider is away'));
const visited = () => saga.deliveries.map(({ step }) => step);
const countOf = (metric: string) =>
  saga.counted.filter(({ name }) => name === metric).reduce((sum, { value }) => sum + value, 0);

/** What the schedule starts, `later` milliseconds from now, to the end of all that it starts itself. */
async function sweep(later: number, deps: Parameters<typeof runSweep>[2] = {}) {
  const failed: string[] = [];
  const counts = await runSweep(saga, later, { onError: (orderId) => failed.push(orderId), ...deps });
  await saga.states.idle();
  return { ...counts, failedIds: failed };
}

/** An order whose compensation did not get through, in manual review at the very moment given in milliseconds from now. */
async function opened(step: 'RefundPayment' | 'ReleaseStock' = 'RefundPayment', at = 0) {
  const productId = await saga.product(1);
  saga.fault('ConfirmOrder', away);
  saga.fault(step, away);
  const { id, status } = await saga.place([{ productId, quantity: 1 }]);
  expect(status).toBe('needs_attention');
  await openedAt(id, saga.clock.now() + at);
  return { orderId: id, productId };
}
const openedAt = (orderId: string, time: number) =>
  saga.owner`update orders.manual_reviews set opened_at = ${new Date(time)} where order_id = ${orderId} and settled_at is null`;

test('a failed compensation runs again a quarter of an hour later, and ends the order without an operator', async () => {
  const { orderId, productId } = await opened();
  await saga.owner`update orders.orders set correlation_id = 'req_of_order' where id = ${orderId}`;
  saga.faults.clear();
  saga.deliveries.length = 0;
  expect(await sweep(14.5 * minute)).toMatchObject({ compensatedAgain: 0 });
  expect(await saga.order(orderId)).toMatchObject({ status: 'needs_attention' });
  expect(await sweep(15.5 * minute)).toMatchObject({ compensatedAgain: 1, failedIds: [] });
  expect(visited()).toEqual(['RefundPayment', 'ReleaseStock', 'CloseOrder']);
  for (const { correlationId } of saga.deliveries) expect(correlationId).toBe('req_of_order');
  const detail = 'The order could not be completed; no money is kept.';
  expect((await saga.order(orderId)).failure).toEqual({ code: 'compensated', detail });
  expect(await saga.order(orderId)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
  const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
  expect(level).toEqual({ onHand: 1, reserved: 0 });
  expect(countOf('CompensationsRetried')).toBe(1);
  const { actions, manualReview, timeline } = await operator.explain(orderId);
  expect(
    actions.filter(({ action }) => action === 'retry'),
    'no person did it',
  ).toEqual([]);
  expect(manualReview).toMatchObject([{ attempt: 0, settledHow: 'retried' }]);
  expect(timeline.map(({ detail }) => detail)).toContainEqual({
    from: 'needs_attention',
    to: 'reserved',
    reason: 'retry',
  });
});

test('a failed cancellation ends cancelled', async () => {
  const { id } = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
  saga.fault('RefundPayment', away);
  await saga.cancel(id);
  await saga.states.idle();
  expect((await saga.order(id)).status).toBe('needs_attention');
  saga.faults.clear();
  expect(await sweep(16 * minute)).toMatchObject({ compensatedAgain: 1 });
  expect(await saga.order(id)).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' } });
});

test('one that keeps failing waits twice as long each time, and stops after the fourth', async () => {
  const { orderId } = await opened();
  for (const [attempt, minutes] of [15, 30, 60, 120].entries()) {
    await openedAt(orderId, saga.clock.now());
    expect(await sweep((minutes - 0.5) * minute)).toMatchObject({ compensatedAgain: 0 });
    expect(await sweep((minutes + 0.5) * minute)).toMatchObject({ compensatedAgain: 1 });
    expect(await operator.order(orderId)).toMatchObject({
      status: 'needs_attention',
      compensationAttempts: attempt + 1,
      manualReview: {
        attempt: attempt + 1,
        steps: ['RefundPayment'],
        execution: `${orderId}-retry-${attempt + 1}`,
      },
    });
  }
  await openedAt(orderId, saga.clock.now());
  expect(await sweep(100 * 24 * 60 * minute)).toMatchObject({ compensatedAgain: 0 });
});

test('two sweepers at once run it once', async () => {
  const { orderId } = await opened();
  saga.faults.clear();
  const both = await Promise.all([sweep(16 * minute), sweep(16 * minute)]);
  expect(both[0].compensatedAgain + both[1].compensatedAgain).toBe(1);
  expect(both.flatMap(({ failedIds }) => failedIds)).toEqual([]);
  expect(await operator.order(orderId)).toMatchObject({ status: 'failed', compensationAttempts: 1 });
});

describe('left to an operator is', () => {
  test('an order whose saga ended without a compensation for an unknown reason', async () => {
    const { orderId } = await opened();
    saga.faults.clear();
    await saga.owner`update orders.manual_reviews set steps = '[]' where order_id = ${orderId}`;
    expect(await sweep(16 * minute)).toMatchObject({ compensatedAgain: 0 });
    expect((await saga.order(orderId)).status).toBe('needs_attention');
  });

  test('an order whose compensation an operator has just retried', async () => {
    const { orderId } = await opened();
    await operator.retry(orderId);
    await saga.states.idle();
    expect(await operator.order(orderId)).toMatchObject({ status: 'needs_attention', compensationAttempts: 1 });
    expect(await sweep(16 * minute), 'the pause is longer the second time').toMatchObject({ compensatedAgain: 0 });
  });

  test('an order that an operator settled', async () => {
    const { orderId } = await opened();
    saga.faults.clear();
    await operator.retry(orderId);
    await saga.states.idle();
    expect(await sweep(1000 * minute)).toMatchObject({ compensatedAgain: 0, failedIds: [] });
    expect(await operator.order(orderId)).toMatchObject({ status: 'failed', compensationAttempts: 1 });
  });
});

test.each([
  ['has it run again', 'RefundPayment', () => operator.retry, 'failed'],
  ['has it run again, in vain', 'RefundPayment', () => operator.retry, 'needs_attention'],
  ['resolves it', 'ReleaseStock', () => operator.resolve, 'failed'],
] as const)('a person who %s between the list and its turn comes first', async (_, step, doing, status) => {
  const { orderId } = await opened(step);
  if (status === 'failed') saga.faults.clear();
  const begin = async (...args: Parameters<typeof saga.saga.begin>) => {
    await doing()(orderId);
    await saga.states.idle();
    return saga.saga.begin(...args);
  };
  const sql = new Proxy(saga.saga, {
    get: (target, name) => (name === 'begin' ? begin : Reflect.get(target, name)),
  });
  const begun = await retryCompensations({
    sql,
    clock: { now: () => saga.clock.now() + 16 * minute },
    stopwatch,
    untilMs: Number.POSITIVE_INFINITY,
    startCompensating: () => Promise.reject(new Error('nothing is to be started')),
    onError: (_, error) => {
      throw error;
    },
  });
  expect(begun).toBe(0);
  expect((await operator.order(orderId)).status).toBe(status);
});

test('what was done before is counted although the list cannot be read', async () => {
  const { id } = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
  await saga.owner`revoke select on orders.manual_reviews from saga`;
  await saga.owner`revoke select (order_id, attempt, opened_at, from_status, steps, settled_at) on orders.manual_reviews from saga`;
  const swept = sweep(2 * minute);
  await expect(swept).rejects.toThrow(/permission denied/);
  await saga.owner`grant select (order_id, attempt, opened_at, from_status, steps, settled_at) on orders.manual_reviews to saga`;
  expect(countOf('SagasStartedLate')).toBe(1);
  await saga.states.idle();
  expect((await saga.order(id)).status).toBe('confirmed');
});

test('a saga that cannot be started now is started by the next sweep, and the others are started now', async () => {
  const { orderId: bad } = await opened('RefundPayment', -minute);
  const { orderId: good } = await opened();
  saga.faults.clear();
  const startCompensating: SweepDeps['startCompensating'] = (input) =>
    input.orderId === bad ? Promise.reject(new Error('away')) : saga.startCompensating(input);
  expect(await sweep(16 * minute, { startCompensating })).toMatchObject({ compensatedAgain: 1, failedIds: [bad] });
  expect((await saga.order(good)).status).toBe('failed');
  expect(await operator.order(bad)).toMatchObject({ status: 'reserved', compensationAttempts: 1 });
  expect(await sweep(18 * minute)).toMatchObject({ started: 1, compensatedAgain: 0 });
  expect(await saga.order(bad)).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
});

test('nothing is started when the job has run out of time', async () => {
  const { orderId } = await opened();
  saga.faults.clear();
  const over = { stopwatch: { elapsed: () => 1000 }, budgetSeconds: 0 };
  expect(await sweep(16 * minute, over)).toMatchObject({ compensatedAgain: 0, failedIds: [] });
  expect(await operator.order(orderId)).toMatchObject({ status: 'needs_attention', compensationAttempts: 0 });
});
