import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Clock, Stopwatch } from './clock.ts';
import { DeadlineExceeded } from './deadline.ts';
import { DependencyUnavailable } from './errors.ts';
import { lruCache } from './lru-cache.ts';
import { isOutage } from './outage.ts';
import { sharedRuns } from './shared-runs.ts';
import { staleIfError } from './stale-if-error.ts';

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

/** How many entries a process keeps. */
const mostEntries = 200;
/** How often a reader starts over because somebody changes what it reads. */
const mostRestarts = 3;

/**
 * Names an entry, and the pointer that says which epoch of it counts. Every change of what entries are made of moves their
 * pointer to another epoch, so that no older entry is used again. Several entries may share a pointer.
 */
export type CacheKey = { pointer: string; entry: string };

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

/**
 * Where an answer came from: this process's memory; the table; another reader's load; a load of its own; an entry past its
 * time; or the source, past the cache, since somebody changes it, the entry is too large, or the table cannot be reached.
 */
export const cacheAnswers = [
  'memory',
  'table',
  'waited',
  'loaded',
  'stale',
  'changing',
  'large',
  'unreachable',
] as const;
export type CacheAnswer = (typeof cacheAnswers)[number];

export type Cache = {
  /**
   * The value of a key, from the cache or by `load`. A change that was answered before the call is in it.
   * @param load reads the source; undefined when there is no such value
   * @throws whatever `load` throws
   */
  read<T>(key: CacheKey, load: () => Promise<T | undefined>): Promise<T | undefined>;
};

export type CacheOptions = {
  store: CacheStore;
  clock: Clock;
  stopwatch: Stopwatch;
  sleep: (milliseconds: number) => Promise<void>;
  random: () => number;
  /** Of the table, and of the source. */
  storeBreaker: CircuitBreaker;
  sourceBreaker: CircuitBreaker;
  /** Settles as a load does, or rejects with DeadlineExceeded after so many milliseconds. */
  untilDeadline: <T>(load: Promise<T>, milliseconds: number) => Promise<T>;
  onAnswer: (from: CacheAnswer) => void;
  /** The table could not be reached. Readers go on without it. */
  onUnreachable: (error: unknown) => void;
};

/** An entry in memory. Its value is null for what does not exist, and undefined for what is too large. */
type Entry = Omit<StoredEntry, 'body'> & { value: unknown };
/** What a reader sees. `due` is the entry that memory held when it began to look, if it is time to load that again. */
type Look = Seen & { due: Entry | undefined };
type Answer = { value: unknown; from: CacheAnswer };

/**
 * A cache that asks the pointer at each read. Memory saves reading entries, not asking whether they still count. When an entry
 * is missing, one reader of one process loads it.
 */
export function createCache(options: CacheOptions): Cache {
  const { store, clock, stopwatch, sleep, random, storeBreaker, sourceBreaker, untilDeadline } = options;
  const found = lruCache<Entry>(mostEntries);
  /** Anybody can make up ids. Their entries must not push out those of what exists. */
  const absent = lruCache<Entry>(mostEntries);
  const looks = sharedRuns<Look | undefined>();
  const pastTheCache = sharedRuns<unknown>();
  const flights = new Map<string, Promise<Answer | undefined>>();

  const remembered = (key: CacheKey) => found.get(key.entry) ?? absent.get(key.entry);
  const ageOf = ({ loadedAt }: Entry) => Math.abs(clock.now() - loadedAt);
  const isFresh = (entry: Entry) => ageOf(entry) < entry.freshMs;
  /** XFetch (Vattani et al., VLDB 2015): the closer its end and the slower its load, the likelier it is loaded early. */
  const isEarly = (entry: Entry) => entry.tookMs * -Math.log(1 - random()) >= entry.freshMs - ageOf(entry);

  function remember(key: CacheKey, entry: Entry): void {
    const [into, outOf] = entry.value === null ? [absent, found] : [found, absent];
    into.set(key.entry, entry);
    outOf.delete(key.entry);
  }

  /** Calls the table unless it has just failed; undefined when it cannot be reached. */
  async function reach<T>(call: () => Promise<T>): Promise<{ got: T } | undefined> {
    if (!storeBreaker.allowRequest()) return undefined;
    try {
      const got = await call();
      storeBreaker.recordSuccess();
      return { got };
    } catch (error) {
      storeBreaker.recordFailure();
      options.onUnreachable(error);
      return undefined;
    }
  }

  /** The pointer, and the entry if memory has none that counts. Undefined when the table cannot be reached. */
  const look = (key: CacheKey) =>
    looks(key.entry, async () => {
      const known = remembered(key);
      const due = known === undefined || !isFresh(known) || isEarly(known);
      const seen = await reach(() => store.look(key, { entry: due }));
      if (seen === undefined || due || seen.got.epoch === known.epoch) {
        return seen && { ...seen.got, due: due ? known : undefined };
      }
      const again = await reach(() => store.look(key, { entry: true }));
      return again && { ...again.got, due: undefined };
    });

  /** The entry that counts: of the pointer's epoch, the newer of those in memory and in the table. */
  function entryOf(
    key: CacheKey,
    { epoch, entry: stored }: Seen,
  ): { entry: Entry; from: 'memory' | 'table' } | undefined {
    const known = remembered(key);
    if (stored?.epoch === epoch && (known?.epoch !== epoch || stored.loadedAt > known.loadedAt)) {
      const { body, ...rest } = stored;
      const entry = { ...rest, value: body === undefined ? undefined : JSON.parse(body) };
      remember(key, entry);
      return { entry, from: 'table' };
    }
    return known?.epoch === epoch ? { entry: known, from: 'memory' } : undefined;
  }

  async function find(key: CacheKey, load: () => Promise<unknown>): Promise<Answer> {
    const loadPast = async (from: CacheAnswer) => ({ value: await pastTheCache(key.entry, load), from });
    for (let restarts = 0; restarts < mostRestarts; restarts++) {
      const seen = await look(key);
      if (seen === undefined) return loadPast('unreachable');
      if (seen.changing) break;
      const held = entryOf(key, seen);
      if (held !== undefined && isFresh(held.entry)) {
        if (held.entry.value === undefined) return loadPast('large');
        const due = held.from === 'memory' ? held.entry === seen.due : isEarly(held.entry);
        if (!due) return { value: held.entry.value, from: held.from };
      }
      // After a change the flight has another name: a reader never joins a load that began before the change.
      const answer = await fly(`${key.entry}@${seen.epoch}`, () => obtain(key, seen, held?.entry, load));
      if (answer?.from === 'large') return loadPast('large');
      if (answer !== undefined) return answer;
    }
    return loadPast('changing');
  }

  /** Starts a flight, or joins the one of this name. */
  async function fly(name: string, work: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    const joined = flights.get(name);
    if (joined !== undefined) {
      const answer = await joined;
      return answer?.from === 'loaded' ? { ...answer, from: 'waited' } : answer;
    }
    const flight = work().finally(() => flights.delete(name));
    flights.set(name, flight);
    return await flight;
  }

  /** Loads an entry, or waits for the process that does. Undefined when the pointer moved meanwhile. */
  async function obtain(
    key: CacheKey,
    { epoch, ...first }: Seen,
    held: Entry | undefined,
    load: () => Promise<unknown>,
  ): Promise<Answer | undefined> {
    const until = stopwatch.elapsed() + cacheLimits.patience;
    const canBeStale = held !== undefined && held.value !== undefined && ageOf(held) < cacheLimits.stale;
    const stale: Answer | undefined = canBeStale
      ? { value: held.value, from: isFresh(held) ? 'memory' : 'stale' }
      : undefined;
    if (stale !== undefined && sourceBreaker.isRefusing()) return stale;
    let { leased, entry: stored } = first;
    for (let pause = 20; ; pause = Math.min(200, pause * 1.5)) {
      const taken = leased ? { got: undefined } : await reach(() => store.lease(key, epoch, stored?.loadedAt));
      if (taken === undefined) return { value: await load(), from: 'unreachable' };
      if (taken.got !== undefined) return loadUnder(key, taken.got, epoch, stale, load);
      if (stale !== undefined && ageOf(held!) < held!.freshMs + cacheLimits.staleWhileLoading) return stale;
      if (stopwatch.elapsed() >= until) return { value: await load(), from: 'loaded' };
      await sleep(pause * (0.5 + random()));
      const seen = (await reach(() => store.look(key, { entry: true })))?.got;
      if (seen === undefined) return { value: await load(), from: 'unreachable' };
      if (seen.epoch !== epoch || seen.changing) return undefined;
      const now = entryOf(key, seen);
      if (now !== undefined && isFresh(now.entry)) {
        return { value: now.entry.value, from: now.entry.value === undefined ? 'large' : 'waited' };
      }
      ({ leased, entry: stored } = seen);
    }
  }

  /** Loads an entry under a lease, and keeps it. When the source fails, falls back on what is stale. */
  async function loadUnder(
    key: CacheKey,
    lease: string,
    epoch: number,
    stale: Answer | undefined,
    load: () => Promise<unknown>,
  ): Promise<Answer> {
    let filled = false;
    try {
      return await staleIfError<Answer>(sourceBreaker, stale && { value: stale }, async () => {
        const loadedAt = clock.now();
        const began = stopwatch.elapsed();
        const limit = stale === undefined ? cacheLimits.load : cacheLimits.staleLoad;
        const value = (await untilDeadline(load(), limit).catch(rethrowOutage)) ?? null;
        const body = JSON.stringify(value);
        const large = Buffer.byteLength(body) > cacheLimits.bytes;
        const about = {
          epoch,
          loadedAt,
          tookMs: stopwatch.elapsed() - began,
          freshMs: (value === null ? cacheLimits.absentFresh : cacheLimits.fresh) * (1 - 0.1 * random()),
        };
        remember(key, { ...about, value: large ? undefined : value });
        filled =
          (await reach(() => store.fill(key, lease, { ...about, body: large ? undefined : body }))) !== undefined;
        return { value, from: 'loaded' };
      });
    } catch (error) {
      throw error instanceof DependencyUnavailable ? (error.cause ?? error) : error;
    } finally {
      if (!filled) await reach(() => store.release(key, lease));
    }
  }

  return {
    async read<T>(key: CacheKey, load: () => Promise<T | undefined>) {
      const { value, from } = await find(key, load);
      options.onAnswer(from);
      return (value ?? undefined) as T | undefined;
    },
  };
}

/** What `staleIfError` knows as a failure of the source. Its cause is what a reader without a stale entry gets. */
function rethrowOutage(error: unknown): never {
  throw error instanceof DeadlineExceeded || isOutage(error)
    ? new DependencyUnavailable('database', { cause: error })
    : error;
}
