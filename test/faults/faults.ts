import { setTimeout as pause } from 'node:timers/promises';
import { type StepName, steps } from '../../functions/steps.ts';
import type { World } from './world.ts';

/** One delivery of a step. `next` runs the step, as often as it is called. */
export type Delivery = { step: StepName; orderId: string; payload: unknown; next: () => Promise<unknown> };

/** One way in which a fault can strike a delivery. */
export type Way = {
  name: string;
  /** Runs in place of the delivery. */
  deliver(delivery: Delivery): Promise<unknown>;
  /** Whether it struck; without it every delivery is struck. */
  struck?(): boolean;
  /** Before the next step is delivered. */
  beforeNextStep?(): Promise<void>;
  /** When the saga has ended. */
  afterEnd?(): Promise<void>;
};

/** The ways of a fault at a step, one after the other; it is told whether the one before struck. */
export type Ways = Generator<Way, void, boolean>;

/** The simulated provider lives in DynamoDB too. */
const usesDynamo = (step: StepName): boolean => steps[step].provider || steps[step].tables !== undefined;

const outages = ['mute', 'pause', 'refuse'] as const;

/** THE faults, by the name that the matrix shows. */
export const faults = {
  'refuses before its effect': function* () {
    yield { name: 'throttled', deliver: () => Promise.reject(named('Lambda.TooManyRequestsException')) };
  },
  'does it, answer lost': function* () {
    yield { name: 'answer lost', deliver: ({ next }) => afterwards(next, named('Lambda.Unknown')) };
  },
  'times out before its effect': function* (world) {
    yield lateWay(world, 'late: after the end', 'afterEnd');
    if (world.thorough) yield lateWay(world, 'late: before the next step', 'beforeNextStep');
  },
  'times out after its effect': function* (world) {
    yield {
      name: 'slow',
      async deliver({ step, next }) {
        await next().catch(() => {});
        return world.timeOut(step);
      },
    };
  },
  'delivered twice': function* () {
    yield {
      name: 'twice',
      async deliver({ next }) {
        await next().catch(() => {});
        return next();
      },
    };
  },
  'delivered twice at once': function* () {
    yield {
      name: 'at once',
      async deliver({ next }) {
        const both = await Promise.allSettled([next(), next()]);
        return settled(both[1]);
      },
    };
  },
  'killed after its effect': function* ({ killAfterEffect }) {
    yield { name: 'SIGKILL', deliver: killAfterEffect };
  },
  'database cut': function* (world, step) {
    if (world.thorough || steps[step].databaseRole === null) yield terminatedWay(world);
    if (steps[step].databaseRole === null) return;
    yield cutAtCommitWay(world);
    for (const where of ['before answer', 'before request'] as const) {
      for (let at = 1, struck = true; struck; at++) {
        struck = yield cutWay(world, where, at);
        if (!world.thorough) return;
      }
    }
  },
  'DynamoDB silent': function* (world, step) {
    for (const outage of outages.slice(0, world.thorough ? 3 : usesDynamo(step) ? 2 : 1)) {
      yield { name: outage, deliver: ({ next }) => world.withoutDynamo(outage, next) };
    }
  },
} satisfies Record<string, (world: World, step: StepName) => Ways>;

export type FaultName = keyof typeof faults;

/** The state machine gives up on the delivery, which does its work all the same, later. */
function lateWay(world: World, name: string, when: 'afterEnd' | 'beforeNextStep'): Way {
  let held: (() => Promise<unknown>)[] = [];
  const release = async () => {
    const late = held;
    held = [];
    // What a late delivery answers reaches nobody.
    await Promise.allSettled(late.map((next) => next()));
  };
  return {
    name,
    deliver({ step, next }) {
      held.push(next);
      return world.timeOut(step);
    },
    afterEnd: release,
    ...(when === 'beforeNextStep' && { beforeNextStep: release }),
  };
}

/** Every session of the saga's role is ended before the step runs, whoever has it. */
const terminatedWay = (world: World): Way => ({
  name: 'every session ended',
  async deliver({ next }) {
    await world.admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = ${world.databaseName} and usename = 'saga'`;
    return next();
  },
});

/** The session is ended while its transaction waits at its commit, everything in it done. */
function cutAtCommitWay(world: World): Way {
  let struck = false;
  return {
    name: 'session ended at commit',
    struck: () => struck,
    async deliver({ next }) {
      const gate = await world.closeGate();
      let done = false;
      let ended = false;
      const running = next().finally(() => {
        done = true;
      });
      running.catch(() => {});
      while (!done && !ended) {
        if (await gate.endWhoWaits()) struck = ended = true;
        else await pause(1);
      }
      await running.catch(() => {});
      await gate.open();
      return running;
    },
  };
}

function cutWay(world: World, where: 'before request' | 'before answer', at: number): Way {
  let struck = false;
  return {
    name: `${where} ${at}`,
    struck: () => struck,
    async deliver({ next }) {
      const trap = world.relay.cut(where, at);
      try {
        return await next();
      } finally {
        struck = trap.disarm() || struck;
      }
    },
  };
}

function settled(result: PromiseSettledResult<unknown>): unknown {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function afterwards(next: () => Promise<unknown>, error: Error): Promise<never> {
  await next().catch(() => {});
  throw error;
}

const named = (name: string): Error => Object.assign(new Error(name), { name });
