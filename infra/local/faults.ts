import { RuntimeExited } from './functions/start.ts';

/** What can be made to go wrong, once each time that it is armed. */
export const faults = {
  decline: 'The payment provider declines the next charge.',
  'lose-answer': 'The next step of a saga does its work, and its answer is lost.',
  kill: 'The thread of the functions is killed when the next step of a saga has done its work.',
  'dynamo-away': 'DynamoDB resets every connection for 10 seconds.',
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
  log: (line: string) => void;
};

const awayMs = 10_000;
/** The stack gives up after five ends of the thread in a minute. */
const mostKills = 3;

/** Faults for trying out what the saga makes of them. Each has a test among those of test/faults that it is survived. */
export function createFaults({ killFunctions, cutDynamo, log }: Options): Faults {
  const waiting = new Set<FaultName>();
  let kills: number[] = [];
  let away: { until: number; timer: NodeJS.Timeout } | undefined;

  function strikes(name: FaultName): boolean {
    const armed = waiting.delete(name);
    if (armed) log(`fault: ${faults[name]}`);
    return armed;
  }

  function bringBack(): void {
    clearTimeout(away?.timer);
    away = undefined;
    cutDynamo(false);
  }

  return {
    arm(name) {
      if (name === 'dynamo-away') {
        if (away !== undefined) return;
        cutDynamo(true);
        away = { until: Date.now() + awayMs, timer: setTimeout(bringBack, awayMs).unref() };
        return log(`fault: ${faults[name]}`);
      }
      if (name === 'kill') {
        kills = kills.filter((time) => time > Date.now() - 60_000);
        if (kills.length >= mostKills) throw new FaultRefused(`At most ${mostKills} kills a minute. Wait a little.`);
        if (!waiting.has(name)) kills.push(Date.now());
      }
      waiting.add(name);
    },
    clear() {
      waiting.clear();
      if (away !== undefined) bringBack();
    },
    armed: () => [
      ...[...waiting].map((name) => ({ name, until: null })),
      ...(away === undefined ? [] : [{ name: 'dynamo-away' as const, until: new Date(away.until).toISOString() }]),
    ],
    async deliver(handler, payload, next) {
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
