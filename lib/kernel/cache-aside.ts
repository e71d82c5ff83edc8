import { type CacheKey, type CacheStore, cacheLimits, type Seen, type StoredEntry } from './cache-store.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Clock, Stopwatch } from './clock.ts';
import { DeadlineExceeded } from './deadline.ts';
import { DependencyUnavailable } from './errors.ts';
import { lruCache } from './lru-cache.ts';
import { isOutage } from './outage.ts';
import { sharedRuns } from './shared-runs.ts';
import { staleIfError } from './stale-if-error.ts';

/** How many entries a process keeps. */
const mostEntries = 200;
/** How often a reader starts over because somebody changes what it reads. */
const mostRestarts = 3;

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
          freshMs: (value === null ? cacheLimits.absentFresh : (key.fresh ?? cacheLimits.fresh)) * (1 - 0.1 * random()),
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
