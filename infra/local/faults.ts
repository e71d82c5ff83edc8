import { steps } from '../../functions/steps.ts';
import { OutcomeUnknown } from '../../lib/kernel/errors.ts';
import { RuntimeExited } from './functions/start.ts';

/** What can be made to go wrong, once each time that it is armed. */
export const faults = {
  decline: 'The payment provider declines the next charge.',
  'lose-answer': 'The next step of a saga does its work, and its answer is lost.',
  kill: 'The thread of the functions is killed when the next step of a saga has done its work.',
  'provider-away': 'The payment provider answers nothing for 60 seconds.',
  'dynamo-away': 'DynamoDB resets every connection for 10 seconds.',
  'pause-replication': 'The reader replays nothing for 30 seconds: reports show older data, and say so.',
} as const;

export type FaultName = keyof typeof faults;

/** A fault that waits for its step, or lasts until a time (RFC 3339, the machine's own). */
export type ArmedFault = { name: FaultName; until: string | null };

/** A fault cannot be armed now. */
export class FaultRefused extends Error {
  override readonly name = 'FaultRefused';
}

export type Faults = {
  /** Arms a fault. What is armed already stays as it is. @throws FaultRefused */
  arm(name: FaultName): void;
  /** Takes back what has not struck yet, and ends what lasts. */
  clear(): void;
  armed(): ArmedFault[];
  /** Delivers a step of a saga, unless a fault strikes it. */
  deliver<P>(handler: string, payload: P, next: (payload: P) => Promise<unknown>): Promise<unknown>;
};

type Options = {
  killFunctions: () => Promise<void>;
  /** Whether DynamoDB resets its connections from now on. */
  cutDynamo: (away: boolean) => void;
  /** Whether the reader replays nothing from now on. */
  pauseReplication: (paused: boolean) => Promise<void>;
  log: (line: string) => void;
};

/** How long those last that do not wait for a step. */
const lasting = { 'provider-away': 60_000, 'dynamo-away': 10_000, 'pause-replication': 30_000 } as const;
/** Steps that do nothing but ask the payment provider. */
const providerSteps: ReadonlySet<string> = new Set(
  Object.values(steps).flatMap(({ handler, provider }) => (provider ? [handler] : [])),
);
const providerAway = 'the payment provider did not answer';
type Lasting = keyof typeof lasting;
const lasts = (name: FaultName): name is Lasting => Object.hasOwn(lasting, name);
/** The stack gives up after five ends of the thread in a minute. */
const mostKills = 3;

/** Faults for trying out what the saga makes of them. Each has a test among those of test/faults that it is survived. */
export function createFaults({ killFunctions, cutDynamo, pauseReplication, log }: Options): Faults {
  const waiting = new Set<FaultName>();
  let kills: number[] = [];
  let turning = Promise.resolve();
  const underWay = new Map<Lasting, { until: number; timer: NodeJS.Timeout }>();

  function strikes(name: FaultName): boolean {
    const armed = waiting.delete(name);
    if (armed) log(`fault: ${faults[name]}`);
    return armed;
  }

  function turn(name: Lasting, on: boolean): void {
    if (name === 'dynamo-away') cutDynamo(on);
    // The first pause waits until there is a reader.
    if (name === 'pause-replication')
      turning = turning
        .then(() => pauseReplication(on))
        .catch((error: Error) => log(`fault: the reader cannot be paused: ${error.message}`));
  }

  function begin(name: Lasting): void {
    if (underWay.has(name)) return;
    const milliseconds = lasting[name];
    turn(name, true);
    underWay.set(name, { until: Date.now() + milliseconds, timer: setTimeout(end, milliseconds, name).unref() });
    log(`fault: ${faults[name]}`);
  }

  function end(name: Lasting): void {
    clearTimeout(underWay.get(name)?.timer);
    if (underWay.delete(name)) turn(name, false);
  }

  return {
    arm(name) {
      if (lasts(name)) return begin(name);
      if (name === 'kill') {
        kills = kills.filter((time) => time > Date.now() - 60_000);
        if (kills.length >= mostKills) throw new FaultRefused(`At most ${mostKills} kills a minute. Wait a little.`);
        if (!waiting.has(name)) kills.push(Date.now());
      }
      waiting.add(name);
    },
    clear() {
      waiting.clear();
      for (const name of [...underWay.keys()]) end(name);
    },
    armed: () => [
      ...[...waiting].map((name) => ({ name, until: null })),
      ...[...underWay].map(([name, { until }]) => ({ name, until: new Date(until).toISOString() })),
    ],
    async deliver(handler, payload, next) {
      if (underWay.has('provider-away') && providerSteps.has(handler)) throw new OutcomeUnknown(providerAway);
      // Stripe's test mode and the simulated provider both decline this method.
      if (handler === 'saga/charge-payment' && strikes('decline')) {
        return next({ ...payload, paymentMethod: 'pm_card_chargeDeclined' });
      }
      if (strikes('kill')) {
        await next(payload).catch(() => {});
        await killFunctions();
        throw new RuntimeExited();
      }
      if (strikes('lose-answer')) {
        await next(payload).catch(() => {});
        throw Object.assign(new Error('The answer was lost.'), { name: 'Lambda.Unknown' });
      }
      return next(payload);
    },
  };
}
