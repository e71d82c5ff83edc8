import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unpackTar } from 'modern-tar/fs';
import { Damaged } from './errors.ts';
import { baseFile, discard, listBackups, type Manifest, type Repository, read } from './repository.ts';
import { archivedAt, chainFrom, listSegments, readSegment } from './wal.ts';

/** What a check found. `text` is a sentence. */
export type Finding = { ok: boolean; text: string };

/**
 * Reads every base backup and every WAL segment against its checksum, and looks for gaps in the WAL. What it reports as good
 * can be read; only a restore shows that it starts.
 */
export async function verify(repository: Repository, onFinding: (finding: Finding) => void): Promise<boolean> {
  let sound = true;
  const report = (finding: Finding) => {
    sound &&= finding.ok;
    onFinding(finding);
  };
  let backups: Manifest[];
  try {
    backups = await listBackups(repository);
  } catch (error) {
    report(findingOf(error));
    return false;
  }
  if (backups.length === 0) report({ ok: false, text: 'There is no backup.' });
  for (const backup of backups) report(await checkBase(repository, backup));
  for (const line of await readdir(join(repository.folder, 'wal')).catch(() => [])) {
    for (const finding of await checkWal(repository, backups, line)) report(finding);
  }
  return sound;
}

async function checkBase(repository: Repository, { id, sha256, endedAt }: Manifest): Promise<Finding> {
  try {
    await pipeline(read(repository, baseFile(id), { sha256 }), discard());
    // Unpacked to nowhere: no entry passes the filter, and each is parsed.
    await pipeline(read(repository, baseFile(id), { sha256 }), unpackTar('/nonexistent', { filter: () => false }));
    return { ok: true, text: `Backup ${id} of ${endedAt} is whole.` };
  } catch (error) {
    return findingOf(error, `Backup ${id}: `);
  }
}

async function checkWal(repository: Repository, backups: readonly Manifest[], line: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const segments = await listSegments(repository, line);
  for (const segment of segments) {
    try {
      await pipeline(readSegment(repository, line, segment), discard());
    } catch (error) {
      findings.push(findingOf(error, 'WAL segment '));
    }
  }
  const first = backups.find((backup) => backup.line === line);
  if (first === undefined) return findings;
  const { chain, missing } = chainFrom(segments, first);
  if (missing !== undefined) findings.push({ ok: false, text: `WAL segment ${missing} is missing.` });
  if (findings.length > 0 || chain.length === 0) return findings;
  const until = (await archivedAt(repository, chain.at(-1)!)).toISOString();
  const text = `${chain.length} WAL segments reach from backup ${first.id} to ${until} without a gap.`;
  return [{ ok: true, text }];
}

function findingOf(error: unknown, about = ''): Finding {
  if (error instanceof Damaged) return { ok: false, text: `${about}${error.message}` };
  throw error;
}
