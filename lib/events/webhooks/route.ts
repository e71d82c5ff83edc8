import type { StoredEvent } from '../../contract/events/define-event.ts';
import { isFor, withoutPersonalData } from '../../contract/events/domain-events.ts';
import type { Stopwatch } from '../../kernel/clock.ts';
import { addDeliveries, countQueue, newDelivery, readQueue } from './deliveries.dynamo.ts';
import {
  type EndpointItem,
  type EndpointKey,
  type MayReceive,
  scanEndpoints,
  type WebhookStore,
} from './endpoints.dynamo.ts';

/** Whether an endpoint wants events of a type: by its name, or by its beginning with `*` behind it. */
export const wants = ({ events }: Pick<EndpointItem, 'events'>, type: string): boolean =>
  events.some((each) => (each.endsWith('*') ? type.startsWith(each.slice(0, -1)) : each === type));

/**
 * Puts an event on its way to every active endpoint that wants it and whose application may have it, once, however often
 * it comes.
 * @returns the endpoints that have something to send now
 */
export async function routeEvent(
  store: WebhookStore,
  event: StoredEvent,
  { mayReceive, endpoints: list = () => scanEndpoints(store) }: { mayReceive: MayReceive; endpoints?: ListEndpoints },
): Promise<EndpointKey[]> {
  const wanting = (await list()).filter(
    (endpoint) => endpoint.status === 'active' && wants(endpoint, event.type) && isFor(event, endpoint.applicationId),
  );
  const owners = [...new Set(wanting.map(({ applicationId }) => applicationId))];
  const allowed = new Map(await Promise.all(owners.map(async (id) => [id, await mayReceive(id)] as const)));
  const endpoints = wanting.filter(({ applicationId }) => allowed.get(applicationId) !== undefined);
  await addDeliveries(
    store,
    endpoints.map(({ applicationId, endpointId }) => {
      const { personalData } = allowed.get(applicationId)!;
      return newDelivery(store, endpointId, personalData ? event : withoutPersonalData(event));
    }),
  );
  return endpoints.filter((endpoint) => !isPaused(store, endpoint)).map(keyOf);
}

export type ListEndpoints = () => Promise<EndpointItem[]>;

/** Every endpoint, as it was within the last second: events come faster than endpoints change. */
export function recentEndpoints(store: WebhookStore, stopwatch: Stopwatch, keepMs = 1000): ListEndpoints {
  let known: { items: Promise<EndpointItem[]>; until: number } | undefined;
  return () => {
    if (known === undefined || stopwatch.elapsed() >= known.until) {
      const items = scanEndpoints(store);
      known = { items, until: stopwatch.elapsed() + keepMs };
      items.catch(() => {
        known = undefined;
      });
    }
    return known.items;
  };
}

/**
 * Which types of events some active endpoint wants, so that nobody is called for the others. All of them when that cannot be
 * read: whoever routes an event reads it again.
 */
export async function wantedTypes(
  list: ListEndpoints,
  onError: (error: unknown) => void,
): Promise<(type: string) => boolean> {
  try {
    const active = (await list()).filter(({ status }) => status === 'active');
    return (type) => active.some((endpoint) => wants(endpoint, type));
  } catch (error) {
    onError(error);
    return () => true;
  }
}

/** What waits for endpoints. */
export type Queues = {
  /** Those for which something is due, and which are not left alone. */
  due: EndpointKey[];
  /** How many deliveries wait, later attempts included; of one endpoint up to `mostCounted`. */
  waiting: number;
  /** For how many whole seconds the first of those that are due has been; 0 when none is. */
  oldest: number;
};

const mostCounted = 1000;

/** Looks into the queue of each active endpoint. */
export async function lookAtQueues(store: WebhookStore, all: readonly EndpointItem[]): Promise<Queues> {
  const now = store.clock.now();
  const queues: Queues = { due: [], waiting: 0, oldest: 0 };
  await Promise.all(
    all.map(async (endpoint) => {
      if (endpoint.status !== 'active') return;
      const { endpointId } = endpoint;
      const [first] = await readQueue(store, endpointId, { limit: 1 });
      if (first === undefined) return;
      queues.waiting += await countQueue(store, endpointId, { limit: mostCounted });
      if (first.dueAt > now || isPaused(store, endpoint)) return;
      queues.due.push(keyOf(endpoint));
      queues.oldest = Math.max(queues.oldest, Math.floor((now - first.dueAt) / 1000));
    }),
  );
  return queues;
}

/** Whether an endpoint is left alone, because it did not answer. */
const isPaused = ({ clock }: WebhookStore, { pausedUntil }: EndpointItem): boolean =>
  pausedUntil !== undefined && pausedUntil > clock.now();

const keyOf = ({ applicationId, endpointId }: EndpointKey): EndpointKey => ({ applicationId, endpointId });
