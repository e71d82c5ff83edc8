import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readSpool } from '../postgres/archive.ts';
import { openRepository, type Repository, read, store } from './repository.ts';

/** A WAL segment of the archive. The name of a stored file holds the checksum of its content. */
export type Segment = { name: string; sha256: string; file: string };

const stored = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)-([0-9a-f]{64})\.zst$/;
/** What PostgreSQL's archiver hands over. The marks of base backups (`….backup`) are not needed. */
const archivable = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)$/;

const fileOf = (line: string, name: string) => (sha256: string) => `wal/${line}/${name}-${sha256}.zst`;

/** Moves every segment of a spool into its repository. Returns how many. Two processes may do so at once. */
export async function ship(spoolFolder: string): Promise<number> {
  const spool = await readSpool(spoolFolder);
  if (spool === undefined) return 0;
  const { line, repository: folder, keyFile } = spool;
  const names = (await readdir(spoolFolder)).sort();
  const segments = names.filter((name) => archivable.test(name));
  if (segments.length > 0) {
    const repository = await openRepository(folder, { keyFile });
    for (const name of segments) await shipOne(repository, join(spoolFolder, name), fileOf(line, name));
  }
  for (const name of names) if (name.endsWith('.backup')) await rm(join(spoolFolder, name), { force: true });
  return segments.length;
}

async function shipOne(repository: Repository, file: string, nameOf: (sha256: string) => string): Promise<void> {
  const { mtime } = await stat(file).catch(() => ({ mtime: undefined }));
  if (mtime === undefined) return; // Another process was faster.
  try {
    const { sha256 } = await store(repository, createReadStream(file), nameOf);
    await utimes(join(repository.folder, nameOf(sha256)), mtime, mtime);
    await rm(file, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** What is archived of a line, in the order of the WAL. */
export async function listSegments({ folder }: Repository, line: string): Promise<Segment[]> {
  const names = (await readdir(join(folder, 'wal', line)).catch(() => [])).sort();
  return names.flatMap((file) => {
    const [, name, sha256] = stored.exec(file) ?? [];
    return name === undefined ? [] : [{ name, sha256: sha256!, file: `wal/${line}/${file}` }];
  });
}

export const readSegment = (repository: Repository, line: string, { name, sha256, file }: Segment) =>
  read(repository, file, { sealedAs: fileOf(line, name)(''), sha256 });

/** Writes a segment to a folder. Throws Damaged, and leaves nothing then. */
export async function extractSegment(
  repository: Repository,
  line: string,
  segment: Segment,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, segment.name);
  await pipeline(readSegment(repository, line, segment), createWriteStream(file)).catch(async (error) => {
    await rm(file, { force: true });
    throw error;
  });
}

/** When a segment came into the archive: after every transaction in it. */
export const archivedAt = async ({ folder }: Repository, { file }: Segment): Promise<Date> =>
  (await stat(join(folder, file))).mtime;

/** The place of a segment in the WAL, whichever timeline it belongs to. Undefined for a timeline's history. */
export function positionOf(name: string, segmentBytes: number): number | undefined {
  if (name.endsWith('.history')) return undefined;
  const perFile = 2 ** 32 / segmentBytes;
  return Number.parseInt(name.slice(8, 16), 16) * perFile + Number.parseInt(name.slice(16), 16);
}

/**
 * The segments that follow one another from a backup's first on, with the histories of timelines; and the name of the first
 * that is missing though later ones are there.
 */
export function chainFrom(
  segments: readonly Segment[],
  { startSegment, segmentBytes }: { startSegment: string; segmentBytes: number },
): { chain: Segment[]; missing: string | undefined } {
  const first = positionOf(startSegment, segmentBytes)!;
  const chain: Segment[] = [];
  let next = first;
  for (const segment of segments) {
    const position = positionOf(segment.name, segmentBytes);
    if (position === undefined) chain.push(segment);
    else if (position === next || position === next - 1) {
      chain.push(segment);
      next = position + 1;
    } else if (position > next) return { chain, missing: nameAt(segment.name.slice(0, 8), next, segmentBytes) };
  }
  return { chain, missing: undefined };
}

function nameAt(timeline: string, position: number, segmentBytes: number): string {
  const perFile = 2 ** 32 / segmentBytes;
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
  return `${timeline}${hex(Math.floor(position / perFile))}${hex(position % perFile)}`;
}
