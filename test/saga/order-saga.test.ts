import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { placingExecution } from '../../lib/saga/executions.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterEach(() => {
  saga.faults.clear();
  saga.deliveries.length = 0;
  saga.counted.length = 0;
});
afterAll(async () => {
  await expectInvariants(saga);
  await saga.stop();
});

const executionOf = (orderId: string) => saga.describeExecution(placingExecution({ orderId }));
const visited = () => saga.deliveries.map(({ step }) => step);

describe('the successful path', () => {
  test('an order is reserved, charged and confirmed, and its timeline shows it', async () => {
    const productId = await saga.product(5);
    const order = await saga.place([{ productId, quantity: 2 }]);
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'captured' }, failure: null });
    expect(visited()).toEqual(['ReserveStock', 'ChargePayment', 'ConfirmOrder']);
    const timeline = await saga.owner`
      select type, detail from orders.timeline where order_id = ${order.id} order by version, entry`;
    expect(timeline.map(({ type }) => type)).toEqual([
      'order-placed',
      'stock-reserved',
      'status-changed',
      'payment-captured',
      'stock-committed',
      'status-changed',
    ]);
    const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
    expect(level).toEqual({ onHand: 3, reserved: 0 });
    const events = await saga.owner`select type from outbox.events where subject = ${order.id} order by id`;
    expect(events.map(({ type }) => type)).toEqual(['order.placed', 'order.reserved', 'order.confirmed']);
    expect(saga.counted.map(({ name }) => name)).toEqual(['OrdersConfirmed', 'SagaDuration']);
  });

  test('an order that costs nothing is confirmed without a charge at the provider', async () => {
    const productId = await saga.product(1, 0);
    const order = await saga.place([{ productId, quantity: 1 }]);
    expect(order).toMatchObject({ status: 'confirmed', total: { amount: 0 } });
  });
});

describe('refusals', () => {
  /** Somebody else buys the last unit between the placing of an order and its saga. */
  const sellTheLast = (productId: string) => saga.owner`
    insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
    values (${newId('movement', saga.clock)}, ${productId}, 'adjustment', -1, 0, 'sold in the shop', now())`;

  test('out of stock fails the order, names the SKU and charges nobody', async () => {
    const [short, plenty] = [await saga.product(2), await saga.product(10)];
    saga.fault('ReserveStock', async (next) => {
      await sellTheLast(short);
      return next();
    });
    const order = await saga.place([
      { productId: plenty, quantity: 1 },
      { productId: short, quantity: 2 },
    ]);
    expect(order).toMatchObject({ status: 'failed', payment: null, failure: { code: 'out-of-stock' } });
    expect(order.failure?.detail).toContain(`SKU-${short.slice(-12)}`);
    expect(order.failure?.detail).not.toContain(`SKU-${plenty.slice(-12)}`);
    expect(visited()).toEqual(['ReserveStock']);
    expect(await executionOf(order.id)).toBe('SUCCEEDED');
    expect(saga.counted).toContainEqual({ name: 'OrdersFailed', label: 'out-of-stock', value: 1 });
  });

  test('out of stock is final and counted once, even if the answer that says so is lost', async () => {
    const productId = await saga.product(1);
    saga.fault('ReserveStock', async (next, delivery) => {
      if (delivery === 1) await sellTheLast(productId);
      const answer = next();
      if (delivery > 1) return answer;
      await answer.catch(() => {});
      throw new Error('the answer was lost');
    });
    const order = await saga.place([{ productId, quantity: 1 }]);
    expect(order).toMatchObject({ status: 'failed', failure: { code: 'out-of-stock' } });
    expect(visited()).toEqual(['ReserveStock', 'ReserveStock']);
    expect(saga.counted.filter(({ name }) => name === 'OrdersFailed')).toHaveLength(1);
  });

  test('what there is not enough of already fails the order as it is placed, without a saga', async () => {
    const [never, short, plenty] = [await saga.product(0), await saga.product(1), await saga.product(10)];
    const quantities = { [plenty]: 1, [short]: 2, [never]: 1 };
    const lines = Object.entries(quantities).map(([productId, quantity]) => ({ productId, quantity }));
    const order = await saga.place(lines, { wait: false });
    // What the request answers with is what anybody reads later.
    expect(await saga.order(order.id)).toEqual(order);
    const skus = [never, short].map((id) => `SKU-${id.slice(-12)}`).toSorted();
    const failure = { code: 'out-of-stock', detail: `Out of stock: ${skus.join(', ')}.` };
    expect(order).toMatchObject({ status: 'failed', payment: null, failure, version: 2 });
    expect(visited()).toEqual([]);
    expect(await executionOf(order.id)).toBe('none');
    const timeline = await saga.owner`
      select version, type, detail from orders.timeline where order_id = ${order.id} order by version`;
    expect(timeline).toMatchObject([
      { version: 1, type: 'order-placed', detail: { status: 'pending' } },
      { version: 2, type: 'status-changed', detail: { from: 'pending', to: 'failed', reason: 'out-of-stock' } },
    ]);
    const events = await saga.owner`
      select type, sequence from outbox.events where aggregate_id = ${order.id} order by sequence`;
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['order.placed', 1],
      ['order.failed', 2],
    ]);
  });

  test.each([
    ['pm_card_chargeDeclined', 'card_declined'],
    ['pm_card_insufficientFunds', 'insufficient_funds'],
    ['pm_nobody_knows', 'payment_method_invalid'],
  ])('%s fails the order and gives the stock back', async (paymentMethod, code) => {
    const productId = await saga.product(3);
    const order = await saga.place([{ productId, quantity: 3 }], { paymentMethod });
    expect(order).toMatchObject({ status: 'failed', payment: null, failure: { code: 'payment-declined' } });
    expect(order.failure?.detail).toContain(code);
    const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
    expect(level).toEqual({ onHand: 3, reserved: 0 });
    expect(visited()).toEqual(['ReserveStock', 'ChargePayment', 'ReleaseStock', 'CloseOrder']);
  });
});

describe('lost answers', () => {
  test('a charge whose answer was lost is retried and made once', async () => {
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }], {
      paymentMethod: 'pm_timeoutOnce',
    });
    expect(order.status).toBe('confirmed');
    expect(visited()).toEqual(['ReserveStock', 'ChargePayment', 'ChargePayment', 'ConfirmOrder']);
  });

  test('a provider that never answers puts the order into manual review with its stock released', async () => {
    const productId = await saga.product(1);
    const order = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_timeoutAlways' });
    expect(order).toMatchObject({ status: 'needs_attention', failure: { code: 'payment-unknown' } });
    const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
    expect(level).toEqual({ onHand: 1, reserved: 0 });
    expect(visited().slice(-2)).toEqual(['ReleaseStock', 'RequestManualReview']);
    expect(saga.counted.map(({ name }) => name)).toContain('ManualReviewsOpened');
  });

  test('a confirmation that took effect without an answer is detected, not compensated', async () => {
    saga.fault('ConfirmOrder', async (next) => {
      await next();
      throw new Error('the answer was lost');
    });
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
    expect(visited().at(-1)).toBe('AbandonOrder');
  });

  test('an order that turns out confirmed before manual review succeeds and raises no alarm', async () => {
    saga.fault('ConfirmOrder', async (next) => {
      await next();
      throw new Error('the answer was lost');
    });
    saga.fault('AbandonOrder', () => Promise.reject(new Error('the database is away')));
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
    expect(visited().filter((step) => step === 'RequestManualReview')).toHaveLength(1);
    expect(await executionOf(order.id)).toBe('SUCCEEDED');
    expect(saga.counted.map(({ name }) => name)).not.toContain('ManualReviewsOpened');
  });

  test('an order that was closed without an answer raises no alarm either', async () => {
    saga.fault('CloseOrder', async (next) => {
      await next();
      throw new Error('the answer was lost');
    });
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }], {
      paymentMethod: 'pm_card_chargeDeclined',
    });
    expect(order.status).toBe('failed');
    expect(await executionOf(order.id)).toBe('SUCCEEDED');
  });

  test('an order that is put into manual review fails its execution, which raises the alarm', async () => {
    saga.fault('ReleaseStock', () => Promise.reject(new Error('the database is away')));
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }], {
      paymentMethod: 'pm_card_chargeDeclined',
    });
    expect(order.status).toBe('needs_attention');
    expect(await executionOf(order.id)).toBe('FAILED');
  });

  test('a confirmed order that is cancelled before its own saga learns of it is compensated once, by its cancellation', async () => {
    saga.fault('ConfirmOrder', async (next) => {
      await next();
      throw new Error('the answer was lost');
    });
    saga.fault('AbandonOrder', async (next, delivery, orderId) => {
      if (delivery === 1) await saga.cancel(orderId);
      return next();
    });
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' }, failure: null });
    expect(visited().filter((step) => step === 'RefundPayment')).toHaveLength(1);
  });

  test('a confirmation that never takes effect is compensated in reverse and the payment refunded', async () => {
    saga.fault('ConfirmOrder', () => Promise.reject(new Error('the database is away')));
    const productId = await saga.product(1);
    const order = await saga.place([{ productId, quantity: 1 }]);
    expect(order).toMatchObject({
      status: 'failed',
      payment: { status: 'refunded' },
      failure: { code: 'compensated' },
    });
    expect(visited().slice(-4)).toEqual(['AbandonOrder', 'RefundPayment', 'ReleaseStock', 'CloseOrder']);
    expect(order.failure?.detail).not.toContain('database');
  });

  test('a confirmation that arrives after the order was abandoned changes nothing', async () => {
    let late: (() => Promise<unknown>) | undefined;
    saga.fault('ConfirmOrder', (next) => {
      late = next;
      return Promise.reject(new Error('timed out'));
    });
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order.status).toBe('failed');
    await expect(late?.()).rejects.toMatchObject({ name: 'OrderNotActive' });
    expect(await saga.order(order.id)).toEqual(order);
  });

  test('a reservation that arrives after the order was abandoned changes nothing', async () => {
    let late: (() => Promise<unknown>) | undefined;
    saga.fault('ReserveStock', (next) => {
      late = next;
      return Promise.reject(new Error('timed out'));
    });
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    expect(order.status).toBe('failed');
    await expect(late?.()).rejects.toMatchObject({ name: 'OrderNotActive' });
    await expectInvariants(saga);
  });

  test('a compensation that fails permanently puts the order into manual review', async () => {
    saga.fault('ReleaseStock', () => Promise.reject(new Error('the database is away')));
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }], {
      paymentMethod: 'pm_card_chargeDeclined',
    });
    expect(order.status).toBe('needs_attention');
    expect(visited().at(-1)).toBe('RequestManualReview');
  });
});

describe('every step delivered twice', () => {
  const everyStep = [
    ['ReserveStock', 'pm_card_visa', 'confirmed'],
    ['ChargePayment', 'pm_card_visa', 'confirmed'],
    ['ConfirmOrder', 'pm_card_visa', 'confirmed'],
    ['ReleaseStock', 'pm_card_chargeDeclined', 'failed'],
    ['CloseOrder', 'pm_card_chargeDeclined', 'failed'],
    ['RequestManualReview', 'pm_timeoutAlways', 'needs_attention'],
  ] as const;

  test.each(everyStep)('%s, one after the other: %s ends %s', async (step, paymentMethod, status) => {
    saga.fault(step, async (next) => {
      await next();
      return next();
    });
    const order = await saga.place([{ productId: await saga.product(4), quantity: 2 }], { paymentMethod });
    expect(order.status).toBe(status);
  });

  test.each(everyStep)('%s, both at once: %s ends %s', async (step, paymentMethod, status) => {
    saga.fault(step, async (next) => (await Promise.all([next(), next()]))[1]);
    const order = await saga.place([{ productId: await saga.product(4), quantity: 2 }], { paymentMethod });
    expect(order.status).toBe(status);
  });

  test.each(['RefundPayment', 'AbandonOrder'] as const)('%s, both at once, in a compensation', async (step) => {
    saga.fault('ConfirmOrder', () => Promise.reject(new Error('away')));
    saga.fault(step, async (next) => (await Promise.all([next(), next()]))[1]);
    const order = await saga.place([{ productId: await saga.product(4), quantity: 2 }]);
    expect(order).toMatchObject({ status: 'failed', payment: { status: 'refunded' } });
  });

  test('the saga started twice runs once', async () => {
    const placed = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
    const input = {
      orderId: placed.id,
      amount: placed.total.amount,
      currency: 'EUR',
      paymentMethod: 'pm_card_visa',
    };
    await Promise.all([saga.startPlacing(input), saga.startPlacing(input)]);
    await saga.states.idle();
    expect(visited()).toEqual(['ReserveStock', 'ChargePayment', 'ConfirmOrder']);
    expect((await saga.order(placed.id)).status).toBe('confirmed');
  });
});

describe('cancelling', () => {
  test('a confirmed order is refunded and its stock returned', async () => {
    const productId = await saga.product(2);
    const order = await saga.place([{ productId, quantity: 2 }]);
    const { answer } = await saga.cancel(order.id);
    expect(answer.status).toBe(202);
    await saga.states.idle();
    expect(await saga.order(order.id)).toMatchObject({
      status: 'cancelled',
      payment: { status: 'refunded' },
      failure: null,
    });
    const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
    expect(level).toEqual({ onHand: 2, reserved: 0 });
  });

  test.each(['ReserveStock', 'ChargePayment', 'ConfirmOrder'] as const)(
    'an order cancelled just before %s is compensated by the saga under way',
    async (step) => {
      saga.fault(step, async (next, delivery) => {
        if (delivery === 1) await saga.cancel(saga.deliveries.at(-1)!.orderId);
        return next();
      });
      const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
      expect(order.status).toBe('cancelled');
      expect(order.payment?.status ?? 'refunded').toBe('refunded');
    },
  );

  test('cancelling twice refunds once', async () => {
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    // The second may find the order being cancelled, or cancelled already.
    const [first, second] = await Promise.allSettled([saga.cancel(order.id), saga.cancel(order.id)]);
    for (const each of [first, second]) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'order-ended' });
    }
    await saga.states.idle();
    expect(visited().filter((step) => step === 'RefundPayment')).toHaveLength(1);
    expect(await saga.order(order.id)).toMatchObject({ status: 'cancelled' });
    await expect(saga.cancel(order.id)).rejects.toMatchObject({ code: 'order-ended' });
  });

  test('a confirmed order stays confirmed after the time to cancel', async () => {
    const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
    await expect(saga.cancel(order.id, -1)).rejects.toMatchObject({ code: 'order-too-late-to-cancel' });
    expect((await saga.order(order.id)).status).toBe('confirmed');
  });

  test('a failed order cannot be cancelled, an unknown one is not found', async () => {
    const order = await saga.place([{ productId: await saga.product(0), quantity: 1 }]);
    await expect(saga.cancel(order.id)).rejects.toMatchObject({ code: 'order-ended' });
    await expect(saga.cancel(`ord_${'0'.repeat(32)}`)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('many at once', () => {
  test('a hundred buyers of ten units in baskets of opposite order: exactly ten are served', async () => {
    const [a, b] = [await saga.product(10), await saga.product(10)];
    const placed = await Promise.all(
      Array.from({ length: 100 }, (_, i) => {
        const lines = [
          { productId: a, quantity: 1 },
          { productId: b, quantity: 1 },
        ];
        return saga.place(i % 2 === 0 ? lines : lines.reverse(), { wait: false });
      }),
    );
    await saga.states.idle();
    const orders = await Promise.all(placed.map(({ id }) => saga.order(id)));
    const count = (status: string) => orders.filter((order) => order.status === status).length;
    expect([count('confirmed'), count('failed')]).toEqual([10, 90]);
    expect(orders.every(({ failure }) => failure === null || failure.code === 'out-of-stock')).toBe(true);
  });
});
