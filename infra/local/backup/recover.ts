import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Binaries } from '../postgres/binaries.ts';
import { DataCorrupt, PostgresExited } from '../postgres/errors.ts';
import { makeSocketFolder, type Place } from '../postgres/place.ts';
import { startServer } from '../postgres/server.ts';
import { Damaged, PointUnreachable } from './errors.ts';
import type { Manifest } from './repository.ts';

/** To a time, to the end of a base backup, or by default as far as the archive goes. */
export type Target = { to: Date } | { backupId: string } | Record<string, never>;

type Options = {
  binaries: Binaries;
  place: Place;
  /** Folder of the archived segments. */
  wal: string;
  target: Target;
  backup: Manifest;
  /** The segment that recovery cannot go past, if any. */
  missing: string | undefined;
};

/**
 * Lets PostgreSQL replay the WAL up to the target, and stops it when it would serve again.
 * @returns when the last transaction committed that was replayed
 * @throws PointUnreachable when the WAL ends before the target
 */
export async function recover({ binaries, place, wal, target, backup, missing }: Options): Promise<Date | undefined> {
  const { data, account } = place;
  await writeFile(join(data, 'recovery.signal'), '', { mode: 0o600 });
  // The server's own rules come back: those of here are for the time of recovery only.
  const socketDir = await makeSocketFolder(dirname(data), account);
  const logFile = join(dirname(data), 'recovery.log');
  try {
    const server = await startServer({
      binaries,
      place,
      socketDir,
      logFile,
      settings: { ...recoverySettings, ...targetSettings(target), restore_command: `cp '${wal}/%f' '%p'` },
    });
    await server.stop();
    return lastCommitIn(await readFile(logFile, 'utf8'));
  } catch (error) {
    const log = await readFile(logFile, 'utf8').catch(() => '');
    if (!/recovery ended before configured recovery target was reached/.test(log)) throw explain(error, backup);
    const last = lastCommitIn(log)?.toISOString() ?? backup.endedAt;
    const why = missing === undefined ? 'The WAL archive ends there' : `WAL segment ${missing} is missing or damaged`;
    throw new PointUnreachable(
      `${why}, so nothing after ${last} can be restored: name that time or an earlier one with --to.`,
      { cause: error },
    );
  } finally {
    await rm(socketDir, { recursive: true, force: true });
    await rm(logFile, { force: true });
    await rm(`${logFile}.1`, { force: true });
  }
}

/** PostgreSQL's own advice for damaged data is to start over, which is not what a restore is for. */
const explain = (error: unknown, { id }: Manifest): unknown =>
  error instanceof DataCorrupt || error instanceof PostgresExited
    ? new Damaged(
        `PostgreSQL cannot recover backup ${id}: ${error.cause instanceof Error ? error.cause.message : error.message}`,
        {
          cause: error,
        },
      )
    : error;

/** Nobody connects before recovery has ended. What another server's configuration may ask for is switched off. */
const recoverySettings = {
  hot_standby: 'off',
  archive_mode: 'off',
  shared_preload_libraries: '',
  ssl: 'off',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'log',
  lc_messages: 'C',
  recovery_target_action: 'promote',
};

function targetSettings(target: Target): Record<string, string> {
  if ('backupId' in target) return { recovery_target: 'immediate' };
  return 'to' in target ? { recovery_target_time: target.to.toISOString().replace('T', ' ').replace('Z', '+00') } : {};
}

function lastCommitIn(log: string): Date | undefined {
  const [, at] = /last completed transaction was at log time (\S+ \S+)/.exec(log) ?? [];
  // For example "2026-11-29 17:39:20.123456+00".
  return at === undefined
    ? undefined
    : new Date(
        at
          .replace(' ', 'T')
          .replace(/(\.\d{3})\d*/, '$1')
          .replace(/\+00$/, 'Z'),
      );
}
