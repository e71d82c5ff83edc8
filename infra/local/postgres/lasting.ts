import { type Postgres, startPostgres } from './start.ts';

export type LastingPostgres = Pick<Postgres, 'socketPath' | 'firstRun' | 'stop'> & {
  /** Of the postmaster that runs now. */
  pid(): number;
};

type Options = Parameters<typeof startPostgres>[0] & {
  log: (line: string) => void;
  /** It ends by itself time and again, or cannot be started any more. */
  onCrash: (error: unknown) => void;
};

/** So often within a minute a server that died is started again. */
const mostRevivals = 5;

/**
 * A PostgreSQL that is started again when it dies, as Aurora does: at the same address, with what was committed. Rejects
 * as `startPostgres` when the first start fails.
 */
export async function startLastingPostgres({ onCrash, ...options }: Options): Promise<LastingPostgres> {
  let current = await startPostgres(options);
  const { firstRun, socketPath } = current;
  let stopping = false;
  let reviving: Promise<void> = Promise.resolve();
  const deaths: number[] = [];
  watch(current);

  function watch(server: Postgres): void {
    void server.exited.then((line) => {
      if (stopping) return;
      const now = performance.now();
      deaths.push(now);
      if (deaths.filter((time) => time > now - 60_000).length > mostRevivals) {
        onCrash(new Error(`PostgreSQL has stopped: ${line}`));
        return;
      }
      options.log(`PostgreSQL has stopped (${line}); starting it again`);
      reviving = revive(server).catch((error: unknown) => {
        if (!stopping) onCrash(error);
      });
    });
  }

  async function revive(dead: Postgres): Promise<void> {
    await dead.stop();
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
      await reviving;
      await current.stop();
    },
  };
}
