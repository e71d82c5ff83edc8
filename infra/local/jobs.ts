import { setTimeout as sleep } from 'node:timers/promises';
import { isScheduled, jobs } from '../../functions/jobs.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import type { FromHost } from './functions/protocol.ts';
import { type Scheduler, startScheduler } from './scheduler.ts';

export type Jobs = Scheduler & {
  /** Sends e-mails at once when the request may have written one. A laptop does not wait for the schedule. */
  afterRequest(line: Request): void;
  /** Sends e-mails at once: a consumer may have written one. */
  sendMails(): void;
  /** Publishes domain events soon: something may have written one. */
  publish(): void;
};

type Request = Extract<FromHost, { kind: 'request' }>;

type Options = {
  invoke: (handler: string, payload: unknown, timeoutSeconds: number) => Promise<unknown>;
  /** Whether to read the keys of the stack's own issuer often: it may have new ones after a restart. */
  refreshKeys: boolean;
  /** Whether to run the jobs for reports from the start. Otherwise they wait until somebody asks for one. */
  askedForReports: boolean;
  /** Called when reports are asked for and `askedForReports` was false. */
  onReports?: () => void;
  /** Whether there is a warehouse. Without one, the jobs that write it are left out. */
  warehouse: boolean;
  clock: Clock;
  log: (line: string) => void;
};

const refreshKeysEveryMs = 10_000;

/** They make the reader start, which a laptop without reports does without. */
const forReports = new Set<string>(['load-warehouse', 'check-warehouse', 'reconcile-books']);

/** Runs every job of `functions/jobs.ts` that has a schedule. */
export function startJobs(options: Options): Jobs {
  const { invoke, refreshKeys, askedForReports, onReports = () => {}, warehouse, clock, log } = options;
  let asksReports = askedForReports;
  const scheduler = startScheduler({
    log,
    clock,
    jobs: Object.values(jobs)
      .filter((job) => isScheduled(job) && (warehouse || !('warehouse' in job && job.warehouse === 'writes')))
      .map(({ name, schedule, handler, timeoutSeconds, writesMails }) => ({
        name,
        schedule,
        async run() {
          if (forReports.has(name) && !asksReports) return 'nobody asks for reports';
          const done = await invoke(handler, {}, timeoutSeconds);
          // Also its events.
          if (writesMails) wake();
          return done;
        },
      })),
  });
  const sendMails = againWhileRunning(() => scheduler.trigger('send-mails'));
  const publish = againWhileRunning(() => scheduler.trigger('publish-events'), gatherMs);
  const wake = () => {
    void sendMails.call();
    void publish.call();
  };
  const refresh = () => void scheduler.trigger('refresh-issuer-keys').catch(() => {});
  const timer = refreshKeys ? setInterval(refresh, refreshKeysEveryMs) : undefined;
  return {
    ...scheduler,
    afterRequest: (line) => {
      if (mayWriteMail(line)) void sendMails.call();
      if (asksReports || !/^\/report(s|-subscriptions)\b/.test(line.path)) return;
      asksReports = true;
      onReports();
    },
    publish: () => void publish.call(),
    sendMails: () => void sendMails.call(),
    async stop() {
      clearInterval(timer);
      publish.end();
      await scheduler.stop();
    },
  };
}

const mayWriteMail = ({ method, path, status }: Request): boolean =>
  method === 'POST' && status < 300 && /^\/(customers|password-resets)\b/.test(path);

/** What happens within so many milliseconds is published together. */
const gatherMs = 80;

/** Runs `work` one run at a time, each `pauseMs` after it was asked for, and once more when it was called during a run. */
function againWhileRunning(work: () => Promise<unknown>, pauseMs = 0): { call: () => Promise<void>; end: () => void } {
  let [running, again, ended] = [false, false, false];
  return {
    async call() {
      again = true;
      if (running) return;
      running = true;
      while (again && !ended) {
        if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false });
        again = false;
        if (!ended) await work().catch(() => {}); // The schedule tries again.
      }
      running = false;
    },
    end() {
      ended = true;
    },
  };
}
