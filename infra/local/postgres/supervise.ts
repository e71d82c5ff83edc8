import { type Postgres, startPostgres } from './start.ts';

export type SupervisedPostgres = Pick<Postgres, 'socketPath' | 'firstRun' | 'stop'> & {
  /** Of the postmaster that runs now. */
  pid(): number;
};

type Options = Parameters<typeof startPostgres>[0] & {
  log: (line: string) => void;
  /** It ended too often by itself, or cannot be started again. */
  onCrash: (error: unknown) => void;
};

/** Within a minute. */
const mostRestarts = 5;

/**
 * A PostgreSQL that is restarted when it ends by itself, as Aurora is: at the same address, with all committed data.
 * Rejects as `startPostgres` does when the first start fails.
 */
export async function supervisePostgres({ onCrash, ...options }: Options): Promise<SupervisedPostgres> {
  let current = await startPostgres(options);
  const { firstRun, socketPath } = current;
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();
  const ends: number[] = [];
  watch(current);

  function watch(server: Postgres): void {
    void server.exited.then((line) => {
      if (stopping) return;
      const now = performance.now();
      ends.push(now);
      if (ends.filter((time) => time > now - 60_000).length > mostRestarts) {
        onCrash(new Error(`PostgreSQL has stopped: ${line}`));
        return;
      }
      options.log(`PostgreSQL has stopped (${line}); starting it again`);
      restarting = restart(server).catch((error: unknown) => {
        if (!stopping) onCrash(error);
      });
    });
  }

  async function restart(ended: Postgres): Promise<void> {
    await ended.stop();
    if (stopping) return;
    current = await startPostgres(options);
    watch(current);
  }

  return {
    socketPath,
    firstRun,
    pid: () => current.pid,
    async stop() {
      stopping = true;
      await restarting;
      await current.stop();
    },
  };
}
