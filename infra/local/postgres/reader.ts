import { dirname, join } from 'node:path';
import connect from 'postgres';
import { readerFolder } from './primary.ts';
import type { Standby } from './standby.ts';
import { type Postgres, removePostgresData } from './start.ts';

export type Reader = {
  /** Of a standby that serves reads. The first call makes it, and so does the next one after it or its primary has ended. */
  socketPath(): Promise<string>;
  /**
   * Stops or continues the replay of what the primary writes, so that reads fall behind. To stop it makes the reader, if there is
   * none.
   */
  pause(paused: boolean): Promise<void>;
  /** Whether it runs. */
  running(): boolean;
  stop(): Promise<void>;
};

type Options = {
  /** The folder of the stack. */
  directory: string;
  primary: () => Postgres;
  settings?: Record<string, string>;
  /** As of the primary. */
  programs?: string | undefined;
  log: (line: string) => void;
};

/**
 * The stand-in for Aurora's reader: a streaming standby that is made when somebody first reads from it, because most runs of the
 * stack never do. It serves reads alone, never takes over, and holds up no commit.
 */
export function createReader({ directory, primary, settings, programs, log }: Options): Reader {
  const dataDir = join(directory, readerFolder);
  let current: { primary: Postgres; standby: Promise<Standby>; ended: boolean } | undefined;
  // What a killed run has left would go on following the primary.
  let before: Promise<unknown> = removePostgresData(dataDir).catch(() => {});
  let stopping = false;

  function make(): NonNullable<typeof current> {
    log('starting the reader of PostgreSQL');
    const of = primary();
    const standby = before.then(async () => {
      // Loaded here, so that a stack without reports starts sooner.
      const { startStandby } = await import('./standby.ts');
      return startStandby({ primary: of, dataDir, reads: true, programs, log, ...(settings && { settings }) });
    });
    const made = { primary: of, standby, ended: false };
    const end = () => {
      made.ended = true;
    };
    standby.then(({ ended }) => ended).then(end, end);
    before = standby.then((running) => running.ended).catch(() => {});
    return made;
  }

  async function drop(): Promise<void> {
    const dropped = current;
    current = undefined;
    await dropped?.standby.then((standby) => standby.stop()).catch(() => {});
  }

  async function socketPath(): Promise<string> {
    if (stopping) throw new Error('the stack stops');
    // After a failover it would follow a server that is no more.
    if (current !== undefined && (current.ended || current.primary !== primary())) void drop();
    current ??= make();
    return (await current.standby).postgres.socketPath;
  }

  return {
    socketPath,
    async pause(paused) {
      // A reader that was made meanwhile is not paused.
      if (!paused && current === undefined) return;
      const sql = connect({ host: dirname(await socketPath()), user: 'rdsadmin', database: 'postgres', max: 1 });
      const turn = paused ? sql`select pg_wal_replay_pause()` : sql`select pg_wal_replay_resume()`;
      await turn.finally(() => sql.end({ timeout: 1 }));
    },
    running: () => current !== undefined && !current.ended,
    async stop() {
      stopping = true;
      await drop();
      await before;
    },
  };
}
