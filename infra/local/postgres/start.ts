import { mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinaries } from './binaries.ts';
import { DataCorrupt, explain } from './errors.ts';
import { initialise, removeHalfMade } from './initialise.ts';
import { type Lock, takeLock } from './lock.ts';
import { stopOrphan } from './orphan.ts';
import { findPlace, makeSocketFolder, type Place, removePlace } from './place.ts';
import { type Server, startServer } from './server.ts';

export type Postgres = {
  /** A folder that only the user of PostgreSQL, and root, may enter. */
  socketDir: string;
  socketPath: string;
  /** Only part of the socket's name: PostgreSQL listens on no network. */
  port: number;
  /** Of the postmaster. */
  pid: number;
  firstRun: boolean;
  /** Settles when PostgreSQL has ended, for whatever reason, with the last line that it logged. */
  exited: Promise<string>;
  /** Fast shutdown, done within 2 s. The data folder is free for another process then. */
  stop(): Promise<void>;
};

type Options = {
  /** Made when missing; it also holds `server.log` and the supervisor's lock. */
  dataDir: string;
  /** Server settings beyond those for a laptop. */
  settings?: Record<string, string>;
  log?: (line: string) => void;
};

/**
 * Starts a PostgreSQL like the one that RDS gives (`rdsadmin` above all, `migrator` as master user, `rds_iam`, database
 * `counterfoil`), reachable through a unix socket alone. Data survives restarts and `kill -9`; a server that a killed
 * process left behind is stopped first. Throws the errors of `errors.ts`, and leaves nothing running then.
 */
export async function startPostgres({ dataDir: given, settings = {}, log = () => {} }: Options): Promise<Postgres> {
  let lock: Lock | undefined;
  let socketDir: string | undefined;
  try {
    await mkdir(given, { recursive: true });
    const dataDir = await realpath(given);
    lock = await takeLock(dataDir);
    const place = await findPlace(dataDir);
    const binaries = await findBinaries(place.account, log);
    const firstRun = !(await exists(place.data));
    await removeHalfMade(place.data);
    if (firstRun) {
      log('creating the database');
      await initialise(binaries, place);
    } else {
      await stopOrphan(place.data, log);
      await checkVersion(place.data, binaries.majorVersion);
    }
    socketDir = await makeSocketFolder(dataDir, place.account);
    const logFile = join(dataDir, 'server.log');
    const server = await startServer({ binaries, place, socketDir, logFile, settings });
    return { ...describe(server, socketDir), firstRun, stop: stopper(server, socketDir, lock) };
  } catch (error) {
    if (socketDir) await rm(socketDir, { recursive: true, force: true });
    await lock?.release();
    throw explain(error, given);
  }
}

/** Removes a data folder for good, with what it points to. Throws DataInUse while a supervisor runs on it. */
export async function removePostgresData(given: string): Promise<void> {
  const dataDir = await realpath(given).catch(() => undefined);
  if (!dataDir) return;
  let lock: Lock | undefined;
  try {
    lock = await takeLock(dataDir);
    const place: Place | undefined = await findPlace(dataDir).catch(() => undefined);
    if (place) await stopOrphan(place.data, () => {});
    await removePlace(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  } catch (error) {
    await lock?.release();
    throw explain(error, given);
  }
}

function describe({ pid, exited }: Server, socketDir: string): Omit<Postgres, 'firstRun' | 'stop'> {
  return { socketDir, socketPath: join(socketDir, '.s.PGSQL.5432'), port: 5432, pid, exited };
}

function stopper(server: Server, socketDir: string, lock: Lock): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await server.stop();
    await rm(socketDir, { recursive: true, force: true });
    await lock.release();
  };
  return () => (stopped ??= stop());
}

async function checkVersion(data: string, wanted: string): Promise<void> {
  const version = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (!version) throw new DataCorrupt(data, 'PG_VERSION is missing');
  if (version !== wanted) throw new DataCorrupt(data, `it was made by PostgreSQL ${version}, this is ${wanted}`);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
