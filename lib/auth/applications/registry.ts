import type { Application } from '../../contract/api/caller.ts';
import { scopes as knownScopes } from '../../contract/deploy/roles.ts';
import { type CircuitBreaker, createCircuitBreaker } from '../../kernel/circuit-breaker.ts';
import type { Clock } from '../../kernel/clock.ts';
import { idPattern } from '../../kernel/ids.ts';
import { lruCache } from '../../kernel/lru-cache.ts';
import { staleIfError } from '../../kernel/stale-if-error.ts';
import type { ApplicationItem } from './applications.dynamo.ts';

/** An application that is cut off is out after this. */
export const freshMs = 1000;
/** While DynamoDB is away, reads go by what was known for so long. */
export const rememberedMs = 5 * 60_000;

type Known = { at: number; application: Application | undefined };

const form = idPattern('application');

/** Gives an application by its id as it was at most a second ago; undefined when there is none, or it is suspended. */
export type Registry = (applicationId: string, options: { reads: boolean }) => Promise<Application | undefined>;

/**
 * Keeps what was read for a second, so that a busy process asks once a second for each application. While reading fails,
 * requests that only read (`reads`) go on with what was known within five minutes; `breaker` is of all that is asked of
 * DynamoDB to let somebody in, so that a request waits for it once.
 */
export function createRegistry(
  read: (applicationId: string) => Promise<ApplicationItem | undefined>,
  clock: Clock,
  breaker: CircuitBreaker = createCircuitBreaker(clock),
): Registry {
  const known = lruCache<Known>(200);
  /** Ids that anybody can make up, apart from the others so that they push none of them out. */
  const unknown = lruCache<Known>(200);
  const underWay = new Map<string, Promise<Application | undefined>>();

  const refresh = (id: string): Promise<Application | undefined> => {
    let asked = underWay.get(id);
    if (asked === undefined) {
      const at = clock.now();
      asked = read(id)
        .then((item) => {
          const application = item?.status === 'active' ? toApplication(item) : undefined;
          const [now, before] = application === undefined ? [unknown, known] : [known, unknown];
          now.set(id, { at, application });
          before.delete(id);
          return application;
        })
        .finally(() => underWay.delete(id));
      underWay.set(id, asked);
    }
    return asked;
  };

  return async (id, { reads }) => {
    // Whatever stands in a header is looked for only if it can be an id.
    if (!form.test(id)) return undefined;
    const last = known.get(id) ?? unknown.get(id);
    const age = last === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock.now() - last.at);
    if (age < freshMs) return last!.application;
    const remembered = reads && age < rememberedMs ? { value: last!.application } : undefined;
    return staleIfError(breaker, remembered, () => refresh(id));
  };
}

/** A scope that this release does not know allows nothing. */
const toApplication = (item: ApplicationItem): Application => ({
  id: item.applicationId,
  name: item.name,
  kind: item.kind,
  scopes: knownScopes.filter((scope) => item.scopes.includes(scope)),
  rateClass: item.rateClass,
  origins: item.origins,
});
