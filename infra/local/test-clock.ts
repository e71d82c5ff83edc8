import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { createClock, type MovableClock } from './clock.ts';

/** What the clock shows: RFC 3339 UTC, and the seconds that it is ahead of the machine's. */
export type Reading = { now: string; ahead: number };

export const readingOf = (clock: MovableClock): Reading => ({
  now: toTimestamp(clock.now()),
  ahead: Math.round(clock.ahead / 1000),
});

export type TestClock = {
  /**
   * Moves the clock of the whole stack forward. Resolves when every part has the new time, what has expired is deleted
   * and the jobs that fell due have run. @throws JobsStillRunning after half a minute: the clock has been moved then
   */
  advance(seconds: number): Promise<Reading>;
};

/** The clock was moved, but a job that fell due by that has not ended yet. */
export class JobsStillRunning extends Error {
  override readonly name = 'JobsStillRunning';
  readonly jobs: readonly string[];
  constructor(jobs: readonly string[]) {
    super(`The clock was moved, but these jobs, which fell due, have not ended yet: ${jobs.join(', ')}.`);
    this.jobs = jobs;
  }
}

/** The parts that a move of the clock calls. Step Functions is not among them: it waits by the clock's own timers. */
export type Parts = {
  functions: { setClock(ahead: number): Promise<void> };
  dynamo: { deleteExpired(): Promise<void> };
  scheduler: { catchUp(timeoutMs: number): Promise<string[]> };
};

/** Longest wait for the jobs that fell due, in milliseconds. */
const timeoutMs = 30_000;

/** Moves a clock from `openClock` and the parts that go by it. Concurrent moves run one after the other. */
export function createTestClock(clock: MovableClock, file: string, parts: Parts): TestClock {
  let last: Promise<unknown> = Promise.resolve();
  return {
    advance(seconds) {
      const move = last.then(() => advance(seconds * 1000));
      last = move.catch(() => {});
      return move;
    },
  };

  async function advance(milliseconds: number): Promise<Reading> {
    const ahead = clock.ahead + milliseconds;
    // Stored first: the clock of a stack that is killed meanwhile must not go back.
    await keepAhead(file, ahead);
    // Sent first: what the other parts call in the new time arrives after this message.
    const set = parts.functions.setClock(ahead);
    clock.advance(milliseconds);
    await set;
    await parts.dynamo.deleteExpired();
    const late = await parts.scheduler.catchUp(timeoutMs);
    if (late.length > 0) throw new JobsStillRunning(late);
    return readingOf(clock);
  }
}

/**
 * The stack's clock, as far ahead as it was when the stack last ran. @throws Error when the file says something else
 */
export function openClock(file: string): MovableClock {
  return createClock({ ahead: readAhead(file) });
}

function readAhead(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  const seconds = /^\{\s*"ahead":\s*(\d{1,10})\s*\}\s*$/.exec(text)?.[1];
  if (seconds === undefined)
    throw new Error(`${file} does not say how far ahead the clock is. Start over: npm start -- --reset`);
  return Number(seconds) * 1000;
}

async function keepAhead(file: string, ahead: number): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify({ ahead: Math.round(ahead / 1000) })}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
