import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listBackups, type Manifest, type Repository } from './repository.ts';
import { archivedAt, listSegments, positionOf, type Segment } from './wal.ts';

/** Of how many days, weeks and months with a backup the last one is kept. */
export const retention = { daily: 7, weekly: 5, monthly: 12 };

type Kept = {
  keep: Manifest[];
  remove: Manifest[];
  /** The last backups of the newest days. Their WAL is kept: every point in time since the oldest can be restored. */
  days: Manifest[];
};

/**
 * Which backups to keep: the last of each of the newest days, weeks (from Monday) and months that have one, in UTC.
 * @param backups the oldest first
 */
export function choose(backups: readonly Manifest[], { daily, weekly, monthly } = retention): Kept {
  const newest = backups.toReversed();
  const lastOf = (periodOf: (at: Date) => string, count: number) => {
    const last = new Map<string, Manifest>();
    for (const backup of newest) {
      const period = periodOf(new Date(backup.endedAt));
      if (!last.has(period) && last.size < count) last.set(period, backup);
    }
    return [...last.values()];
  };
  const days = lastOf((at) => at.toISOString().slice(0, 10), daily);
  const kept = new Set([
    ...days,
    ...lastOf(mondayOf, weekly),
    ...lastOf((at) => at.toISOString().slice(0, 7), monthly),
  ]);
  return {
    keep: backups.filter((backup) => kept.has(backup)),
    remove: backups.filter((backup) => !kept.has(backup)),
    days: days.toReversed(),
  };
}

const mondayOf = (at: Date): string => {
  const day = 24 * 3600_000;
  const midnight = Math.floor(at.getTime() / day);
  return String(midnight - ((midnight + 3) % 7)); // The epoch was a Thursday.
};

export type Pruned = { removed: Manifest[]; segments: number };

/** Removes the backups that are not to be kept, and the WAL from before the oldest daily one. */
export async function prune(repository: Repository, { dryRun = false } = {}): Promise<Pruned> {
  const { remove, days } = choose(await listBackups(repository));
  let segments = 0;
  for (const line of await readdir(join(repository.folder, 'wal')).catch(() => [])) {
    const all = await listSegments(repository, line);
    const old = await olderThan(repository, all, line, days);
    segments += old.length;
    if (dryRun) continue;
    for (const { file } of old) await rm(join(repository.folder, file), { force: true });
    if (old.length === all.length) await rmdir(join(repository.folder, 'wal', line)).catch(() => {});
  }
  // The manifest first: without it the rest does not count as a backup.
  for (const { id } of dryRun ? [] : remove) {
    await rm(join(repository.folder, 'base', id, 'manifest.json'), { force: true });
    await rm(join(repository.folder, 'base', id), { recursive: true, force: true });
  }
  if (!dryRun) await removeUnfinished(repository);
  return { removed: remove, segments };
}

/** What killed runs have left. What is younger than a day may be under way. */
async function removeUnfinished({ folder }: Repository): Promise<void> {
  const old = async (path: string) => Date.now() - (await stat(path)).mtimeMs > 24 * 3600_000;
  for (const id of await readdir(join(folder, 'base')).catch(() => [])) {
    const made = join(folder, 'base', id);
    const complete = await stat(join(made, 'manifest.json')).catch(() => undefined);
    if (complete === undefined && (await old(made))) await rm(made, { recursive: true, force: true });
  }
  for (const line of await readdir(join(folder, 'wal')).catch(() => []))
    for (const name of await readdir(join(folder, 'wal', line)))
      if (name.startsWith('draft-') && (await old(join(folder, 'wal', line, name)).catch(() => false)))
        await rm(join(folder, 'wal', line, name), { force: true });
}

/** The segments of a line that continue none of the daily backups. */
async function olderThan(
  repository: Repository,
  segments: readonly Segment[],
  line: string,
  days: readonly Manifest[],
): Promise<Segment[]> {
  const first = days.find((backup) => backup.line === line);
  if (first !== undefined) {
    const start = positionOf(first.startSegment, first.segmentBytes)!;
    return segments.filter(({ name }) => (positionOf(name, first.segmentBytes) ?? start) < start);
  }
  // Its backup may be under way: then its segments are newer than every backup.
  const newest = days.at(-1);
  const old: Segment[] = [];
  for (const segment of segments)
    if (newest !== undefined && (await archivedAt(repository, segment)) < new Date(newest.startedAt)) old.push(segment);
  return old;
}
