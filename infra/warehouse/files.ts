import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableName } from '../../lib/analytics/warehouse/model.ts';

/** A Parquet file. Its name is its content, so that the same rows are the same file. */
export type DataFile = { path: string; rows: number; bytes: number; sha256: string };

/** Of the tables and their columns. A warehouse of another version is loaded anew, whole. */
export const manifestVersion = 3;

/** What the warehouse was after one load: its files by table and month (YYYY-MM, or `all`). */
export type Manifest = {
  version: number;
  number: number;
  /** ISO 8601; the data are at least as new. */
  asOf: string;
  /** ISO 8601, the beginning of a day in UTC: every row of before is there. Null if that cannot be said of any day. */
  completeUntil: string | null;
  source: 'reader' | 'writer';
  watermark: string;
  epoch: string;
  tables: Partial<Record<TableName, Record<string, DataFile>>>;
};

/** There is no manifest, or none that old. */
export class NeverLoaded extends Error {
  override readonly name = 'NeverLoaded';
}

/** A file of the warehouse is missing or is not what was written. */
export class BrokenFile extends Error {
  override readonly name = 'BrokenFile';
}

/** Somebody else loads now. */
export class LoadRunning extends Error {
  override readonly name = 'LoadRunning';
}

const fileNameOf = (number: number): string => `${String(number).padStart(8, '0')}.json`;

/** The names of all manifests, the newest first. */
async function manifestNames(root: string): Promise<string[]> {
  const names = await readdir(join(root, 'manifests')).catch(() => []);
  return names
    .filter((name) => /^\d{8}\.json$/.test(name))
    .toSorted()
    .toReversed();
}

async function read(root: string, name: string): Promise<Manifest> {
  const text = await readFile(join(root, 'manifests', name), 'utf8').catch((cause: unknown) => {
    throw new BrokenFile(`manifests/${name} cannot be read.`, { cause });
  });
  try {
    return JSON.parse(text) as Manifest;
  } catch (error) {
    throw new BrokenFile(`manifests/${name} is not JSON. Delete it and run npm run warehouse -- load.`, {
      cause: error,
    });
  }
}

/**
 * The newest manifest, or that of a moment; undefined if there is none.
 * @throws BrokenFile
 */
export async function findManifest(root: string, asOf?: Date): Promise<Manifest | undefined> {
  for (const name of await manifestNames(root)) {
    const manifest = await read(root, name);
    if (asOf === undefined || Date.parse(manifest.asOf) <= asOf.getTime()) return manifest;
  }
  return undefined;
}

/** @throws BrokenFile when there is none of this number */
export async function readManifestNumber(root: string, number: number): Promise<Manifest> {
  return read(root, fileNameOf(number));
}

/**
 * The manifest of a moment, or the newest.
 * @throws NeverLoaded
 */
export async function readManifest(root: string, asOf?: Date): Promise<Manifest> {
  const found = await findManifest(root, asOf);
  if (found !== undefined) return found;
  const first = (await manifestNames(root)).at(-1);
  if (first === undefined) throw new NeverLoaded('The warehouse was never loaded. Run npm run warehouse -- load.');
  throw new NeverLoaded(
    `The warehouse has nothing that old. Its first load is as of ${(await read(root, first)).asOf}.`,
  );
}

/** Makes a load visible, at once and whole. A link fails where another load has published the same number. */
export async function publish(root: string, manifest: Manifest): Promise<void> {
  const directory = join(root, 'manifests');
  await mkdir(directory, { recursive: true });
  const draft = join(directory, `draft-${process.pid}`);
  await writeSynced(draft, `${JSON.stringify(manifest, null, 1)}\n`);
  await link(draft, join(directory, fileNameOf(manifest.number)));
  await rm(draft);
}

/** Writes a file by `write`, and gives it the name of its content. Returns nothing when it has no rows. */
export async function addFile(
  root: string,
  folder: string,
  write: (file: string) => Promise<number>,
): Promise<DataFile | undefined> {
  const draft = join(root, 'drafts', randomBytes(8).toString('hex'));
  const rows = await write(draft);
  if (rows === 0) {
    await rm(draft, { force: true });
    return undefined;
  }
  const handle = await open(draft, 'r+');
  await handle.sync();
  await handle.close();
  const [sha256, { size: bytes }] = [await digestOf(draft), await stat(draft)];
  const path = `data/${folder}/${sha256.slice(0, 24)}.parquet`;
  await mkdir(join(root, 'data', folder), { recursive: true });
  await rename(draft, join(root, path));
  return { path, rows, bytes, sha256 };
}

/**
 * Makes sure that the files of a manifest are there, and with `thorough` that each byte is as it was written.
 * @throws BrokenFile naming the first that is not
 */
export async function verifyFiles(root: string, manifest: Manifest, thorough = false): Promise<void> {
  const all = Object.values(manifest.tables).flatMap((files) => Object.values(files));
  for (const file of all) await verifyFile(root, file, thorough);
}

/** @throws BrokenFile */
export async function verifyFile(root: string, { path, bytes, sha256 }: DataFile, thorough: boolean): Promise<void> {
  const found = await stat(join(root, path)).catch(() => undefined);
  if (found === undefined) throw new BrokenFile(`${path} is missing. Run npm run warehouse -- load --full.`);
  if (found.size !== bytes || (thorough && (await digestOf(join(root, path))) !== sha256)) {
    throw new BrokenFile(`${path} is not what was written. Delete it and run npm run warehouse -- load --full.`);
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  await handle.writeFile(text);
  await handle.sync();
  await handle.close();
}

/**
 * Runs a load while no other does. What a load left behind that was killed is removed.
 * @throws LoadRunning
 */
export async function withLock<T>(root: string, work: () => Promise<T>): Promise<T> {
  await mkdir(root, { recursive: true });
  const lock = join(root, 'lock');
  const take = () => writeFile(lock, String(process.pid), { flag: 'wx' });
  try {
    await take();
  } catch {
    const pid = Number(await readFile(lock, 'utf8'));
    if (isAlive(pid)) throw new LoadRunning(`Another load is running (process ${pid}).`);
    await rm(lock, { force: true });
    await take();
  }
  try {
    await rm(join(root, 'drafts'), { recursive: true, force: true });
    await mkdir(join(root, 'drafts'));
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Turns ids of customers into pseudonyms. The key is made with the warehouse, beside the data, for its owner alone. */
export async function readPseudonyms(root: string): Promise<(customerId: string) => string> {
  const file = join(root, 'key');
  await writeFile(file, randomBytes(32), { flag: 'wx', mode: 0o600 }).catch(() => {});
  const key = createSecretKey(await readFile(file));
  // A customer has many rows, and a hash costs more than the rest of a row.
  const known = new Map<string, string>();
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const pseudonym = createHmac('sha256', key).update(id).digest('base64url').slice(0, 22);
    known.set(id, pseudonym);
    return pseudonym;
  };
}
