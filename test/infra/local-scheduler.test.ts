import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { containerJobs } from '../../infra/container/worker.ts';
import { type Jobs, startJobs } from '../../infra/local/jobs.ts';
import { type Job, type Scheduler, startScheduler } from '../../infra/local/scheduler.ts';

const minute = 60_000;
let scheduler: Scheduler | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2030, 0, 1, 2, 58, 30) });
});

afterEach(async () => {
  vi.useRealTimers();
  await scheduler?.stop();
  scheduler = undefined;
});

const begin = (jobs: Job[], log?: (line: string) => void) => {
  scheduler = startScheduler({ jobs, ...(log && { log }) });
  return scheduler;
};

const ranAt = (schedule: string) => {
  const times: string[] = [];
  begin([{ name: 'job', schedule, run: async () => times.push(new Date().toISOString().slice(0, 19)) }]);
  return times;
};

describe('a schedule', () => {
  test('by rate runs after each interval', async () => {
    const times = ranAt('rate(5 minutes)');
    await vi.advanceTimersByTimeAsync(16 * minute);
    expect(times).toEqual(['2030-01-01T03:03:30', '2030-01-01T03:08:30', '2030-01-01T03:13:30']);
  });

  test('by cron runs at its times of day in UTC', async () => {
    const times = ranAt('cron(0 3 * * ? *)');
    await vi.advanceTimersByTimeAsync(25 * 60 * minute);
    expect(times).toEqual(['2030-01-01T03:00:00', '2030-01-02T03:00:00']);
  });

  // 2030-01-01 is a Tuesday, day 3 of the week for EventBridge.
  test.each([
    ['cron(0/20 3 1 1 ? *)', ['2030-01-01T03:00:00', '2030-01-01T03:20:00', '2030-01-01T03:40:00']],
    ['cron(15 10 ? * 4 *)', ['2030-01-02T10:15:00']],
    [
      'cron(15 10 ? * MON-FRI *)',
      ['2030-01-01T10:15:00', '2030-01-02T10:15:00', '2030-01-03T10:15:00', '2030-01-04T10:15:00'],
    ],
    ['cron(15 10 ? * 1,7 *)', ['2030-01-05T10:15:00', '2030-01-06T10:15:00']],
    ['cron(0 0 ? JAN 5#1 2030)', ['2030-01-03T00:00:00']],
    ['cron(0 0 4 * ? 2031)', []],
  ])('%s runs at %j in the first week', async (schedule, expected) => {
    const times = ranAt(schedule);
    await vi.advanceTimersByTimeAsync(6 * 24 * 60 * minute);
    expect(times).toEqual(expected);
  });

  test.each([
    ['cron(0 0 L * ? *)', '2030-01-31T00:00:00'],
    ['cron(0 0 ? * 6L *)', '2030-01-25T00:00:00'],
  ])('%s first runs at %s', async (schedule, expected) => {
    const times = ranAt(schedule);
    await vi.advanceTimersByTimeAsync(31 * 24 * 60 * minute);
    expect(times[0]).toBe(expected);
  });

  test('that missed several turns runs once and keeps its rhythm', async () => {
    let now = 0;
    const times: number[] = [];
    const run = async () => times.push(now);
    scheduler = startScheduler({ jobs: [{ name: 'job', schedule: 'rate(1 minute)', run }], clock: { now: () => now } });
    now = 10.5 * minute;
    await vi.advanceTimersByTimeAsync(minute);
    expect(times).toEqual([10.5 * minute]);
    now = 11 * minute;
    await vi.advanceTimersByTimeAsync(minute);
    expect(times).toEqual([10.5 * minute, 11 * minute]);
  });

  test.each([
    ['rate(1 minutes)', 'write 1 minute'],
    ['rate(5 minute)', 'write 5 minutes'],
    ['rate(0 minutes)', 'a whole number'],
    ['rate(5 seconds)', 'minutes, hours or days'],
    ['every 5 minutes', 'neither rate(…) nor cron(…)'],
    ['at(2030-01-01T00:00:00)', 'neither rate(…) nor cron(…)'],
    ['cron(0 3 * * ?)', '6 fields, not 5'],
    ['cron(0 3 * * * *)', 'exactly one of'],
    ['cron(0 3 ? * ? *)', 'exactly one of'],
    ['cron(60 3 * * ? *)', '60 is not a valid minute'],
    ['cron(0 24 * * ? *)', '24 is not a valid hour'],
    ['cron(0 3 ? * 0 *)', '0 is not a valid day of week'],
    ['cron(0 3 ? * 8 *)', '8 is not a valid day of week'],
    ['cron(0 3 1 13 ? *)', '13 is not a valid month'],
    ['cron(0 3 1 1 ? 1969)', '1969 is not a valid year'],
    ['cron(0 5-3 * * ? *)', '5-3 is not a valid hour'],
    ['cron(*/0 3 * * ? *)', '*/0 is not a valid minute'],
  ])('%s is refused, saying: %s', (schedule, words) => {
    expect(() => ranAt(schedule)).toThrow(words);
    expect(() => ranAt(schedule)).toThrow(`The schedule ${schedule} of job job is not valid`);
  });
});

describe('a job', () => {
  test('that still runs is not started again, which is logged', async () => {
    const lines: string[] = [];
    const gate = Promise.withResolvers<void>();
    const run = vi.fn(() => gate.promise);
    begin([{ name: 'slow', schedule: 'rate(1 minute)', run }], (line) => lines.push(line));
    await vi.advanceTimersByTimeAsync(3 * minute);
    expect(run).toHaveBeenCalledTimes(1);
    expect(lines).toEqual(Array(2).fill('job slow is still running and skips this turn'));
    gate.resolve();
    await vi.advanceTimersByTimeAsync(minute);
    expect(run).toHaveBeenCalledTimes(2);
  });

  test('that fails, even before its first await, is logged and runs at its next turn', async () => {
    const lines: string[] = [];
    const run = vi.fn((): Promise<unknown> => {
      throw new Error('database gone');
    });
    begin([{ name: 'sweep', schedule: 'rate(1 minute)', run }], (line) => lines.push(line));
    await vi.advanceTimersByTimeAsync(2 * minute);
    expect(run).toHaveBeenCalledTimes(2);
    expect(lines[0]).toMatch(/^job sweep failed: Error: database gone/);
  });

  test('does not run by itself after the scheduler has stopped, but does when it is triggered', async () => {
    const run = vi.fn(async () => {});
    const { stop, trigger } = begin([{ name: 'job', schedule: 'rate(1 minute)', run }]);
    await stop();
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(run).not.toHaveBeenCalled();
    await trigger('job');
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(run).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('delays the stop of the scheduler while it runs, at most a second', async () => {
    const gate = Promise.withResolvers<void>();
    const { stop, trigger } = begin([{ name: 'job', schedule: 'rate(1 minute)', run: () => gate.promise }]);
    void trigger('job');
    await Promise.resolve();
    const stopped = vi.fn();
    const stopping = stop().then(stopped);
    await vi.advanceTimersByTimeAsync(900);
    expect(stopped).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(100);
    await stopping;
    expect(stopped).toHaveBeenCalled();
    gate.resolve();
  });

  test('triggered by hand returns its result or its error, and joins a current run', async () => {
    const gate = Promise.withResolvers<string>();
    const run = vi.fn(() => gate.promise);
    const failing = async () => {
      throw new Error('no');
    };
    const { trigger } = begin([
      { name: 'job', schedule: 'rate(1 minute)', run },
      { name: 'failing', schedule: 'rate(1 minute)', run: failing },
    ]);
    const both = [trigger('job'), trigger('job')];
    gate.resolve('swept 3');
    expect(await Promise.all(both)).toEqual(['swept 3', 'swept 3']);
    expect(run).toHaveBeenCalledTimes(1);
    await expect(trigger('failing')).rejects.toThrow('no');
    await expect(trigger('other')).rejects.toThrow('There is no job other; there are job, failing.');
  });
});

describe('when the clock is moved', () => {
  const start = Date.UTC(2030, 0, 1);
  const moved = (jobs: Job[], log: (line: string) => void = () => {}) => {
    let now = start;
    const to = (ms: number) => {
      now = start + ms;
    };
    scheduler = startScheduler({ jobs, clock: { now: () => now }, log });
    return { scheduler, now: () => now - start, to };
  };

  test('jobs that fell due have run once each after catching up, and keep their rhythm', async () => {
    const runs: [string, number][] = [];
    const job = (name: string, schedule: string): Job => ({
      name,
      schedule,
      run: async () => runs.push([name, now()]),
    });
    const { scheduler, to, now } = moved([
      job('minutely', 'rate(1 minute)'),
      job('hourly', 'rate(1 hour)'),
      job('daily', 'cron(0 12 * * ? *)'),
    ]);
    to(90 * minute);
    expect(await scheduler.catchUp(1000)).toEqual([]);
    expect(runs).toEqual([
      ['minutely', 90 * minute],
      ['hourly', 90 * minute],
    ]);
    expect(await scheduler.catchUp(1000), 'nothing is due twice').toEqual([]);
    expect(runs).toHaveLength(2);
    to(91 * minute);
    await vi.advanceTimersByTimeAsync(minute);
    expect(runs.slice(2)).toEqual([['minutely', 91 * minute]]);
  });

  test('a run that started before is awaited, and another one sees the new time', async () => {
    const gate = Promise.withResolvers<void>();
    const seen: number[] = [];
    const { scheduler, to, now } = moved([
      {
        name: 'job',
        schedule: 'rate(1 minute)',
        run: async () => {
          seen.push(now());
          if (seen.length === 1) await gate.promise;
        },
      },
    ]);
    const first = scheduler.trigger('job');
    await Promise.resolve();
    to(5 * minute);
    const caughtUp = scheduler.catchUp(1000);
    gate.resolve();
    await first;
    expect(await caughtUp).toEqual([]);
    expect(seen).toEqual([0, 5 * minute]);
  });

  test('a job that exceeds the time limit is named, and one that fails is logged', async () => {
    const lines: string[] = [];
    const gate = Promise.withResolvers<void>();
    const failing = async () => {
      throw new Error('database gone');
    };
    const { scheduler, to } = moved(
      [
        { name: 'slow', schedule: 'rate(1 minute)', run: () => gate.promise },
        { name: 'failing', schedule: 'rate(1 minute)', run: failing },
      ],
      (line) => lines.push(line),
    );
    to(minute);
    const caughtUp = scheduler.catchUp(500);
    await vi.advanceTimersByTimeAsync(500);
    expect(await caughtUp).toEqual(['slow']);
    expect(lines).toEqual([expect.stringMatching(/^job failing failed: Error: database gone/)]);
    gate.resolve();
  });
});

describe('jobs for reports', () => {
  const ran: string[] = [];
  let jobs: Jobs | undefined;
  const start = (options: Pick<Parameters<typeof startJobs>[0], 'askedForReports' | 'onReports' | 'warehouse'>) => {
    ran.length = 0;
    const invoke = async (handler: string) => ran.push(handler);
    jobs = startJobs({
      refreshKeys: false,
      ...options,
      invoke,
      clock: { now: () => Date.now() } as never,
      log: () => {},
    });
    return jobs;
  };
  const request = (path: string) => ({ kind: 'request', method: 'GET', path, status: 200 }) as never;
  afterEach(() => jobs?.stop());

  test('wait on a laptop until somebody asks for a report, which it then remembers', async () => {
    const onReports = vi.fn();
    const { trigger, afterRequest } = start({ askedForReports: false, onReports, warehouse: true });
    afterRequest(request('/orders'));
    for (const name of ['load-warehouse', 'reconcile-books'])
      expect(await trigger(name)).toBe('nobody asks for reports');
    expect([ran, onReports.mock.calls]).toEqual([[], []]);
    for (const path of ['/reports/sales', '/reports/live']) afterRequest(request(path));
    for (const name of ['load-warehouse', 'reconcile-books']) await trigger(name);
    expect(ran).toEqual(['jobs/load-warehouse', 'jobs/reconcile-books']);
    expect(onReports).toHaveBeenCalledOnce();
  });

  test('run in containers from the start, and those of the warehouse where there is one', async () => {
    const { trigger, planned } = start(containerJobs(undefined));
    await trigger('reconcile-books');
    expect(ran).toEqual(['jobs/reconcile-books']);
    const names = planned().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['send-reports', 'run-report-exports']));
    const ofWarehouse = (each: string[]) => each.filter((name) => name.endsWith('-warehouse'));
    expect(ofWarehouse(names)).toEqual([]);
    const withOne = start(containerJobs('bucket')).planned();
    expect(ofWarehouse(withOne.map(({ name }) => name))).toEqual(['load-warehouse', 'check-warehouse']);
  });
});
