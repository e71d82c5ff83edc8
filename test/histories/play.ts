import { setImmediate } from 'node:timers/promises';
import { type StepName, steps } from '../../functions/steps.ts';
import { callerKey } from '../../lib/contract/api/caller.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { sweepOrders } from '../../lib/saga/sweep.ts';
import { updateProduct } from '../../lib/shop/catalog/change.sql.ts';
import { cancelOrder } from '../../lib/shop/orders/cancel.ts';
import { placeOrder } from '../../lib/shop/orders/place.ts';
import { adjustStock } from '../../lib/shop/stock/ledger.sql.ts';
import { anyApplication } from '../support/applications.ts';
import { pricing, type Saga, unpaidLimits } from '../support/saga.ts';
import { type CustomerAction, type History, mishaps, type Paced, type Place, type StaffAction } from './history.ts';
import type { ModelOrder, ModelProduct } from './model.ts';

export type Played = { orders: ModelOrder[]; products: ModelProduct[]; violations: string[] };

export type Player = ReturnType<typeof createPlayer>;

/** Plays histories on one saga, one after the other, and writes down what the model must know of each. */
export function createPlayer(saga: Saga, customerIds: readonly string[]) {
  const { api, cancellations, clock, owner } = saga;
  const keys = { table: 'orders.idempotency_keys' as const, clock, keepSeconds: 48 * 3600 };
  let orders: ModelOrder[] = [];
  let placing = 0;
  let asked: Promise<unknown>[] = [];
  for (const step of Object.keys(steps) as StepName[]) {
    saga.fault(step, async (next, delivery, orderId) => {
      // A sweep may start an order before whoever places it was told of it.
      while (placing > 0 && !orders.some(({ id }) => id === orderId)) await setImmediate();
      const order = orders.find(({ id }) => id === orderId);
      const mishap = order?.placed.script[step]?.[delivery - 1] ?? 'fine';
      return mishaps[mishap](next, async () => {
        if (order === undefined) return;
        // The delivery may be over before the cancellation is: it is one of those that the history waits for in the end.
        const cancelling = cancel(order).catch(unlessEnded);
        asked.push(cancelling);
        await cancelling;
      });
    });
  }
  return { play };

  async function play({ products: opening, customers, staff }: History): Promise<Played> {
    let time = 0;
    const tick = () => ++time;
    const violations: string[] = [];
    saga.deliveries.length = 0;
    saga.counted.length = 0;
    orders = [];
    asked = [];
    const products: ModelProduct[] = await Promise.all(
      opening.map(async ({ units, amount }) => {
        const id = await saga.product(units, amount);
        return { id, stocked: units, least: units, prices: [{ amount, from: 0, until: Number.POSITIVE_INFINITY }] };
      }),
    );
    const acted = await Promise.allSettled([
      ...customers.map((actions, i) => inTurn(actions, customer(customerIds[i]!))),
      inTurn(staff, actAsStaff),
    ]);
    await rest();
    for (const one of acted) if (one.status === 'rejected') violations.push(describe(one.reason));
    return { orders, products, violations };

    async function inTurn<A>(actions: Paced<A>[], act: (action: A) => Promise<void>): Promise<void> {
      for (const { quietly, action } of actions) {
        if (quietly) await saga.states.idle();
        await act(action);
      }
    }

    function customer(customerId: string) {
      const mine: { order: ModelOrder; claim: ReturnType<typeof claimOf>; body: string; lines: Lines }[] = [];
      let session = 1;

      return async (action: CustomerAction): Promise<void> => {
        if (action.do === 'place') return placeNew(action);
        if (action.do === 'end the session') {
          session += 1;
          return;
        }
        const one = mine[mine.length - 1 - (action.which % Math.max(1, mine.length))];
        if (one === undefined) return;
        switch (action.do) {
          case 'repeat': {
            const again = await send(claimOf(customerId, session, one.claim.key), one.lines, one.order.placed, false);
            if (again.placed !== undefined || again.answer.body !== one.body)
              violations.push(`key of ${one.order.id} gave ${one.body} and then ${again.answer.body}`);
            return;
          }
          case 'use its key for another': {
            const claim = { ...claimOf(customerId, session, one.claim.key), fingerprint: 'another' };
            const refusal = await send(claim, one.lines, one.order.placed, false).catch((error: unknown) => error);
            if (!(refusal instanceof Problem && refusal.code === 'idempotency-key-reused'))
              violations.push(`another request under the key of ${one.order.id} was not refused`);
            return;
          }
          case 'cancel': {
            const key = newId('request', clock);
            const first = await cancel(one.order, key, action.dies).catch(unlessEnded);
            const again = action.repeat ? await cancel(one.order, key).catch(unlessEnded) : first;
            if (first !== undefined && again?.answer.body !== first.answer.body)
              violations.push(`a repeated cancellation of ${one.order.id} gave another answer`);
            return;
          }
        }
      };

      async function placeNew(placed: Place): Promise<void> {
        const wanted = products.map(({ id: productId }, i) => ({ productId, quantity: placed.quantities[i]! }));
        const lines = wanted.filter(({ quantity }) => quantity > 0);
        if (lines.length === 0) return;
        if (placed.backwards) lines.reverse();
        const from = tick();
        const claim = claimOf(customerId, session, newId('request', clock));
        let order: ModelOrder | undefined;
        const take = (id: string) => {
          order = { id, customerId, placed, lines, from, until: Number.POSITIVE_INFINITY, cancelled: false };
          orders.push(order);
        };
        placing += 1;
        const once = () => send(claim, lines, placed, placed.dies, take).catch(unlessInFlight);
        const sent = await Promise.all(placed.twice ? [once(), once()] : [once()])
          // Neither is under way any more, so one that was told to wait is answered now.
          .then(async (all) => (all.some((one) => one === undefined) ? [...all, await once()] : all))
          .finally(() => {
            placing -= 1;
          });
        // What is short fails as it is placed, and starts nothing.
        const failed = sent.find((one) => one?.placed?.status === 'failed')?.placed;
        if (failed !== undefined) take(failed.id);
        const bodies = new Set(sent.flatMap((each) => (each === undefined ? [] : [each.answer.body ?? ''])));
        const [body] = bodies;
        if (bodies.size !== 1 || order === undefined)
          return void violations.push(`one key gave ${bodies.size} answers: ${[...bodies].join(' and ')}`);
        order.until = tick();
        mine.push({ order, claim, body: body!, lines });
      }
    }

    async function actAsStaff(action: StaffAction): Promise<void> {
      if (action.do === 'sweep') return sweep();
      const product = products[action.product % products.length]!;
      if (action.do === 'change price') {
        const before = product.prices.at(-1)!;
        product.prices.push({ amount: action.amount, from: tick(), until: Number.POSITIVE_INFINITY });
        const price = { amount: action.amount, currency: 'EUR' };
        await updateProduct(owner, product.id, { price } as never, {}, clock);
        before.until = tick();
      } else if (action.quantity !== 0) {
        const { quantity } = action;
        if (quantity < 0) product.least += quantity;
        const moved = inTransaction(owner, (tx) => adjustStock(tx, product.id, { quantity, reason: 'by hand' }, clock));
        await moved.then(
          () => {
            product.stocked += quantity;
          },
          (error) => {
            if (!(error instanceof Problem && error.code === 'stock-reserved' && quantity < 0)) throw error;
          },
        );
      }
    }
  }

  /** Until nothing runs and, as the sweeper sees to it, nothing is forgotten. */
  async function rest(): Promise<void> {
    await saga.states.idle();
    await Promise.all(asked);
    await saga.states.idle();
    for (let round = 0; round < 5 && (await openOrders()) > 0; round++) {
      await sweep();
      await saga.states.idle();
    }
  }

  async function openOrders(): Promise<number> {
    if (orders.length === 0) return 0;
    const [row] = await owner`
      select count(*)::integer as open from orders.orders
      where id in ${owner(orders.map(({ id }) => id))}
        and status not in ('confirmed', 'failed', 'cancelled', 'needs_attention')`;
    return row!.open;
  }

  async function sweep(): Promise<void> {
    await sweepOrders({
      sql: saga.saga,
      clock,
      stopwatch,
      untilMs: Number.POSITIVE_INFINITY,
      quietSeconds: 0,
      reservationSeconds: 900,
      resumeSaga: saga.resumeSaga,
      startPlacing: saga.startPlacing,
      startCompensating: saga.startCompensating,
      onError: (_, error) => {
        throw error;
      },
      describeExecution: saga.describeExecution,
    });
  }

  type Lines = { productId: string; quantity: number }[];

  /** `onOrder` is told of the order before its saga begins, so that the saga's mishaps are known by then. */
  async function send(
    claim: ReturnType<typeof claimOf>,
    lines: Lines,
    { paymentMethod }: Place,
    dies: boolean,
    onOrder: (id: string) => void = () => {},
  ) {
    const customerId = claim.caller.replace('customer:', '');
    const startPlacing: typeof saga.startPlacing = async (input) => {
      onOrder(input.orderId);
      if (!dies) await saga.startPlacing(input);
    };
    return placeOrder({ sql: api, keys, clock, startPlacing, unpaidLimits, pricing, numberPrefix: 'CF' }, claim, {
      customerId,
      lines,
      paymentMethod,
    });
  }

  async function cancel(order: ModelOrder, key?: string, dies = false) {
    const done = await cancelOrder(
      {
        sql: cancellations,
        clock,
        keys,
        startRefunding: saga.startRefunding,
        startCompensating: dies ? async () => {} : saga.startCompensating,
        resumeSaga: dies ? async () => {} : saga.resumeSaga,
        windowSeconds: 3600,
      },
      { caller: `customer:${order.customerId}`, key, operation: 'cancel-order', fingerprint: order.id },
      { orderId: order.id, customerId: order.customerId, requestedBy: 'buyer' },
    );
    order.cancelled = true;
    return done;
  }
}

/** Keys belong to the customer, whichever session they come with. */
function claimOf(customerId: string, session: number, key: string) {
  const caller = callerKey({
    kind: 'customer',
    address: '127.0.0.1',
    application: anyApplication,
    customerId,
    session: { customerId, tokenHash: `session ${session}`, openedAt: 0, authenticatedAt: 0 },
  });
  return { caller, key, operation: 'place-order', fingerprint: 'the same' };
}

const unlessEnded = (error: unknown): undefined => {
  if (!(error instanceof Problem && (error.code === 'order-ended' || error.code === 'request-in-flight'))) throw error;
};
const unlessInFlight = (error: unknown): undefined => {
  if (!(error instanceof Problem && error.code === 'request-in-flight')) throw error;
};

/** An action that ended by an error which no customer may ever see. */
const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
