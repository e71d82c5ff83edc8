import { DescribeExecutionCommand, ExecutionDoesNotExist, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { executionName } from '../../lib/orders/execution-name.ts';
import { sweepOrders } from '../../lib/orders/sweep.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Saga, startSaga } from '../support/saga.ts';

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
const arnOf = (name: string) => `${saga.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

const sweep = (secondsLater = quietSeconds + 1) => {
  const errors: unknown[] = [];
  return sweepOrders({
    sql: saga.saga,
    clock: { now: () => Date.now() + secondsLater * 1000 },
    quietSeconds,
    startSaga: saga.startOrder,
    onError: (_, error) => errors.push(error),
    describeSaga: async (of) => {
      try {
        const command = new DescribeExecutionCommand({ executionArn: arnOf(executionName(of)) });
        return (await saga.sfn.send(command)).status ?? 'RUNNING';
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return 'none';
        throw error;
      }
    },
  }).then((counts) => ({ ...counts, errors }));
};

test('an order whose saga never started is started, but not before it was left alone for a while', async () => {
  const placed = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
  expect(await sweep(0)).toMatchObject({ started: 0 });
  expect(await sweep()).toMatchObject({ started: 1, errors: [] });
  await saga.states.idle();
  expect((await saga.order(placed.id)).status).toBe('confirmed');
  expect(await sweep()).toMatchObject({ started: 0, flagged: 0 });
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

test('an order whose saga is still running is left to it, and flagged once the saga has ended without it', async () => {
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
  expect(await sweep()).toMatchObject({ started: 0, flagged: 0 });

  await saga.sfn.send(new StopExecutionCommand({ executionArn: arnOf(placed.id) }));
  expect(await sweep()).toMatchObject({ flagged: 1 });
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
  const startOrder = saga.startOrder;
  const counts = await sweepOrders({
    sql: saga.saga,
    clock: { now: () => Date.now() + (quietSeconds + 1) * 1000 },
    quietSeconds,
    describeSaga: () => Promise.resolve('none'),
    startSaga: (input) => (input.orderId === bad.id ? Promise.reject(new Error('away')) : startOrder(input)),
    onError: (orderId) => expect(orderId).toBe(bad.id),
  });
  expect(counts).toMatchObject({ started: 1, failed: 1 });
  await saga.states.idle();
  expect((await saga.order(good.id)).status).toBe('confirmed');
  await sweep();
  await saga.states.idle();
});
