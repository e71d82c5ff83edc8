import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StepName } from '../../functions/steps.ts';
import { expectInvariants } from '../support/invariants.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
});
afterAll(() => saga.stop());

/** What can befall one delivery of a step. */
const mishaps = {
  fine: (next) => next(),
  'fails before its effect': () => Promise.reject(new Error('no effect')),
  'takes effect and loses the answer': async (next) => {
    await next();
    throw new Error('answer lost');
  },
  'is delivered twice': async (next) => {
    await next();
    return next();
  },
  'is delivered twice at once': async (next) => (await Promise.all([next(), next()]))[0],
  'is cancelled just before': async (next, cancel) => {
    await cancel();
    return next();
  },
  'is cancelled while it runs': async (next, cancel) => (await Promise.all([next(), cancel()]))[0],
} satisfies Record<string, (next: () => Promise<unknown>, cancel: () => Promise<unknown>) => Promise<unknown>>;
type Mishap = keyof typeof mishaps;

const forward = ['ReserveStock', 'ChargePayment', 'ConfirmOrder'] as const;
const undo = ['AbandonOrder', 'RefundPayment', 'ReleaseStock', 'CloseOrder', 'FlagOrder'] as const;
const anyMishap = fc.constantFrom(...(Object.keys(mishaps) as Mishap[]));
// An undo is retried until it succeeds, within reason; one that never does is the business of the tests by name.
const script = fc.record({
  ...Object.fromEntries(forward.map((step) => [step, fc.array(anyMishap, { maxLength: 7 })])),
  ...Object.fromEntries(undo.map((step) => [step, fc.array(anyMishap, { maxLength: 3 })])),
}) as fc.Arbitrary<Record<StepName, Mishap[]>>;

const buyer = fc.record({
  script,
  paymentMethod: fc.constantFrom('pm_card_visa', 'pm_card_visa', 'pm_timeoutOnce', 'pm_card_chargeDeclined'),
  quantities: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 2 })),
  backwards: fc.boolean(),
});
const history = fc.record({
  stock: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
  buyers: fc.array(buyer, { minLength: 1, maxLength: 5 }),
});

const runs = Number(process.env.HISTORIES ?? 60);

test('whatever befalls every delivery of every step, orders end and nothing is oversold, charged twice or kept', {
  timeout: 20_000 + runs * 500,
}, async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ stock, buyers }) => {
      const scripts = new Map<string, Record<StepName, Mishap[]>>();
      for (const step of [...forward, ...undo]) {
        saga.fault(step, (next, delivery) => {
          const { orderId } = saga.deliveries.findLast((each) => each.step === step)!;
          const mishap = scripts.get(orderId)?.[step][delivery - 1] ?? 'fine';
          return mishaps[mishap](next, () => saga.cancel(orderId).catch(() => {}));
        });
      }
      const products = await Promise.all(stock.map((units) => saga.product(units)));
      await Promise.all(
        buyers.map(async ({ script: own, paymentMethod, quantities, backwards }) => {
          const lines = products
            .map((productId, i) => ({ productId, quantity: quantities[i as 0 | 1] }))
            .filter(({ quantity }) => quantity > 0);
          const ordered = backwards ? lines.reverse() : lines;
          const placed = await saga.place(ordered, { paymentMethod, start: false });
          scripts.set(placed.id, own);
          await saga.startOrder({
            orderId: placed.id,
            intent: 'place',
            amount: placed.total.amount,
            currency: placed.total.currency,
            paymentMethod,
          });
        }),
      );
      await saga.states.idle();
      await expectInvariants(saga);
      const stuck =
        await saga.owner`select count(*)::integer as count from orders.orders where status = 'needs_attention'`;
      expect(stuck[0]?.count, 'every undo got through in the end').toBe(0);
    }),
    { numRuns: runs, ...(process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) }) },
  );
});
