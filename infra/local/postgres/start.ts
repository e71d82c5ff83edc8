import { mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveSettings } from './archive.ts';
import { findBinaries } from './binaries.ts';
import { DataCorrupt, explain } from './errors.ts';
import { forgetStandby, initialise, removeHalfMade, writeHostRules } from './initialise.ts';
import { type Lock, takeLock } from './lock.ts';
import { findPlace, makeSocketFolder, type Place, removePlace } from './place.ts';
import { type Server, startServer, stopOrphan } from './server.ts';

export type Postgres = {
  /** A folder that only root and the user that PostgreSQL runs as may enter. */
  socketDir: string;
  socketPath: string;
  /** Part of the socket's name. PostgreSQL listens on no network. */
  port: number;
  /** Of the postmaster. */
  pid: number;
  firstRun: boolean;
  /** Resolves with the last line that PostgreSQL logged, when it has ended for any reason. */
  exited: Promise<string>;
  /** Fast shutdown within 2 s. Then another process can use the data folder. */
  stop(): Promise<void>;
};

type Options = {
  /** Created when missing. It also holds `server.log` and the supervisor's lock. */
  dataDir: string;
  /** Server settings that replace or extend the defaults for a laptop. */
  settings?: Record<string, string>;
  /** The folder of another version of the package with PostgreSQL's programs. By default the installed one. */
  programs?: string | undefined;
  log?: (line: string) => void;
};

/**
 * Starts a PostgreSQL that is set up like RDS: superuser `rdsadmin`, master user `migrator`, role `rds_iam`, database
 * `counterfoil`. It listens on a unix socket alone. Data survives restarts and `kill -9`. A server that a killed run
 * left running is stopped first. Throws the errors of `errors.ts`; nothing is running then.
 */
export async function startPostgres(options: Options): Promise<Postgres> {
  const { dataDir: given, settings = {}, programs, log = () => {} } = options;
  let lock: Lock | undefined;
  let socketDir: string | undefined;
  try {
    await mkdir(given, { recursive: true });
    const dataDir = await realpath(given);
    lock = await takeLock(dataDir);
    const place = await findPlace(dataDir);
    const binaries = await findBinaries(place.account, log, programs);
    const firstRun = !(await exists(place.data));
    await removeHalfMade(place.data);
    if (firstRun) {
      log('creating the database');
      await initialise(binaries, place);
    } else {
      await stopOrphan(place.data, log);
      await checkVersion(place.data, binaries.majorVersion);
      await writeHostRules(place.data);
      await forgetStandby(place.data);
    }
    socketDir = await makeSocketFolder(dataDir, place.account);
    const logFile = join(dataDir, 'server.log');
    const server = await startServer({
      binaries,
      place,
      socketDir,
      logFile,
      settings: { ...archiveSettings(place), ...settings },
    });
    return { ...describe(server, socketDir), firstRun, stop: stopper(server, socketDir, lock) };
  } catch (error) {
    if (socketDir) await rm(socketDir, { recursive: true, force: true });
    await lock?.release();
    throw explain(error, given);
  }
}

/** Deletes a data folder and what it points to. Throws DataInUse while a supervisor uses it. */
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
