import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../../lib/kernel/process.ts';
import type { Binaries } from './binaries.ts';
import { DataCorrupt, PostgresExited, tellingLine, toStartError } from './errors.ts';
import type { Place } from './place.ts';
import { endProcess, findProcess } from './processes.ts';

export type Server = {
  pid: number;
  /** Resolves with the last line that PostgreSQL logged, when it has ended for any reason. */
  exited: Promise<string>;
  stop(): Promise<void>;
};

type Options = {
  binaries: Binaries;
  place: Place;
  socketDir: string;
  logFile: string;
  settings: Record<string, string>;
};

/** Starts the server and waits until it accepts connections. Throws PostgresExited, DataCorrupt, DiskFull. */
export async function startServer(options: Options): Promise<Server> {
  // The children of a killed server take a moment to notice. Until then its memory counts as in use.
  for (const end = Date.now() + 10_000; ; await sleep(50)) {
    try {
      return await startOnce(options);
    } catch (error) {
      const inUse = error instanceof PostgresExited && /pre-existing shared memory/.test(error.lastLine);
      if (!inUse || Date.now() > end) throw error;
    }
  }
}

async function startOnce({ binaries, place, socketDir, logFile, settings }: Options): Promise<Server> {
  await rename(logFile, `${logFile}.1`).catch(() => {});
  const log = await open(logFile, 'w', 0o600);
  const all = { ...laptopSettings, ...settings, unix_socket_directories: socketDir };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', place.data, ...flags], {
    ...place.account,
    cwd: '/',
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // Ctrl-C must not reach it before the functions have stopped.
  });
  endWithThisProcess(child);
  const lastLine = async () => tellingLine(await readFile(logFile, 'utf8').catch(() => ''));
  const ended = new Promise<Error>((resolve) => {
    child.once('error', (error) => resolve(toStartError(binaries.postgres, place.data, error, '')));
    child.once('exit', async () =>
      resolve(classify(place.data, toStartError('PostgreSQL', place.data, undefined, await lastLine()))),
    );
  });
  await log.close();

  const ready = await Promise.race([ended, untilReady(child, place.data)]);
  if (ready instanceof Error) throw ready;
  return { pid: child.pid!, exited: ended.then(lastLine), stop: () => stopServer(child) };
}

/** For a process that ends without having called stop. */
function endWithThisProcess(child: ChildProcess): void {
  const end = () => child.kill('SIGINT');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}

/** Safe against `kill -9` and power cuts. Everything else is sized for a laptop. */
const laptopSettings = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  shared_buffers: '128MB',
  max_connections: '100',
  max_wal_size: '256MB',
  // For base backups, the WAL archive and a standby. One that is cloned may fall behind by so much WAL.
  wal_level: 'replica',
  max_wal_senders: '5',
  wal_keep_size: '64MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Slow statements are logged with their users, and without their values, as on AWS.
  log_line_prefix: '%m %u[%p] ',
  log_min_duration_statement: '500',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
};

/** The postmaster writes "ready" into the eighth line of its pid file when it accepts connections. */
async function untilReady(child: ChildProcess, data: string): Promise<undefined> {
  const file = join(data, 'postmaster.pid');
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return undefined;
    await sleep(4);
  }
  return await new Promise(() => {}); // It ended, and `ended` says why.
}

/** A start that fails means damaged data, unless the reason is the machine's. */
function classify(data: string, error: Error): Error {
  if (!(error instanceof PostgresExited) || machineFailure.test(error.lastLine) || !error.lastLine) return error;
  return new DataCorrupt(data, error.lastLine, { cause: error });
}

const machineFailure =
  /shared memory|Permission denied|lock file|could not (bind|create|fork|map|resize|listen)|semaphore|out of memory|Too many open files|parameter "|terminating|received/;

/** Fast shutdown; immediate shutdown after 1.2 s; SIGKILL after 1.7 s. */
async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const escalate = [setTimeout(() => child.kill('SIGQUIT'), 1_200), setTimeout(() => child.kill('SIGKILL'), 1_700)];
  child.kill('SIGINT');
  await exit;
  for (const timer of escalate) clearTimeout(timer);
}

/** Stops a server that still runs on a data folder because its supervisor was killed. */
export async function stopOrphan(data: string, log: (line: string) => void): Promise<void> {
  const { pid } = await readPidFile(data);
  const runs = async () => (await findProcess(pid))?.command.includes(`postgres -D ${data} `) ?? false;
  if (!(pid > 0)) return;
  if (await runs()) {
    log('stopping the PostgreSQL that a killed run left running');
    await endProcess(pid, [
      ['SIGINT', 1_500],
      ['SIGQUIT', 1_500],
      ['SIGKILL', 2_000],
    ]);
    if (await runs()) return; // PostgreSQL refuses to start beside it.
  }
  // A zombie, or another process with the same pid: PostgreSQL would refuse to start. It handles any other stale file.
  const left = await readPidFile(data);
  if (left.pid === pid && isAlive(pid)) await writeFile(left.file, [neverUsed, ...left.rest].join('\n'));
}

/** `pid` is 0 without a file. PostgreSQL reads from the `rest` whether children of a dead server still use its memory. */
async function readPidFile(data: string): Promise<{ file: string; pid: number; rest: string[] }> {
  const file = join(data, 'postmaster.pid');
  const [first = '', ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  return { file, pid: Number(first), rest };
}

/** Higher than the pid of any system. */
const neverUsed = '2000000000';
