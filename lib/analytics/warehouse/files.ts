import { createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { type TableName, tables } from './model.ts';
import { BrokenFile, forEachOf, readJson, type Store } from './store.ts';

/** A Parquet file. Its name is its content, so that the same rows are the same file. */
export type DataFile = { path: string; rows: number; bytes: number; sha256: string };

/** Of the tables and their columns. A warehouse of another version is loaded anew, whole. */
export const manifestVersion = 5;

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

/** The months in which something was sold or given back. */
export const monthsOf = ({ tables }: Manifest): string[] => Object.keys(tables.sales_summary ?? {});

/** There is no manifest, or none that old. */
export class NeverLoaded extends Error {
  override readonly name = 'NeverLoaded';
}

/** Another load has published meanwhile. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

const pathOf = (number: number): string => `manifests/${String(number).padStart(8, '0')}.json`;

/** The newest state, as reports ask for it. */
export const currentFile = 'current.json';

/** The paths of all manifests, the newest first. */
export const manifestPaths = async (store: Store): Promise<string[]> =>
  (await store.list('manifests/')).filter((path) => /^manifests\/\d{8}\.json$/.test(path)).toReversed();

/** @throws BrokenFile */
export async function readManifestAt(store: Store, path: string): Promise<Manifest> {
  const manifest = await readJson<Manifest>(store, path);
  if (manifest === undefined) throw new BrokenFile(`${path} cannot be read.`);
  return manifest;
}

/**
 * The newest manifest, or that of a moment; undefined if there is none.
 * @throws BrokenFile
 */
export async function findManifest(store: Store, asOf?: Date): Promise<Manifest | undefined> {
  for (const path of await manifestPaths(store)) {
    const manifest = await readManifestAt(store, path);
    if (asOf === undefined || Date.parse(manifest.asOf) <= asOf.getTime()) return manifest;
  }
  return undefined;
}

/** @throws BrokenFile when there is none of this number */
export const readManifestNumber = (store: Store, number: number): Promise<Manifest> =>
  readManifestAt(store, pathOf(number));

/**
 * The manifest of a moment, or the newest.
 * @throws NeverLoaded
 */
export async function readManifest(store: Store, asOf?: Date): Promise<Manifest> {
  const found = await findManifest(store, asOf);
  if (found !== undefined) return found;
  const first = (await manifestPaths(store)).at(-1);
  if (first === undefined) throw new NeverLoaded('The warehouse was never loaded. Run npm run warehouse -- load.');
  throw new NeverLoaded(
    `The warehouse has nothing that old. Its first load is as of ${(await readManifestAt(store, first)).asOf}.`,
  );
}

/**
 * Makes a load visible, at once and whole: first its manifest, whose number only one load can have, and then the file that says which
 * is the newest.
 * @throws Overtaken
 */
export async function publish(store: Store, manifest: Manifest, before: Manifest | undefined): Promise<void> {
  await link(store, manifest, String(manifest.number));
  if (!(await store.create(pathOf(manifest.number), `${JSON.stringify(manifest, null, 1)}\n`)))
    throw new Overtaken(`Another load has published ${pathOf(manifest.number)} meanwhile.`);
  const { version, number, asOf, completeUntil, epoch } = manifest;
  await store.write(currentFile, `${JSON.stringify({ version, number, asOf, completeUntil, epoch })}\n`);
  await link(store, manifest, 'newest', before);
}

const folderOf = (table: TableName, part: string): string => (tables[table].byMonth ? `${table}/month=${part}` : table);

/**
 * Writes where Athena finds the files of a state: a text for each partition, which names its file (`SymlinkTextInputFormat`).
 * @param before a state whose texts have no others beside them
 */
async function link(store: Store, { tables: now }: Manifest, state: string, before?: Manifest): Promise<void> {
  const { uriOf } = store;
  if (uriOf === undefined) return;
  const partsOf = (of: Manifest['tables']) =>
    Object.entries(of).flatMap(([table, files]) =>
      Object.entries(files).map(([part, file]) => ({ to: folderOf(table as TableName, part), file })),
    );
  const path = (to: string) => `links/${state}/${to}/files`;
  const wanted = partsOf(now);
  await forEachOf(wanted, ({ to, file }) => store.write(path(to), `${uriOf(file.path)}\n`));
  const left = new Set(partsOf(before?.tables ?? {}).map(({ to }) => to));
  for (const { to } of wanted) left.delete(to);
  await store.remove([...left].map(path));
}

/** Stores a file under the name of its content. Returns nothing for one without rows. */
export async function addFile(
  store: Store,
  table: TableName,
  part: string,
  { rows, content }: { rows: number; content: Uint8Array },
): Promise<DataFile | undefined> {
  if (rows === 0) return undefined;
  const sha256 = digestOf(content);
  const path = `data/${folderOf(table, part)}/${sha256.slice(0, 24)}.parquet`;
  if ((await store.size(path)) !== content.length) await store.write(path, content);
  return { path, rows, bytes: content.length, sha256 };
}

/**
 * Makes sure that the files of a manifest are there, and with `thorough` that each byte is as it was written.
 * @throws BrokenFile naming one that is not
 */
export async function verifyFiles(store: Store, manifest: Manifest, thorough = false): Promise<void> {
  const all = Object.values(manifest.tables).flatMap((files) => Object.values(files));
  await forEachOf(all, (file) => verifyFile(store, file, thorough));
}

/** @throws BrokenFile */
export async function verifyFile(store: Store, { path, bytes, sha256 }: DataFile, thorough: boolean): Promise<void> {
  const content = thorough ? await store.read(path) : undefined;
  const size = thorough ? content?.length : await store.size(path);
  if (size === undefined) throw new BrokenFile(`${path} is missing. Run npm run warehouse -- load --full.`);
  if (size !== bytes || (content !== undefined && digestOf(content) !== sha256)) {
    throw new BrokenFile(`${path} is not what was written. Delete it and run npm run warehouse -- load --full.`);
  }
}

const digestOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Turns ids of customers into pseudonyms. The key is made with the warehouse, beside the data, for its owner alone. */
export async function readPseudonyms(store: Store): Promise<(customerId: string) => string> {
  await store.create('key', randomBytes(32));
  const key = createSecretKey((await store.read('key'))!);
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
