import fc from 'fast-check';
import { type StepName, steps } from '../../functions/steps.ts';

/** What can befall one delivery of a step. */
export const mishaps = {
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
export type Mishap = keyof typeof mishaps;

/** The mishaps of a step's deliveries, in turn; later ones are fine. */
export type Script = Partial<Record<StepName, Mishap[]>>;

export type Place = {
  do: 'place';
  quantities: number[];
  /** The lines in the opposite order. */
  backwards: boolean;
  paymentMethod: string;
  script: Script;
  /** The process dies after the order is stored and before its saga is started. */
  dies: boolean;
  /** The same request twice at once. */
  twice: boolean;
};

export type CustomerAction =
  | Place
  /** `which` counts the customer's own orders from the newest. */
  | { do: 'repeat'; which: number }
  | { do: 'use its key for another'; which: number }
  | { do: 'cancel'; which: number; dies: boolean; repeat: boolean }
  | { do: 'end the session' };
export type StaffAction =
  | { do: 'move stock'; product: number; quantity: number }
  | { do: 'change price'; product: number; amount: number }
  | { do: 'sweep' };

/** An action begins at once after the one before it, or when everything that was begun has come to rest. */
export type Paced<A> = { quietly: boolean; action: A };

export type History = {
  products: { units: number; amount: number }[];
  customers: Paced<CustomerAction>[][];
  staff: Paced<StaffAction>[];
};

export const mostCustomers = 4;

const forward: readonly string[] = ['ReserveStock', 'ChargePayment', 'ConfirmOrder'];
const anyMishap = fc.constantFrom(...(Object.keys(mishaps) as Mishap[]));
// A compensation is retried until it succeeds, within reason; one that never does is the business of the tests by name.
const script: fc.Arbitrary<Script> = fc.record(
  Object.fromEntries(
    Object.keys(steps).map((step) => [step, fc.array(anyMishap, { maxLength: forward.includes(step) ? 7 : 3 })]),
  ),
  { requiredKeys: [] },
);

const which = fc.nat({ max: 3 });
const place: fc.Arbitrary<Place> = fc.record({
  do: fc.constant('place' as const),
  quantities: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 3 }),
  backwards: fc.boolean(),
  paymentMethod: fc.constantFrom('pm_card_visa', 'pm_card_visa', 'pm_timeoutOnce', 'pm_card_chargeDeclined'),
  script,
  dies: fc.integer({ min: 0, max: 7 }).map((n) => n === 7),
  twice: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
});
const customerAction: fc.Arbitrary<CustomerAction> = fc.oneof(
  { weight: 6, arbitrary: place },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('use its key for another' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('cancel' as const), which, dies: fc.boolean(), repeat: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end the session' as const) }) },
);
const product = fc.nat({ max: 2 });
const staffAction: fc.Arbitrary<StaffAction> = fc.oneof(
  fc.record({ do: fc.constant('move stock' as const), product, quantity: fc.integer({ min: -2, max: 3 }) }),
  fc.record({ do: fc.constant('change price' as const), product, amount: fc.integer({ min: 1, max: 9000 }) }),
  fc.record({ do: fc.constant('sweep' as const) }),
);
const paced = <A>(action: fc.Arbitrary<A>): fc.Arbitrary<Paced<A>> =>
  fc.record({ quietly: fc.integer({ min: 0, max: 2 }).map((n) => n === 2), action });

/** Customers who act side by side, staff beside them, and what goes wrong at each delivery of each step. */
export const history: fc.Arbitrary<History> = fc.record({
  products: fc.array(fc.record({ units: fc.nat({ max: 5 }), amount: fc.integer({ min: 1, max: 9000 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  customers: fc.array(fc.array(paced(customerAction), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: mostCustomers,
  }),
  staff: fc.array(paced(staffAction), { maxLength: 3 }),
});
