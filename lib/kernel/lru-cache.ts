/** Holds at most `size` entries. When it is full, a new entry replaces the least recently used one. */
export type LruCache<V> = {
  /** The value of a key, which becomes the most recently used; undefined when the cache does not hold it. */
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
};

/** A least-recently-used cache with text keys. Values must not be undefined. */
export function lruCache<V>(size: number): LruCache<V> {
  // A Map iterates in the order of insertion, so its first entry is the least recently used.
  const entries = new Map<string, V>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > size) entries.delete(entries.keys().next().value!);
    },
    delete: (key) => void entries.delete(key),
  };
}
