import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataInUse } from './errors.ts';
import { findProcess } from './processes.ts';

/** Held by the one process that may start PostgreSQL on a data folder, its supervisor. */
export type Lock = { release(): Promise<void> };

/** Takes the supervisor's lock of a data folder. A lock whose process has ended is replaced. Throws DataInUse. */
export async function takeLock(folder: string): Promise<Lock> {
  const file = join(folder, 'supervisor.lock');
  const mine = `${process.pid} ${(await findProcess(process.pid))?.startedAt ?? ''}\n`;
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    // Making a hard link is atomic, and never replaces a file.
    while (!(await linkIfFree(draft, file))) await clearIfDead(file, folder);
  } finally {
    await rm(draft, { force: true });
  }
  return {
    async release() {
      if ((await readIfThere(file)) === mine) await rm(file, { force: true });
    },
  };
}

async function clearIfDead(file: string, folder: string): Promise<void> {
  const seen = await readIfThere(file);
  if (seen === undefined) return;
  const [pid = '', startedAt = ''] = seen.trim().split(' ');
  if ((await findProcess(Number(pid)))?.startedAt === startedAt) throw new DataInUse(folder, Number(pid));
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // Another process may have replaced the lock in between. Then this is that process's lock, and is put back.
  if ((await readIfThere(aside)) !== seen) await linkIfFree(aside, file);
  await rm(aside, { force: true });
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
