import { spoolFolderOf } from './archive.ts';
import { findPlace } from './place.ts';
import { primaryFolder, standbyFolder, swapPrimary } from './primary.ts';
import type { Standby } from './standby.ts';
import { type Postgres, startPostgres } from './start.ts';

export type SupervisedPostgres = Pick<Postgres, 'firstRun' | 'stop'> & {
  /** Of the server that takes writes now. After a failover it is another one. */
  socketPath(): string;
  /** The server itself, for a standby of it. */
  primary(): Postgres;
  /** Of its postmaster. */
  pid(): number;
  /** Where its WAL segments wait to be archived. */
  spoolFolder(): string;
  /** Resolves when a standby has every transaction that is confirmed from then on. Only with `standby`. */
  standbyReady(): Promise<void>;
  /** Of the standby's postmaster, when it has caught up. */
  standbyPid(): number | undefined;
};

type Options = Omit<Parameters<typeof startPostgres>[0], 'dataDir'> & {
  /** The folder of the stack. */
  directory: string;
  /** Whether to run a standby, which takes over when the server ends by itself. */
  standby?: boolean;
  log: (line: string) => void;
  /**
   * The standby has taken over. Gets the spool folder of the server before, which is deleted when this resolves, and the
   * new primary.
   */
  onFailover?: (spoolBefore: string, primary: { dataDir: string; socketDir: string }) => Promise<unknown>;
  /** It ended too often by itself, or cannot be started again. */
  onCrash: (error: unknown) => void;
};

/** Within a minute. */
const mostRestarts = 5;
/** How long after a standby has failed the next one is made. */
const standbyPauseMs = 2000;

/**
 * A PostgreSQL that goes on when it ends by itself, as Aurora does, with all confirmed data. Without a standby it is
 * started again; with one, the standby takes over, and the old primary's folder becomes the next standby. Rejects as
 * `startPostgres` does when the first start fails.
 */
export async function supervisePostgres(options: Options): Promise<SupervisedPostgres> {
  const { directory, log, onCrash, onFailover, ...server } = options;
  const start = async (): Promise<Running> => {
    const dataDir = await primaryFolder(directory);
    const postgres = await startPostgres({ ...server, log, dataDir });
    return { postgres, spool: spoolFolderOf(await findPlace(dataDir)) };
  };
  let current = await start();
  const { firstRun } = current.postgres;
  let stopping = false;
  let mending: Promise<void> = Promise.resolve();
  const ends: number[] = [];
  const standby = options.standby === true ? keepStandby(options, () => current.postgres) : undefined;
  watch(current);

  function watch({ postgres }: Running): void {
    void postgres.exited.then((line) => {
      if (stopping) return;
      const now = performance.now();
      ends.push(now);
      if (ends.filter((time) => time > now - 60_000).length > mostRestarts) {
        onCrash(new Error(`PostgreSQL has stopped: ${line}`));
        return;
      }
      mending = mend(line).catch((error: unknown) => {
        if (!stopping) onCrash(error);
      });
    });
  }

  async function mend(line: string): Promise<void> {
    const ended = current;
    const next = standby?.takeReady();
    log(`PostgreSQL has stopped (${line}); ${next ? 'the standby takes over' : 'starting it again'}`);
    await ended.postgres.stop();
    if (next !== undefined) {
      await next.promote();
      await swapPrimary(directory);
      const dataDir = await primaryFolder(directory);
      current = { postgres: next.postgres, spool: spoolFolderOf(await findPlace(dataDir)) };
      await onFailover?.(ended.spool, { dataDir, socketDir: next.postgres.socketDir });
    } else if (!stopping) current = await start();
    if (stopping) return;
    watch(current);
    standby?.replace();
  }

  return {
    firstRun,
    socketPath: () => current.postgres.socketPath,
    primary: () => current.postgres,
    pid: () => current.postgres.pid,
    spoolFolder: () => current.spool,
    standbyReady: () => standby?.ready() ?? Promise.reject(new Error('there is no standby')),
    standbyPid: () => standby?.pid(),
    async stop() {
      stopping = true;
      await mending;
      // The primary first: it sends the last of its WAL when it stops.
      await current.postgres.stop();
      await standby?.stop();
    },
  };
}

type Running = { postgres: Postgres; spool: string };

/** Makes a standby of the primary in the background, and another one when it fails. */
function keepStandby({ directory, settings, programs, log }: Options, primary: () => Postgres) {
  let current: Standby | undefined;
  let ready = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let making: Promise<void> = make();

  async function make(): Promise<void> {
    try {
      const dataDir = await standbyFolder(directory);
      // Loaded here, so that a stack without a standby starts sooner.
      const { startStandby } = await import('./standby.ts');
      const made = await startStandby({ primary: primary(), dataDir, programs, log, ...(settings && { settings }) });
      if (stopping) return await made.stop();
      current = made;
      log('the standby has caught up');
      ready.resolve();
      void made.ended.then(() => {
        if (current === made) again('the standby has stopped');
      });
    } catch (error) {
      if (!stopping) again(`the standby did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  function again(why: string): void {
    current = undefined;
    ready = Promise.withResolvers();
    if (stopping) return;
    log(`${why}; making another one`);
    timer = setTimeout(replace, standbyPauseMs);
  }

  function replace(): void {
    clearTimeout(timer);
    if (!stopping && current === undefined) making = making.then(make);
  }

  return {
    ready: () => ready.promise,
    pid: () => current?.postgres.pid,
    replace,
    /** The standby, if it has caught up, for the caller to promote. */
    takeReady(): Standby | undefined {
      const taken = current;
      current = undefined;
      if (taken !== undefined) ready = Promise.withResolvers();
      return taken;
    },
    async stop(): Promise<void> {
      stopping = true;
      clearTimeout(timer);
      await current?.stop();
      await making;
    },
  };
}
