/** Where the files of the warehouse are: a folder or a bucket. The names of files are paths with `/`, relative to it. */
export type Store = {
  /** Undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The bytes from `start` up to `end`. @throws when there is no such file */
  slice(path: string, start: number, end: number): Promise<Uint8Array>;
  /** In bytes; undefined when there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Writes a file, whole or not at all. */
  write(path: string, content: Uint8Array | string): Promise<void>;
  /** The same, unless there is such a file already. Returns whether it was written. */
  create(path: string, content: Uint8Array | string): Promise<boolean>;
  /** The names of all files that begin with a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Files that do not exist are none to remove. */
  remove(paths: readonly string[]): Promise<void>;
  /** What Athena calls a file; undefined where it cannot read. */
  uriOf?: (path: string) => string;
};

/** A file of the warehouse is missing or is not what was written. */
export class BrokenFile extends Error {
  override readonly name = 'BrokenFile';
}

const text = new TextDecoder();

/** A file of JSON; undefined when there is none. @throws BrokenFile when it is not JSON */
export async function readJson<T>(store: Store, path: string): Promise<T | undefined> {
  const content = await store.read(path);
  if (content === undefined) return undefined;
  try {
    return JSON.parse(text.decode(content)) as T;
  } catch (error) {
    throw new BrokenFile(`${path} is not JSON. Delete it and run npm run warehouse -- load.`, { cause: error });
  }
}

const atOnce = 16;

/** Works through a list, so many at once. */
export async function forEachOf<T>(list: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = list.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, list.length) }, worker));
}
