import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject, test } from 'vitest';
import type { Explanation, ReviewOrder } from '../../lib/contract/api/manual-review.ts';
import { refused, succeed } from './client.ts';
import { basket, getOrder, levelOf, newBuyer, newProduct, order, unique } from './shop.ts';

const { short, appKey, limitedAppKey } = inject('target');

/** An order on manual review's list, which others of the run may stand on as well; undefined when it is not there. */
async function findInReview(orderId: string): Promise<ReviewOrder | undefined> {
  let cursor: string | null = null;
  for (;;) {
    const query: Record<string, string | number> = { limit: 100, ...(cursor === null ? {} : { cursor }) };
    const { body } = await succeed('find-orders', 200, { token: appKey, query });
    const found: ReviewOrder | undefined = body.data.find(({ id }: { id: string }) => id === orderId);
    if (found !== undefined || !body.hasMore) return found;
    cursor = body.nextCursor;
  }
}

const explain = async (orderId: string): Promise<Explanation> =>
  (await succeed('explain-order', 200, { token: appKey, path: { orderId } })).body;

/** Waits until an order waits in manual review once more. The test's own time-out ends the patience. */
async function untilOpenedAgain(orderId: string, attempt: number): Promise<ReviewOrder> {
  for (;;) {
    const found = await findInReview(orderId);
    if (found?.manualReview?.attempt === attempt) return found;
    await sleep(500);
  }
}

test.runIf(!short)(
  'an order that cannot be compensated is found, explained, retried and settled by hand',
  async ({ expect }) => {
    const [buyer, sold] = [await newBuyer(), await newProduct({ stock: 2 })];
    const { id: orderId } = await order(buyer, { ...basket(sold), paymentMethod: 'pm_timeoutAlways' });
    const asked = { token: appKey, path: { orderId } };

    expect(await findInReview(orderId)).toMatchObject({
      status: 'needs_attention',
      manualReview: {
        steps: ['RefundPayment'],
        error: 'OutcomeUnknown',
        moneyAtStake: { amount: 1000, certain: false },
      },
    });

    const first = await explain(orderId);
    expect(first.executions).toMatchObject([{ name: orderId, status: 'FAILED' }]);
    const refunds = first.executions![0]!.attempts.filter(({ state }) => state === 'RefundPayment');
    expect(refunds.length).toBeGreaterThan(1);
    expect(new Set(refunds.map(({ error }) => error))).toEqual(new Set(['OutcomeUnknown']));
    expect(first.stockMovements.map(({ kind }) => kind)).toEqual(['reservation', 'release']);
    expect(first.requests.map(({ what }) => what)).toContain('order-placed');

    const key = unique('retry');
    const { body: retried } = await succeed('retry-compensation', 202, { ...asked, key });
    expect(retried).toMatchObject({ compensationAttempts: 1, manualReview: { settledHow: 'retried' } });
    expect((await succeed('retry-compensation', 202, { ...asked, key })).body).toEqual(retried);
    await refused('resolve-order', 409, 'order-not-in-review', {
      ...asked,
      body: { outcome: 'failed', note: 'too early' },
    });

    expect(await untilOpenedAgain(orderId, 1)).toMatchObject({
      compensationAttempts: 1,
      manualReview: { settledAt: null },
    });
    const note = `looked at the provider: no charge (${randomUUID()})`;
    await refused('resolve-order', 409, 'outcome-does-not-fit', { ...asked, body: { outcome: 'cancelled', note } });
    const { body: resolved } = await succeed('resolve-order', 200, { ...asked, body: { outcome: 'failed', note } });
    expect(resolved).toMatchObject({ status: 'failed', manualReview: { settledHow: 'resolved' } });
    expect(await getOrder(buyer, orderId)).toMatchObject({
      status: 'failed',
      payment: null,
      failure: { code: 'compensated' },
    });
    expect(await levelOf(sold.id)).toMatchObject({ onHand: 2, reserved: 0, available: 2 });
    expect(await findInReview(orderId)).toBeUndefined();

    const last = await explain(orderId);
    expect(last.executions?.map(({ name }) => name)).toEqual([orderId, `${orderId}-retry-1`]);
    expect(last.actions.map(({ action }) => action)).toEqual(['read', 'retry', 'resolve', 'read']);
    expect(last.actions[2]).toMatchObject({ outcome: 'failed', note });
    await refused('retry-compensation', 409, 'order-not-in-review', asked);
  },
);

test('manual review is closed to a key without its scope', async () => {
  await refused('find-orders', 403, 'forbidden', { token: limitedAppKey });
});

test('manual review lists orders in any status, by age', async ({ expect }) => {
  const query = { status: 'confirmed', olderThan: '999d' };
  expect((await succeed('find-orders', 200, { token: appKey, query })).body.data).toEqual([]);
});
