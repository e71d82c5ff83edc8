import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Outages } from './ask.ts';
import { randomOf } from './random.ts';
import type { World } from './shop.ts';
import type { StackProcess } from './stack.ts';

export const victims = {
  /** Functions, gateway, Step Functions and the DynamoDB emulator; PostgreSQL is left an orphan. */
  'the whole stack': 2,
  'the PostgreSQL postmaster': 2,
  /** After which PostgreSQL ends all others and recovers. */
  'a PostgreSQL backend': 3,
  "the functions' worker": 3,
} as const;
export type Victim = keyof typeof victims;

export type Kill = { victim: Victim; at: number; wellAgainAt: number };

type Options = { world: World; stack: StackProcess; down: Outages; meanPauseMs: number; admin: () => Sql };

/** Kills at random moments until the load ends, and starts again what does not do so by itself. */
export async function killAtRandom({ world, stack, down, meanPauseMs, admin }: Options): Promise<Kill[]> {
  const { journal, goesOn, rest } = world;
  const random = randomOf(world.seed, 'killer');
  const kills: Kill[] = [];
  while (goesOn()) {
    await rest(2000 + random.pause(meanPauseMs - 2000));
    if (!goesOn()) break;
    const wellAgain = down.began();
    const since = kills.length;
    // Now and then the next blow falls before the last one is got over.
    for (let blow = true; blow; blow = random.chance(0.15)) {
      if (kills.length > since) await sleep(random.next() * 1000);
      const victim = random.weighted(victims);
      journal.note('killer', 'kill -9', { victim });
      journal.count(`kill of ${victim}`);
      kills.push({ victim, at: Date.now(), wellAgainAt: 0 });
      await kill(victim);
    }
    await untilWell(stack).catch((error: Error) => journal.violation('killer', error.message));
    wellAgain();
    for (const one of kills.slice(since)) one.wellAgainAt = Date.now();
    journal.note('killer', 'all is well again', { milliseconds: Date.now() - kills[since]!.at });
  }
  return kills;

  async function kill(victim: Victim): Promise<void> {
    switch (victim) {
      case 'the whole stack':
        await stack.kill();
        await stack.restart();
        break;
      case 'the PostgreSQL postmaster':
        signal(await stack.postgresPid());
        break;
      case 'a PostgreSQL backend':
        await killBackend();
        break;
      case "the functions' worker":
        stack.tell('kill-functions');
        break;
    }
  }

  async function killBackend(): Promise<void> {
    try {
      const backends = await admin()`
        select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`;
      if (backends.length > 0) signal(random.pick(backends).pid as number);
    } catch {
      // It is down from the blow before.
    }
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself a moment ago.
  }
}

/** Until every part is up, as the service itself says. @throws Error when that takes minutes */
export async function untilWell(stack: StackProcess): Promise<void> {
  for (const end = Date.now() + 180_000; Date.now() < end; await sleep(500)) {
    const health = await fetch(`${stack.address().baseUrl}/health`, { signal: AbortSignal.timeout(10_000) })
      .then((answer) => answer.json() as Promise<{ status: string }>)
      .catch(() => undefined);
    if (health?.status === 'up') return;
  }
  throw new Error('the stack is not well again three minutes after a kill');
}
