import { chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Place } from './place.ts';

/**
 * Where PostgreSQL puts each WAL segment that it has filled, and where they go from there. Backups make the folder; as
 * long as there is none, PostgreSQL archives nothing.
 */
export type Spool = {
  /** The run of WAL that the segments belong to. A cluster that was restored or promoted starts a new one. */
  line: string;
  systemId: string;
  /** Absolute paths. */
  repository: string;
  keyFile: string | undefined;
};

/** The spool stands beside the data, so that losing the data folder does not lose it. */
export const spoolFolderOf = ({ data }: Place): string => join(dirname(data), 'wal-spool');

/** What PostgreSQL's archiver has to be started with. The file appears under its name only when it is whole. */
export function archiveSettings(place: Place): Record<string, string> {
  const spool = quote(spoolFolderOf(place));
  const copy = `cp %p ${spool}/%f.part && mv ${spool}/%f.part ${spool}/%f`;
  return { archive_mode: 'on', archive_command: `test ! -d ${spool} || { ${copy}; }` };
}

/** For the shell, and for the `%` of archive commands. */
const quote = (path: string): string => `'${path.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`;

/** The spool's description; undefined when nothing is archived. */
export async function readSpool(folder: string): Promise<Spool | undefined> {
  const text = await readFile(join(folder, 'spool.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as Spool);
}

/** Makes the spool, or changes where it leads to. From here on PostgreSQL archives. */
export async function writeSpool(place: Place, spool: Spool): Promise<void> {
  const folder = spoolFolderOf(place);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `spool.json.${process.pid}`);
  await writeFile(draft, JSON.stringify(spool), { mode: 0o600 });
  await rename(draft, join(folder, 'spool.json'));
  if (place.account) await chown(folder, place.account.uid, place.account.gid);
}
