import { Cron } from 'croner';
import { type Clock, systemClock } from '../../lib/kernel/clock.ts';

export type Job = {
  name: string;
  /** An EventBridge Scheduler expression: `rate(5 minutes)` or `cron(0 3 * * ? *)`, in UTC. */
  schedule: string;
  run: () => Promise<unknown>;
};

/** A job with its next turn and its last run. Times are milliseconds since the epoch, by the scheduler's clock. */
export type PlannedJob = {
  name: string;
  schedule: string;
  next: number | null;
  running: boolean;
  last: { at: number; milliseconds: number; error: string | null } | null;
};

export type Scheduler = {
  /** Every job. */
  planned(): PlannedJob[];
  /** Starts no further job by itself. Waits for the running ones, at most a second. */
  stop(): Promise<void>;
  /** Runs a job now, or joins its current run. Resolves with the job's result and rejects with its error. */
  trigger(name: string): Promise<unknown>;
  /**
   * Runs every job that has fallen due since the clock was moved, once each, and waits for them at most `timeoutMs`
   * milliseconds. @returns the names of the jobs that have not ended by then
   */
  catchUp(timeoutMs: number): Promise<string[]>;
};

const longestSleep = 60_000;

/**
 * Runs jobs on their schedules. The first run of a rate is one interval after the start. A job that still runs is not
 * started again, and a failure is logged without ending the schedule. Throws on an expression that EventBridge
 * Scheduler would refuse. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function startScheduler(options: { jobs: Job[]; clock?: Clock; log?: (line: string) => void }): Scheduler {
  const { jobs, clock = systemClock, log = () => {} } = options;
  const running = new Map<string, Promise<unknown>>();
  const last = new Map<string, PlannedJob['last']>();
  const turns = new Map<string, { job: Job; at: number; next: Next; timer: NodeJS.Timeout }>();
  let stopped = false;
  const schedules = jobs.map((job) => ({ job, next: parseSchedule(job) }));

  const start = ({ name, run }: Job): Promise<unknown> => {
    const [at, startedAt] = [clock.now(), performance.now()];
    const ended = (error: string | null) => {
      running.delete(name);
      last.set(name, { at, milliseconds: performance.now() - startedAt, error });
    };
    const turn = (async () => await run())().then(
      (result) => {
        ended(null);
        return result;
      },
      (error: unknown) => {
        ended(String(error));
        throw error;
      },
    );
    running.set(name, turn);
    return turn;
  };

  const startLogged = (job: Job) =>
    start(job).catch((error: unknown) => log(`job ${job.name} failed: ${describe(error)}`));

  const due = (job: Job) => {
    if (running.has(job.name)) return log(`job ${job.name} is still running and skips this turn`);
    void startLogged(job);
  };

  // Short sleeps, so that a job is not much too late after the laptop slept or its clock was set.
  const sleepUntil = (job: Job, at: number, next: Next) => {
    const left = at - clock.now();
    const resume = () => {
      if (clock.now() < at) return sleepUntil(job, at, next);
      due(job);
      plan(job, at, next);
    };
    turns.set(job.name, { job, at, next, timer: setTimeout(resume, Math.min(Math.max(left, 0), longestSleep)) });
  };

  const plan = (job: Job, after: number, next: Next, notBefore = clock.now()) => {
    turns.delete(job.name);
    const at = next(after, notBefore);
    if (at === undefined) return log(`job ${job.name} has no further turn`);
    sleepUntil(job, at, next);
  };

  for (const { job, next } of schedules) plan(job, clock.now(), next);

  return {
    planned: () =>
      jobs.map(({ name, schedule }) => ({
        name,
        schedule,
        next: turns.get(name)?.at ?? null,
        running: running.has(name),
        last: last.get(name) ?? null,
      })),
    async stop() {
      stopped = true;
      for (const { timer } of turns.values()) clearTimeout(timer);
      turns.clear();
      await atMost(1000, Promise.allSettled(running.values()));
    },
    async trigger(name) {
      const job = jobs.find((candidate) => candidate.name === name);
      if (!job) throw new Error(`There is no job ${name}; there are ${jobs.map((known) => known.name).join(', ')}.`);
      return running.get(name) ?? start(job);
    },
    async catchUp(timeoutMs) {
      const now = clock.now();
      const late = [...turns.values()].filter(({ at }) => at <= now);
      const left = new Set(late.map(({ job }) => job.name));
      const runs = late.map(async ({ job, at, next, timer }) => {
        clearTimeout(timer);
        plan(job, at, next, now + 1);
        // A run that started before the clock was moved has not seen the new time.
        await running.get(job.name)?.catch(() => {});
        if (!stopped) await startLogged(job);
        left.delete(job.name);
      });
      await atMost(timeoutMs, Promise.all(runs));
      return [...left];
    },
  };
}

/** Waits for work, at most so many milliseconds. */
async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

/** The next time in ms after the last due time and not before now; undefined when there is none. */
type Next = (after: number, now: number) => number | undefined;

function parseSchedule({ name, schedule }: Job): Next {
  const [, kind, body] = /^(rate|cron)\((.*)\)$/.exec(schedule) ?? [];
  try {
    if (kind === 'rate') return everySoOften(rateOf(body!));
    if (kind === 'cron') return byCalendar(cronOf(body!));
    throw new Error('it is neither rate(…) nor cron(…)');
  } catch (error) {
    throw new Error(`The schedule ${schedule} of job ${name} is not valid: ${(error as Error).message}.`);
  }
}

const everySoOften =
  (interval: number): Next =>
  (after, now) =>
    after + interval * Math.max(1, Math.ceil((now - after) / interval));

function byCalendar(pattern: string): Next {
  const cron = new Cron(pattern, { paused: true, timezone: 'UTC', mode: '7-part' });
  return (after, now) => cron.nextRun(new Date(Math.max(after, now)))?.getTime();
}

const units: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function rateOf(body: string): number {
  const [, count, unit, plural] = /^([1-9]\d*) (minute|hour|day)(s?)$/.exec(body) ?? [];
  if (!count || !unit) throw new Error('a rate is a whole number and minutes, hours or days');
  if ((count === '1') === (plural === 's'))
    throw new Error(`write ${count === '1' ? `1 ${unit}` : `${count} ${unit}s`}`);
  return Number(count) * units[unit]!;
}

const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const ranges: [string, number, number][] = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day of month', 1, 31],
  ['month', 1, 12],
  ['day of week', 1, 7],
  ['year', 1970, 2199],
];

/** EventBridge's `minutes hours day-of-month month day-of-week year` as croner's seven fields. */
function cronOf(body: string): string {
  const fields = body.trim().split(/\s+/);
  if (fields.length !== 6) throw new Error(`a cron has 6 fields, not ${fields.length}`);
  if ((fields[2] === '?') === (fields[4] === '?'))
    throw new Error('exactly one of day of month and day of week must be ?');
  const translated = fields.map((field, index) => {
    if (field === '?' && (index === 2 || index === 4)) return '*';
    return field
      .split(',')
      .map((part) => partOf(part, index))
      .join(',');
  });
  return ['0', ...translated].join(' ');
}

function partOf(part: string, index: number): string {
  const [label, low, high] = ranges[index]!;
  const refuse = () => new Error(`${part || 'nothing'} is not a valid ${label}`);
  if (index === 2 && part === 'L') return part;
  if (index === 2 && /^\d+W$/.test(part)) return `${numberOf(part.slice(0, -1), index)}W`;
  if (index === 4) {
    const [, day, which] = /^(\w+?)(L|#[1-5])$/.exec(part) ?? [];
    if (day && which) return `${numberOf(day, index) - 1}#${which === 'L' ? 'L' : which.slice(1)}`;
  }
  const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  if (!from || (from === '*' && to) || step === '0') throw refuse();
  if (from === '*') return step ? `*/${step}` : '*';
  const first = numberOf(from, index);
  const last = to ? numberOf(to, index) : step ? high : first;
  if (last < first || first < low) throw refuse();
  const shift = index === 4 ? 1 : 0;
  const range = first === last ? `${first - shift}` : `${first - shift}-${last - shift}`;
  return step && first !== last ? `${range}/${step}` : range;
}

function numberOf(word: string, index: number): number {
  const [label, low, high] = ranges[index]!;
  const names = index === 3 ? months : index === 4 ? days : [];
  const named = names.indexOf(word.toUpperCase()) + 1;
  const value = named || (/^\d+$/.test(word) ? Number(word) : Number.NaN);
  if (value >= low && value <= high) return value;
  throw new Error(`${word} is not a valid ${label}`);
}

const describe = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
