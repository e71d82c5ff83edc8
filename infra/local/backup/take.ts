import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { readSpool, type Spool, spoolFolderOf, writeSpool } from '../postgres/archive.ts';
import { type Connection, walFileOf, withBaseBackup } from '../postgres/base-backup.ts';
import type { Place } from '../postgres/place.ts';
import { BackupError, SourceRefused } from './errors.ts';
import { baseFile, type Manifest, type Repository, store, writeManifest } from './repository.ts';
import { ship } from './wal.ts';

export type Source = {
  connection: Connection;
  /** Of the laptop's cluster, whose WAL is then archived too. */
  place?: Place;
};

type Progress = (done: number, total: number) => void;

/** How often PostgreSQL hands over a segment that is not full, while something is written. */
export const archiveTimeout = '60s';

/**
 * Takes a base backup of a running PostgreSQL. Nothing is left when it fails.
 * @throws SourceRefused, NoSpace
 */
export async function takeBackup(
  repository: Repository,
  { connection, place }: Source,
  onProgress: Progress = () => {},
): Promise<Manifest> {
  const sql = postgres({ ...connection, max: 1, fetch_types: false, onnotice: () => {} });
  try {
    const about = await describe(sql);
    const { startedAt, systemId, segmentBytes } = about;
    // Before the copy, so that no segment is missing after it.
    const line = place === undefined ? undefined : await archive(sql, repository, place, systemId);
    const id = `${startedAt.replaceAll(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 4)}`;
    const folder = join(repository.folder, 'base', id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const taken = await withBaseBackup(
        connection,
        `counterfoil ${id}`,
        async ({ tar, manifest }) => ({
          ...(await store(repository, tar, () => baseFile(id))),
          ...(await manifest),
        }),
        (bytes) => onProgress(bytes, Math.max(bytes, about.bytes)),
      );
      const { timeline, startLsn, bytes, sha256, storedBytes } = taken;
      const made: Manifest = {
        format: 1,
        id,
        startedAt,
        endedAt: await now(sql),
        postgres: about.postgres,
        systemId,
        ...(line === undefined ? {} : { line }),
        startSegment: walFileOf(timeline, startLsn, segmentBytes),
        segmentBytes,
        bytes,
        sha256,
        storedBytes,
      };
      await writeManifest(repository, made);
      if (place !== undefined) await ship(spoolFolderOf(place));
      return made;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  } catch (error) {
    throw explainSource(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Begins to archive the laptop's WAL, or goes on. Returns the line. */
async function archive(sql: postgres.Sql, repository: Repository, place: Place, systemId: string): Promise<string> {
  const folder = spoolFolderOf(place);
  const known = await readSpool(folder);
  const goesOn = known?.systemId === systemId && known.repository === repository.folder;
  const spool: Spool = {
    line: goesOn ? known.line : randomUUID(),
    systemId,
    repository: repository.folder,
    keyFile: repository.keyFile,
  };
  await writeSpool(place, spool);
  await sql.unsafe(`alter system set archive_timeout = '${archiveTimeout}'`);
  await sql`select pg_reload_conf()`;
  return spool.line;
}

async function describe(sql: postgres.Sql) {
  const [row] = await sql`
    select current_setting('server_version_num')::integer / 10000 as version,
      (select system_identifier::text from pg_control_system()) as system_id,
      (select setting::integer from pg_settings where name = 'wal_segment_size') as segment_bytes,
      (select sum(pg_database_size(oid))::float8 from pg_database) as bytes,
      (select count(*)::integer from pg_tablespace where spcname not in ('pg_default', 'pg_global')) as tablespaces`;
  const { version, system_id: systemId, segment_bytes: segmentBytes, bytes, tablespaces } = row!;
  if (tablespaces > 0) throw new SourceRefused('This PostgreSQL has tablespaces, which cannot be backed up.');
  return {
    startedAt: await now(sql),
    postgres: String(version),
    systemId: systemId as string,
    segmentBytes: segmentBytes as number,
    bytes: bytes as number,
  };
}

async function now(sql: postgres.Sql): Promise<string> {
  const [row] = await sql`select ceil(extract(epoch from clock_timestamp()) * 1000)::float8 as milliseconds`;
  return new Date(row!.milliseconds as number).toISOString();
}

function explainSource(error: unknown): unknown {
  if (error instanceof BackupError) return error;
  const { code = '', message } = error as Error & { code?: string };
  if (/^(ENOENT|ECONN|ENOTFOUND|EHOST|CONNECT_|CONNECTION_|57P03)/.test(code))
    return new SourceRefused(
      `PostgreSQL does not answer (${code}): start it with npm start, or name another one with --url.`,
      { cause: error },
    );
  if (code === '42501' || code.startsWith('28'))
    return new SourceRefused(
      `PostgreSQL does not let this user take a backup (${message}): it needs the attribute REPLICATION, and a line for "replication" in pg_hba.conf.`,
      { cause: error },
    );
  return code === '' ? error : new SourceRefused(`PostgreSQL refused the backup: ${message}.`, { cause: error });
}
