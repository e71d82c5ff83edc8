import type { StateMachineName } from '../../lib/contract/deploy/route.ts';
import { definitions, type State, stepOf } from '../support/definitions.ts';

/**
 * What a step does when it is called: it returns a value or throws an error. One that waits for its token is called back,
 * or not.
 */
export type Outcome = { result: unknown; callBack?: true } | { error: string };

/** Outcomes of each step, in order. The last one is that of all further calls. */
export type Script = Record<string, Outcome[]>;

export type Case = { name: string; machine: StateMachineName; input: object; script: Script };

const order = { orderId: 'order_1', amount: 1999, currency: 'EUR' };
const payment = { provider: 'simulated', reference: 'ch_1' };
const inputs: Record<StateMachineName, object[]> = {
  placing: [{ ...order, paymentMethod: 'pm_1' }],
  compensating: [
    { ...order, reason: 'cancellation', payment },
    { ...order, reason: 'orphaned-charge', payment },
  ],
  capturing: [{ ...order, paymentId: 'payment_1', attempt: 1, payment }],
  refunding: [{ ...order, refundId: 'refund_1', attempt: 1, payment }],
};

/** What each step may return. The first is what it returns where nothing is wrong. */
const results: Record<string, unknown[]> = {
  ReserveStock: [{ expiresAt: '2030-01-01T00:00:00Z' }],
  ChargePayment: [payment, { ...payment, action: { type: 'simulated' }, waitSeconds: 1 }],
  AwaitPayment: [null],
  ConfirmOrder: [{ status: 'confirmed' }],
  AbandonOrder: [{ confirmed: false }, { confirmed: true }],
  RefundPayment: [{ ...payment, outcome: 'refunded', refundReference: 'r' }],
  ReleaseStock: [{ released: [{ sku: 'a "quoted" \\ one', quantity: 2 }] }],
  CloseOrder: [{ status: 'failed' }],
  RequestManualReview: [{ status: 'needs_attention' }, { status: 'confirmed' }],
  CapturePayment: [{ capturedAmount: 1999 }],
  SettleCapture: [{ outcome: 'captured' }, { outcome: 'in-review' }],
  RefundPart: [{ refundReference: 'r' }],
  SettleRefund: [{ status: 'refunded' }],
};

/**
 * Executions in which nothing goes wrong, one step does, or two do: by each error that the definition names, by one that it
 * does not name, once and each time, and by each other value that a step may return.
 */
export function sagaCases(): Case[] {
  return Object.entries(definitions).flatMap(([name, { States }]) => {
    const machine = name as StateMachineName;
    const steps = new Map<string, State[]>();
    for (const state of Object.values(States)) {
      const step = stepOf(state);
      if (step !== undefined) steps.set(step, [...(steps.get(step) ?? []), state]);
    }
    const usual = Object.fromEntries([...steps.keys()].map((step) => [step, [usualOf(step)]]));
    const bases = [usual, ...(machine === 'placing' ? [{ ...usual, ...customerActs() }] : [])];
    const wrongs = [...steps].flatMap(([step, states]) => wrongsOf(step, states));
    const chosen = [[], ...wrongs.map((one) => [one]), ...pairs(wrongs)];
    return inputs[machine].flatMap((input, which) =>
      bases.flatMap((base, kind) =>
        chosen.map((changes) => ({
          name: [machine, which, kind, ...changes.map(({ name }) => name)].join(' '),
          machine,
          input,
          script: { ...base, ...Object.fromEntries(changes.map(({ step, outcomes }) => [step, outcomes])) },
        })),
      ),
    );
  });
}

const usualOf = (step: string): Outcome => ({
  result: results[step]![0],
  ...(step === 'AwaitPayment' ? { callBack: true as const } : {}),
});

/** The customer has to act before the payment is made. */
const customerActs = (): Script => ({
  ChargePayment: [{ result: results.ChargePayment![1] }, usualOf('ChargePayment')],
  ConfirmOrder: [{ error: 'CustomerActionRequired' }, usualOf('ConfirmOrder')],
});

type Wrong = { step: string; name: string; outcomes: Outcome[] };

function wrongsOf(step: string, states: State[]): Wrong[] {
  const rules = states.flatMap(({ Retry = [], Catch = [] }) => [...Retry, ...Catch]);
  const named = rules.flatMap(({ ErrorEquals }) => ErrorEquals).filter((error) => !error.startsWith('States.'));
  const usual = usualOf(step);
  const wrong = (name: string, ...outcomes: Outcome[]): Wrong => ({ step, name: `${step}: ${name}`, outcomes });
  return [
    ...[...new Set([...named, 'Error'])].map((error) => wrong(error, { error })),
    ...[...new Set([...named, 'Error'])].map((error) => wrong(`${error} once`, { error }, usual)),
    ...results[step]!.slice(1).map((result) => wrong(JSON.stringify(result), { result })),
    ...(step === 'AwaitPayment' ? [wrong('no callback', { result: null })] : []),
  ];
}

const pairs = (wrongs: Wrong[]): Wrong[][] =>
  wrongs.flatMap((one, index) =>
    wrongs.slice(index + 1).flatMap((other) => (other.step === one.step ? [] : [[one, other]])),
  );
