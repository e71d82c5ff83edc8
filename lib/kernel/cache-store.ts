/*
 * What caches of several processes share: a table of entries and pointers, and the times they go by.
 */

/** Times of the cache in milliseconds, and its largest entry. */
export const cacheLimits = {
  /** Entries are loaded again when they are this old, or up to a tenth earlier, so that they do not expire together. */
  fresh: 5 * 60_000,
  /** The same for the knowledge that something does not exist. */
  absentFresh: 30_000,
  /** An entry that cannot be loaded again is used until it is this old. */
  stale: 60 * 60_000,
  /** An entry is used so long after it expired while another process loads it. */
  staleWhileLoading: 60_000,
  /** How long a load keeps other processes from loading too. A process that dies meanwhile holds them up so long. */
  lease: 2000,
  /** Longest wait for another process's load. After it a reader loads by itself. */
  patience: 5000,
  /** Longest load of a reader that has a stale entry to fall back on, and of one that has none. */
  staleLoad: 2000,
  load: 10_000,
  /** Longer entries, in bytes of JSON, are not kept. DynamoDB takes 400 KB. */
  bytes: 300 * 1024,
};

/**
 * Names an entry, and the pointer that says which epoch of it counts. Every change of what entries are made of moves their
 * pointer to another epoch, so that no older entry is used again. Several entries may share a pointer.
 */
export type CacheKey = {
  pointer: string;
  entry: string;
  /** When the entry is loaded again, in milliseconds, if sooner than others: what it is made of changes past the pointer. */
  fresh?: number;
};

/** What the table holds of an entry. It holds no personal data: nobody would erase it. */
export type StoredEntry = {
  epoch: number;
  /** JSON; `null` for what does not exist; undefined for what is too large to keep. */
  body: string | undefined;
  /** When its load began, and how long it took. In milliseconds, as all here. */
  loadedAt: number;
  tookMs: number;
  freshMs: number;
};

/** A pointer, and an entry if that was asked for. */
export type Seen = {
  epoch: number;
  /** Whether somebody may be changing what the entries are made of. */
  changing: boolean;
  entry?: StoredEntry | undefined;
  /** Whether another process may load the entry now. */
  leased?: boolean;
};

/** The table that all processes share. Every function rejects when it cannot be reached. */
export type CacheStore = {
  /** Reads what was written last. */
  look(key: CacheKey, what: { entry: boolean }): Promise<Seen>;
  /**
   * Takes the right to load an entry; undefined when another process has it, or has filled the entry since it was seen.
   * @param loadedAt of the entry as it was seen, if there was one
   */
  lease(key: CacheKey, epoch: number, loadedAt: number | undefined): Promise<string | undefined>;
  /** Keeps an entry, and ends the lease. Changes nothing when the lease belongs to another process meanwhile. */
  fill(key: CacheKey, lease: string, entry: StoredEntry): Promise<void>;
  /** Ends the lease without an entry. */
  release(key: CacheKey, lease: string): Promise<void>;
};
