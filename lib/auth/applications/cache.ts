import type { Application } from '../../contract/api/caller.ts';
import { scopes as knownScopes } from '../../contract/deploy/roles.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { idPattern } from '../../kernel/ids.ts';
import { lruCache } from '../../kernel/lru-cache.ts';
import { staleIfError } from '../../kernel/stale-if-error.ts';
import type { ApplicationItem } from './applications.dynamo.ts';

/** How old a cached application may be, in milliseconds: the longest that a suspended application goes on working. */
const freshMs = 1000;
/** How old what was read or verified may be while DynamoDB does not answer, in milliseconds. */
export const staleMs = 5 * 60_000;
const originsFreshMs = 10_000;

const maxApplications = 200;

/** Finds an active application by its id, at most a second old; undefined when it does not exist or is suspended. */
export type FindApplication = (
  applicationId: string,
  options: { allowStale: boolean },
) => Promise<Application | undefined>;

type Entry = { at: number; application: Application | undefined };

const applicationId = idPattern('application');

/**
 * Caches applications for a second, so that a busy process reads each once a second. While reading fails, requests that
 * allow it get what was read within the last five minutes.
 * @param breaker shared by all reads that authenticate a caller, so that a request waits for DynamoDB once
 */
export function createApplicationCache(
  read: (applicationId: string) => Promise<ApplicationItem | undefined>,
  clock: Clock,
  breaker: CircuitBreaker = createCircuitBreaker(clock),
): FindApplication {
  const found = lruCache<Entry>(maxApplications);
  /** Anybody can make up ids. Their entries must not push out those of applications. */
  const notFound = lruCache<Entry>(maxApplications);
  const reading = new Map<string, Promise<Application | undefined>>();

  function refresh(id: string): Promise<Application | undefined> {
    let pending = reading.get(id);
    if (pending === undefined) {
      const at = clock.now();
      pending = read(id)
        .then((item) => {
          const application = item?.status === 'active' ? toApplication(item) : undefined;
          const [into, outOf] = application === undefined ? [notFound, found] : [found, notFound];
          into.set(id, { at, application });
          outOf.delete(id);
          return application;
        })
        .finally(() => reading.delete(id));
      reading.set(id, pending);
    }
    return pending;
  }

  return async (id, { allowStale }) => {
    // The id comes from a header: do not look up what cannot be one.
    if (!applicationId.test(id)) return undefined;
    const last = found.get(id) ?? notFound.get(id);
    const age = last === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock.now() - last.at);
    if (age < freshMs) return last!.application;
    const stale = allowStale && age < staleMs ? { value: last!.application } : undefined;
    return staleIfError(breaker, stale, () => refresh(id));
  };
}

/** Scopes that this release does not know are left out. */
const toApplication = (item: ApplicationItem): Application => ({
  sessionsNotBefore: item.sessionsNotBefore ?? 0,
  id: item.applicationId,
  name: item.name,
  kind: item.kind,
  scopes: knownScopes.filter((scope) => item.scopes.includes(scope)),
  rateClass: item.rateClass,
  origins: item.origins,
});

/**
 * Caches for a second which application a client of the identity provider belongs to.
 * @param read throws DependencyUnavailable, and so does the cache
 */
export function createIdentityClientCache(
  read: (clientId: string) => Promise<string | undefined>,
  stopwatch: Stopwatch,
): (clientId: string) => Promise<{ id: string } | undefined> {
  const entries = lruCache<{ at: number; id: string | undefined }>(maxApplications);
  return async (clientId) => {
    const at = stopwatch.elapsed();
    let entry = entries.get(clientId);
    if (entry === undefined || at - entry.at >= freshMs) {
      entry = { at, id: await read(clientId) };
      entries.set(clientId, entry);
    }
    return entry.id === undefined ? undefined : { id: entry.id };
  };
}

/**
 * Whether pages of an origin belong to any active application, as of at most ten seconds ago. A CORS preflight request
 * does not say which application it is for.
 */
export function createOriginCache(
  list: () => Promise<ApplicationItem[]>,
  clock: Clock,
): (origin: string) => Promise<boolean> {
  let last: { at: number; origins: Set<string> } | undefined;
  return async (origin) => {
    if (last === undefined || Math.abs(clock.now() - last.at) >= originsFreshMs) {
      const at = clock.now();
      const active = (await list()).filter(({ status }) => status === 'active');
      last = { at, origins: new Set(active.flatMap(({ origins }) => origins)) };
    }
    return last.origins.has(origin);
  };
}
