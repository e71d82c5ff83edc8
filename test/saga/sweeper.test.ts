import { setImmediate as turn } from 'node:timers/promises';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { type ExecutionId, placingExecution } from '../../lib/saga/executions.ts';
import { type SweepDeps, sweepOrders } from '../../lib/saga/sweep.ts';
import { expectInvariants } from '../support/invariants.ts';
import { executionArnOf, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterEach(() => saga.faults.clear());
afterAll(async () => {
  await expectInvariants(saga);
  await saga.stop();
});

const quietSeconds = 60;
const arnOf = (orderId: string) => executionArnOf(placingExecution({ orderId }));

const sweep = (secondsLater = quietSeconds + 1, deps: Partial<SweepDeps> = {}) => {
  const errors: unknown[] = [];
  return sweepOrders({
    sql: saga.saga,
    clock: { now: () => Date.now() + secondsLater * 1000 },
    stopwatch,
    untilMs: Number.POSITIVE_INFINITY,
    quietSeconds,
    reservationSeconds: 900,
    resumeSaga: saga.resumeSaga,
    startPlacing: saga.startPlacing,
    startCompensating: saga.startCompensating,
    onError: (_, error) => errors.push(error),
    describeExecution: saga.describeExecution,
    ...deps,
  }).then((counts) => ({ ...counts, errors }));
};

test('an order whose saga never started is started after a while', async () => {
  const placed = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
  expect(await sweep(0)).toMatchObject({ started: 0 });
  expect(await sweep()).toMatchObject({ started: 1, errors: [] });
  await saga.states.idle();
  expect((await saga.order(placed.id)).status).toBe('confirmed');
  expect(await sweep()).toMatchObject({ started: 0, opened: 0 });
});

test('what the sweeper starts works for the request that the order is of', async () => {
  const cancelled = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
  await saga.cancel(cancelled.id, 3600, { start: false });
  const placed = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
  saga.deliveries.length = 0;
  for (const { id } of [cancelled, placed]) {
    await saga.owner`update orders.orders set correlation_id = ${`req_of_${id}`} where id = ${id}`;
  }
  expect(await sweep()).toMatchObject({ started: 2 });
  await saga.states.idle();
  const steps = saga.deliveries.map(({ step }) => step);
  expect(steps).toEqual(expect.arrayContaining(['ChargePayment', 'RefundPayment']));
  for (const { orderId, correlationId } of saga.deliveries) expect(correlationId).toBe(`req_of_${orderId}`);
});

test('an order cancelled before its saga started ends cancelled', async () => {
  const placed = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
  await saga.cancel(placed.id);
  expect(await sweep()).toMatchObject({ started: 1 });
  await saga.states.idle();
  expect((await saga.order(placed.id)).status).toBe('cancelled');
});

test('a cancellation whose saga never started is started under its own name', async () => {
  const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
  await saga.cancel(order.id, 3600, { start: false });
  expect(await sweep()).toMatchObject({ started: 1 });
  await saga.states.idle();
  expect(await saga.order(order.id)).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' } });
});

test('an order is left to its running saga, and put into manual review once the saga has ended without ending it', async () => {
  let reached!: () => void;
  const charging = new Promise<void>((resolve) => {
    reached = resolve;
  });
  saga.fault('ChargePayment', () => {
    reached();
    return new Promise(() => {});
  });
  const productId = await saga.product(1);
  const placed = await saga.place([{ productId, quantity: 1 }], { wait: false });
  await charging;
  expect(await sweep()).toMatchObject({ started: 0, opened: 0 });

  await saga.sfn.send(new StopExecutionCommand({ executionArn: arnOf(placed.id) }));
  expect(await sweep()).toMatchObject({ opened: 1 });
  expect(await saga.order(placed.id)).toMatchObject({ status: 'needs_attention', failure: { code: 'saga-ended' } });

  // Its reservation is nobody's now: it goes back once it has expired, and not before.
  expect(await sweep()).toMatchObject({ released: 0 });
  expect(await sweep(901)).toMatchObject({ released: 1 });
  expect(await sweep(901)).toMatchObject({ released: 0 });
  const [level] = await saga.owner`select on_hand, reserved from stock.levels where product_id = ${productId}`;
  expect(level).toEqual({ onHand: 1, reserved: 0 });
});

test('one order that cannot be swept does not stop the others', async () => {
  const [bad, good] = [
    await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false }),
    await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false }),
  ];
  const startPlacing: SweepDeps['startPlacing'] = (input) =>
    input.orderId === bad.id ? Promise.reject(new Error('away')) : saga.startPlacing(input);
  const failed: string[] = [];
  const counts = await sweep(quietSeconds + 1, { startPlacing, onError: (orderId) => failed.push(orderId) });
  expect(failed).toEqual([bad.id]);
  expect(counts).toMatchObject({ started: 1, failed: 1 });
  await saga.states.idle();
  expect((await saga.order(good.id)).status).toBe('confirmed');
  await sweep();
  await saga.states.idle();
});

test('stock that cannot be released is reported by its order, and released the next time', async () => {
  saga.fault('ChargePayment', () => Promise.reject(new Error('away')));
  saga.fault('ReleaseStock', () => Promise.reject(new Error('away')));
  const order = await saga.place([{ productId: await saga.product(1), quantity: 1 }]);
  expect(order.status).toBe('needs_attention');
  const failed: string[] = [];
  await saga.owner`revoke update on stock.reservations from saga`;
  const counts = await sweep(901, { onError: (orderId) => failed.push(orderId) });
  await saga.owner`grant update (state) on stock.reservations to saga`;
  expect(counts).toMatchObject({ released: 0, failed: 1 });
  expect(failed).toEqual([order.id]);
  expect(await sweep(901)).toMatchObject({ released: 1, failed: 0 });
});

describe('many unfinished orders', () => {
  /** Orders on which nothing has happened for an hour, in a status, the oldest first. */
  const leave = async (count: number, status: string) => {
    const [{ id }] = [await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false })];
    const copies = await saga.owner`
      with made as (
        insert into orders.orders
          (id, customer_id, status, currency, subtotal, discount_amount, total, payment_method, created_at, updated_at)
        select 'ord_' || replace(uuidv7()::text, '-', ''), customer_id, 'pending', currency, subtotal, 0, total,
          payment_method, created_at, now() - interval '1 hour' + n * interval '1 microsecond'
        from orders.orders, generate_series(1, ${count}) n where id = ${id}
        returning id
      ),
      lined as (
        insert into orders.lines (order_id, position, product_id, sku, name, quantity, unit_price, total)
        select made.id, position, product_id, sku, name, quantity, unit_price, total
        from made, orders.lines where order_id = ${id}
      )
      select id from made`;
    const ids = copies.map((row) => row.id as string);
    if (status !== 'pending')
      await saga.owner`update orders.orders set status = ${status} where id in ${saga.owner(ids)}`;
    left.push(id, ...ids);
    return ids;
  };
  let left: string[] = [];
  afterEach(async () => {
    const ids = saga.owner(left);
    await saga.owner`delete from orders.timeline where order_id in ${ids}`;
    await saga.owner`delete from orders.lines where order_id in ${ids}`;
    await saga.owner`delete from outbox.events where subject in ${ids}`;
    await saga.owner`delete from orders.orders where id in ${ids}`;
    left = [];
  });
  const running =
    (asked: string[]) =>
    async ({ name }: ExecutionId) => {
      asked.push(name);
      return 'RUNNING';
    };

  test('are each examined once, however many there are', async () => {
    const ids = [...(await leave(230, 'pending')), ...(await leave(30, 'reserved'))];
    const [asked, resumed]: [string[], string[]] = [[], []];
    const resumeSaga: SweepDeps['resumeSaga'] = async (orderId) => void resumed.push(orderId);
    expect(await sweep(undefined, { describeExecution: running(asked), resumeSaga })).toEqual({
      started: 0,
      opened: 0,
      released: 0,
      failed: 0,
      left: 0,
      errors: [],
    });
    expect(asked.filter((id) => ids.includes(id)).sort()).toEqual(ids.toSorted());
    expect(resumed, 'none of them was cancelled').toEqual([]);
  });

  test('start a missing saga before they describe any that exists', async () => {
    const begun = await leave(250, 'reserved');
    const [never] = await leave(1, 'pending');
    const asked: string[] = [];
    const describeExecution: SweepDeps['describeExecution'] = async ({ name }) => {
      asked.push(name);
      return name === never ? 'none' : 'RUNNING';
    };
    const started: string[] = [];
    const startPlacing: SweepDeps['startPlacing'] = async ({ orderId }) => void started.push(orderId);
    await sweep(undefined, { describeExecution, startPlacing });
    expect(started).toEqual([never]);
    expect(asked.indexOf(never!)).toBeLessThan(asked.findIndex((id) => begun.includes(id)));
  });

  test('do not wait for one that is slow to describe, and are described with limited concurrency', async () => {
    await leave(40, 'pending');
    let [now, most, done] = [0, 0, 0];
    let release!: () => void;
    const othersDone = new Promise<void>((resolve) => {
      release = resolve;
    });
    await sweep(undefined, {
      describeExecution: async () => {
        now += 1;
        most = Math.max(most, now);
        if (done === 0 && now === 1) await othersDone;
        else await turn();
        now -= 1;
        done += 1;
        if (done >= 39) release();
        return 'RUNNING';
      },
    });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  test('are left to the next run when the time is over, and the log says so', async () => {
    await leave(60, 'pending');
    const asked: string[] = [];
    let seconds = 0;
    const counts = await sweep(undefined, {
      untilMs: 20_000,
      stopwatch: { elapsed: () => seconds * 1000 },
      describeExecution: async (of) => {
        seconds += 1;
        return running(asked)(of);
      },
    });
    expect(asked).toHaveLength(20);
    expect(counts.left).toBe(61 - 20);
  });

  test('are not even read without any time', async () => {
    await leave(1, 'pending');
    expect(await sweep(undefined, { untilMs: 7000, stopwatch: { elapsed: () => 7000 } })).toMatchObject({ left: 0 });
  });

  test('a saga that is about to run again is left alone', async () => {
    await leave(1, 'pending');
    const counts = await sweep(undefined, { describeExecution: async () => 'PENDING_REDRIVE' });
    expect(counts).toMatchObject({ started: 0, opened: 0, errors: [] });
  });
});

test('an order whose customer has to act is left alone while its stock is reserved', async () => {
  const productId = await saga.product(2);
  const order = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_requiresAction' });
  await saga.sfn.send(new StopExecutionCommand({ executionArn: arnOf(order.id) }));
  expect(await sweep()).toMatchObject({ opened: 0 });
  expect(await sweep(900 + quietSeconds + 1)).toMatchObject({ opened: 1, errors: [] });
  expect((await saga.order(order.id)).status).toBe('needs_attention');
});

test('a waiting saga that missed the cancellation is resumed', async () => {
  const productId = await saga.product(2);
  const order = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_requiresAction' });
  await saga.cancel(order.id, 3600, { start: false });
  expect((await saga.order(order.id)).status).toBe('cancelling');
  expect(await sweep()).toMatchObject({ opened: 0, errors: [] });
  await saga.states.idle();
  expect((await saga.order(order.id)).status).toBe('cancelled');
});
