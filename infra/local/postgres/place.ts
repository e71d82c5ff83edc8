import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DataCorrupt, FolderRefused } from './errors.ts';

/** An operating-system user to run PostgreSQL as. */
export type Account = { uid: number; gid: number };

/** Where the data is, and which user PostgreSQL runs as. No account means this process's own user. */
export type Place = { data: string; account: Account | undefined };

/** A short name for a data folder. Two checkouts never share one. */
const keyOf = (dataDir: string): string =>
  createHash('sha256').update(`${ownUid()}:${dataDir}`).digest('hex').slice(0, 12);

/**
 * Decides where the data lives: in `dataDir/data`, or in a folder that `dataDir/location.json` points to. The second is
 * used when PostgreSQL runs as a user that cannot enter `dataDir`. Throws DataCorrupt, FolderRefused.
 */
export async function findPlace(dataDir: string): Promise<Place> {
  const account = unprivilegedAccount();
  const inside = join(dataDir, 'data');
  const there = await stat(inside).catch(() => undefined);
  if (there && !account && there.uid !== ownUid())
    throw new FolderRefused(`${inside} belongs to user ${there.uid}: start as that user, or as root.`);
  if (there) return { data: inside, account: account && (await ownerOf(inside, account)) };
  if (!account) return { data: inside, account };

  const known = await readPointer(dataDir);
  if (known) return { data: join(known, 'data'), account: await ownerOf(known, account) };
  if (await canEnter(dataDir, account)) return { data: inside, account };

  const outside = join(await machineFolder(account), `data-${randomBytes(6).toString('hex')}`);
  await mkdir(outside);
  await chown(outside, account.uid, account.gid);
  await chmod(outside, 0o700);
  await writeFile(join(outside, 'owner.json'), JSON.stringify({ dataDir }));
  await writeFile(join(dataDir, 'location.json'), JSON.stringify({ path: outside }), { mode: 0o600 });
  return { data: join(outside, 'data'), account };
}

/** Removes the data wherever it lives. A copied checkout does not remove the data of its original. */
export async function removePlace(dataDir: string): Promise<void> {
  const outside = await pointedAt(dataDir).catch(() => undefined);
  if (outside && (await ownedBy(outside)) === dataDir) await rm(outside, { recursive: true, force: true });
  for (const name of await readdir(dataDir))
    if (name !== 'supervisor.lock') await rm(join(dataDir, name), { recursive: true, force: true });
}

/**
 * This project's folder outside the checkout, for files that root makes and another user reads. /tmp is the last
 * choice: systems empty it at a restart or by age. Throws FolderRefused.
 */
export async function machineFolder(account: Account): Promise<string> {
  for (const parent of ['/var/lib', '/var/tmp', tmpdir(), '/tmp']) {
    const folder = join(parent, 'counterfoil');
    try {
      await mkdir(folder).then(
        () => chmod(folder, 0o755),
        (error) => {
          if (error.code !== 'EEXIST') throw error;
        },
      );
      const { uid, mode } = await lstat(folder);
      if (uid === ownUid() && (mode & 0o022) === 0 && (await canEnter(folder, account))) return folder;
    } catch {
      // Read-only, or missing on this system: try the next one.
    }
  }
  throw new FolderRefused('No folder was found that root can write to and the user that PostgreSQL runs as can read.');
}

/** Where the unix socket of a data folder is. Its path is short: a socket's may have about 100 bytes. */
export async function socketFolderOf(dataDir: string, account = unprivilegedAccount()): Promise<string> {
  const name = `counterfoil-${keyOf(dataDir)}`;
  const longest = 100 - '/.s.PGSQL.5432.lock'.length - name.length;
  const user = account ?? { uid: ownUid(), gid: process.getgid?.() ?? -1 };
  const fits = tmpdir().length < longest && (await canEnter(tmpdir(), user).catch(() => false));
  return join(fits ? tmpdir() : '/tmp', name);
}

/** The 0700 folder of the unix socket. Throws FolderRefused. */
export async function makeSocketFolder(dataDir: string, account: Account | undefined): Promise<string> {
  const folder = await socketFolderOf(dataDir, account);
  await mkdir(folder, { mode: 0o700 }).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const info = await lstat(folder);
  if (!info.isDirectory() || (info.uid !== ownUid() && info.uid !== account?.uid))
    throw new FolderRefused(`${folder} belongs to someone else: remove it and start again.`);
  // A dead server's lock file would count as held if another process got its pid.
  for (const left of await readdir(folder)) await rm(join(folder, left), { force: true });
  if (account) await chown(folder, account.uid, account.gid);
  await chmod(folder, 0o700);
  return folder;
}

/** Gives folders, and what is in them, to the user that PostgreSQL runs as: it refuses data of another. */
export async function giveTo({ account }: Place, ...folders: string[]): Promise<void> {
  if (account === undefined) return;
  for (const folder of folders)
    for (const name of ['.', ...(await readdir(folder, { recursive: true }))])
      await chown(join(folder, name), account.uid, account.gid);
}

/** Root runs PostgreSQL as the user who made the data, so that a checkout of an ordinary user keeps working. */
async function ownerOf(folder: string, account: Account): Promise<Account> {
  const { uid, gid } = await stat(folder);
  const owner = uid === 0 ? account : { uid, gid };
  if (!(await canEnter(folder, owner)))
    throw new FolderRefused(
      `PostgreSQL runs as user ${owner.uid}, who may not enter ${folder}: give that user access, or start over with "npm start -- --reset".`,
    );
  return owner;
}

async function readPointer(dataDir: string): Promise<string | undefined> {
  const outside = await pointedAt(dataDir);
  if (!outside) return undefined;
  const owner = await ownedBy(outside);
  if (owner === undefined) throw new DataCorrupt(outside, 'the folder is gone');
  if (owner !== dataDir) {
    // The checkout was moved, or it was copied and the original still has its data there.
    if ((await pointedAt(owner)) === outside)
      throw new DataCorrupt(dataDir, `it is a copy of ${owner}, which keeps its data in ${outside}`);
    await writeFile(join(outside, 'owner.json'), JSON.stringify({ dataDir }));
  }
  return outside;
}

async function pointedAt(dataDir: string): Promise<string | undefined> {
  const json = await readFile(join(dataDir, 'location.json'), 'utf8').catch(() => undefined);
  if (json === undefined) return undefined;
  try {
    return (JSON.parse(json) as { path: string }).path;
  } catch {
    throw new DataCorrupt(dataDir, 'location.json is unreadable');
  }
}

async function ownedBy(outside: string): Promise<string | undefined> {
  try {
    const { dataDir } = JSON.parse(await readFile(join(outside, 'owner.json'), 'utf8')) as { dataDir: string };
    return await realpath(dataDir).catch(() => dataDir);
  } catch {
    return undefined;
  }
}

/** The uid of this process; -1 on a system without uids. */
export const ownUid = (): number => process.getuid?.() ?? -1;

/** `nobody` when this process is root, since PostgreSQL refuses to run as root. Otherwise undefined. */
export function unprivilegedAccount(): Account | undefined {
  if (ownUid() !== 0) return undefined;
  const nobody = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(readPasswd());
  // macOS writes -2, which the system calls take as an unsigned number.
  return nobody ? { uid: Number(nobody[1]) >>> 0, gid: Number(nobody[2]) >>> 0 } : { uid: 65534, gid: 65534 };
}

/** Whether the permission bits let an account enter a folder and each folder above it. */
export async function canEnter(folder: string, account: Account): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if (!(mode & bit)) return false;
    if (at === dirname(at)) return true;
  }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
