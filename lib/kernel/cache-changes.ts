import { DeadlineExceeded } from './deadline.ts';
import { isOutage } from './outage.ts';

/** The pointers of cached entries, as those see them who change what the entries are made of. */
export type CachePointers = {
  /**
   * Moves a pointer to a new epoch, and keeps readers from filling and using the cache until `settle`, or for a minute.
   * @returns what to give to `settle`
   * @throws DependencyUnavailable when readers cannot be kept from it
   */
  mark(pointer: string): Promise<string>;
  /**
   * Ends a mark, and moves the pointer to a new epoch. `version` is what the change has led to, if the pointer is of one thing
   * that has versions.
   */
  settle(pointer: string, mark: string | undefined, version?: number): Promise<void>;
  /** The latest version that a change has led to; undefined when none is known. */
  versionOf(pointer: string): Promise<number | undefined>;
  /** Moves a pointer to a new epoch. With a version, only if that is newer than the one that is known. */
  supersede(pointer: string, version?: number): Promise<void>;
};

/**
 * Changes what cached entries are made of, so that no reader who asks after the change was answered sees what was before. The
 * pointers are marked before the change: whether this process lives to end the marks or not, older entries are out of use.
 * @param pointers of all entries that the change may concern
 * @param newVersions the pointers whose version the change has made known
 * @throws DependencyUnavailable when a pointer cannot be marked, and nothing has changed; whatever `change` throws
 */
export async function changeCached<T>(
  cache: CachePointers,
  pointers: readonly string[],
  change: () => Promise<T>,
  newVersions: (result: T) => Readonly<Record<string, number>>,
): Promise<T> {
  const marks = new Map<string, string>();
  await Promise.all(pointers.map(async (pointer) => void marks.set(pointer, await cache.mark(pointer))));
  let versions: Readonly<Record<string, number>> = {};
  try {
    const result = await change();
    versions = newVersions(result);
    await settleAll();
    return result;
  } catch (error) {
    // A change whose outcome is unknown may take place yet: its marks stay until they expire.
    if (!(error instanceof DeadlineExceeded || isOutage(error))) await settleAll();
    throw error;
  }

  /** A mark that cannot be ended expires, and readers read past the cache until then. */
  async function settleAll(): Promise<void> {
    const all = new Set([...marks.keys(), ...Object.keys(versions)]);
    await Promise.allSettled([...all].map((each) => cache.settle(each, marks.get(each), versions[each])));
  }
}
