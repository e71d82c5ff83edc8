import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unpackTar } from 'modern-tar/fs';
import { findBinaries } from '../postgres/binaries.ts';
import { removeHalfMade } from '../postgres/initialise.ts';
import { findPlace, giveTo, type Place } from '../postgres/place.ts';
import { Damaged, explainDisk, NoSpace, OtherVersion, PointUnreachable, TargetNotEmpty } from './errors.ts';
import { recover, type Target } from './recover.ts';
import { baseFile, discard, listBackups, type Manifest, type Repository, read } from './repository.ts';
import { chainFrom, extractSegment, listSegments, type Segment } from './wal.ts';

export type RestoreOptions = {
  repository: Repository;
  target: Target;
  /** A folder for `npm start` to find PostgreSQL in, which is empty or does not exist. */
  into: string;
  onProgress?: (done: number, total: number) => void;
  log?: (line: string) => void;
  /** The free bytes of the disk that holds a folder. */
  freeBytes?: (folder: string) => Promise<number>;
};

export type Restored = {
  backup: Manifest;
  data: string;
  /** When the last transaction committed that is there; undefined when nothing came after the base backup. */
  lastCommitAt: Date | undefined;
};

/**
 * Restores a cluster into an empty folder, and stops it there. When this fails, the folder is as it was.
 * @throws TargetNotEmpty, PointUnreachable, OtherVersion, NoSpace, Damaged
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { repository, target, onProgress = () => {}, log = () => {}, freeBytes = freeBytesOf } = options;
  const into = resolve(options.into);
  const existed = await checkEmpty(into);
  const backup = choose(await listBackups(repository), target);
  const { chain, missing } = await segmentsFor(repository, backup, target);
  await checkSpace(into, backup.bytes + chain.length * backup.segmentBytes, freeBytes);
  await mkdir(into, { recursive: true });
  let place: Place | undefined;
  try {
    place = await findPlace(into);
    const binaries = await findBinaries(place.account, log);
    if (binaries.majorVersion !== backup.postgres)
      throw new OtherVersion(
        `Backup ${backup.id} was made by PostgreSQL ${backup.postgres}, and PostgreSQL ${binaries.majorVersion} is installed here: restore it with that version, or move the data by "npm run data -- export".`,
      );
    log(`unpacking base backup ${backup.id}`);
    const made = `${place.data}.new-restore`;
    await unpack(repository, backup, made, onProgress);
    const wal = join(dirname(place.data), 'wal-restore');
    const damaged = await extract(repository, backup, chain, wal, target);
    await giveTo(place, made, wal);
    await rename(made, place.data);
    log(`replaying ${chain.length} WAL segments`);
    const lastCommitAt = await recover({ binaries, place, wal, target, backup, missing: damaged ?? missing });
    await rm(wal, { recursive: true, force: true });
    return { backup, data: place.data, lastCommitAt };
  } catch (error) {
    await clear(into, existed, place);
    throw explainDisk(error, into);
  }
}

/** Whether the folder exists. Throws TargetNotEmpty. */
async function checkEmpty(into: string): Promise<boolean> {
  const names = await readdir(into).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error.code === 'ENOTDIR' ? new TargetNotEmpty(into) : error;
  });
  if (names !== undefined && names.length > 0) throw new TargetNotEmpty(into);
  return names !== undefined;
}

/** The base backup to begin with: the newest one before the point. Throws PointUnreachable. */
export function choose(backups: readonly Manifest[], target: Target): Manifest {
  const oldest = backups[0];
  if (oldest === undefined) throw new PointUnreachable('There is no backup: make one with npm run backup -- create.');
  if ('backupId' in target) {
    const found = backups.find(({ id }) => id === target.backupId);
    if (found === undefined) throw new PointUnreachable(`There is no backup ${target.backupId}.`);
    return found;
  }
  if (!('to' in target)) return backups.at(-1)!;
  const found = backups.findLast(({ endedAt }) => Date.parse(endedAt) <= target.to.getTime());
  if (found === undefined)
    throw new PointUnreachable(
      `${target.to.toISOString()} lies before the oldest backup, which ended at ${oldest.endedAt}: choose a later time.`,
    );
  return found;
}

/** The archived WAL that continues the backup. Throws Damaged when the newest point is wanted and a segment is missing. */
async function segmentsFor(repository: Repository, backup: Manifest, target: Target) {
  if ('backupId' in target || backup.line === undefined) return { chain: [], missing: undefined };
  const { chain, missing } = chainFrom(await listSegments(repository, backup.line), backup);
  if (missing !== undefined && !('to' in target)) throw brokenChain(missing);
  return { chain, missing };
}

const brokenChain = (segment: string): Damaged =>
  new Damaged(
    `WAL segment ${segment} is missing or damaged, so the newest point cannot be reached: name an earlier time with --to.`,
  );

async function checkSpace(into: string, needed: number, freeBytes: (folder: string) => Promise<number>): Promise<void> {
  let folder = into;
  while ((await stat(folder).catch(() => undefined)) === undefined) folder = dirname(folder);
  const free = await freeBytes(folder);
  if (free < needed)
    throw new NoSpace(
      `The disk that holds ${into} has ${megabytes(free)} free, and the restore needs ${megabytes(needed)}: nothing was written.`,
    );
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MB`;

async function unpack(
  repository: Repository,
  { id, bytes, sha256 }: Manifest,
  made: string,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  await mkdir(made, { mode: 0o700 });
  // Once before anything is unpacked: what reads a tar file need not bear one that is damaged.
  await pipeline(read(repository, baseFile(id), { sha256 }), discard());
  const tar = read(repository, baseFile(id), { sha256 });
  let done = 0;
  tar.on('data', (chunk: Buffer) => {
    done += chunk.length;
    onProgress(done, bytes);
  });
  // Written without waiting for the disk, file by file: PostgreSQL syncs all of it before it recovers.
  await pipeline(tar, unpackTar(made));
}

/**
 * Writes the WAL to where PostgreSQL looks for it.
 * @returns the segment that is damaged: recovery ends before it
 * @throws Damaged when the newest point is wanted
 */
async function extract(
  repository: Repository,
  { line }: Manifest,
  chain: readonly Segment[],
  folder: string,
  target: Target,
): Promise<string | undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const segment of chain) {
    try {
      await extractSegment(repository, line!, segment, folder);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      if (!('to' in target)) throw brokenChain(segment.name);
      return segment.name;
    }
  }
  return undefined;
}

/** Leaves the folder as it was: empty, or not there. Only what this restore made is in it. */
async function clear(into: string, existed: boolean, place: Place | undefined): Promise<void> {
  if (place !== undefined) {
    await removeHalfMade(place.data).catch(() => {});
    await rm(place.data, { recursive: true, force: true });
    if (dirname(place.data) !== into) await rm(dirname(place.data), { recursive: true, force: true });
  }
  if (existed) for (const name of await readdir(into)) await rm(join(into, name), { recursive: true, force: true });
  else await rm(into, { recursive: true, force: true });
}
