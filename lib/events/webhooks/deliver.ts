import { setTimeout as sleep } from 'node:timers/promises';
import type { webhookResults } from '../../contract/deploy/metrics.ts';
import { withoutPersonalData } from '../../contract/events/domain-events.ts';
import type { Stopwatch } from '../../kernel/clock.ts';
import {
  type DeliveryItem,
  dueKey,
  type Queued,
  readDelivery,
  readQueue,
  saveDelivery,
  unqueue,
} from './deliveries.dynamo.ts';
import {
  changeEndpoint,
  type EndpointItem,
  type EndpointKey,
  leaseEndpoint,
  type MayReceive,
  type WebhookStore,
} from './endpoints.dynamo.ts';
import { failingForMs, nextDelay } from './retries.ts';
import type { Attempt, Send } from './send.gateway.ts';
import { signatures } from './sign.ts';

export type DeliverDeps = {
  store: WebhookStore;
  mayReceive: MayReceive;
  send: Send;
  stopwatch: Stopwatch;
  random: () => number;
  /** No attempt begins after so many milliseconds. */
  limitMs: number;
  /** Called when time is up and something is due: another sender has to go on. */
  onTimeUp: () => Promise<void>;
  onOutcome: (outcome: Outcome) => void;
  onDisabled: (endpoint: EndpointItem, reason: 'gone' | 'failing') => void;
};

export type Outcome = (typeof webhookResults)[number];

/** Deliveries to one endpoint at the same time. */
const atOnce = 5;
/** What a sender looks at of the queue. To keep an order, it has to see what holds a delivery back. */
const window = (ordered: boolean): number => (ordered ? 5000 : 500);
/** Attempts in a row without any answer after which an endpoint is left alone for a while. */
const silentInRow = 5;
const pauseMs = 60_000;
/** A sender waits for what is due so soon, instead of leaving it to the next one. */
const waitMs = 10_000;

/**
 * Sends what is due for an endpoint, and goes on until nothing is. One sender works on an endpoint at a time; a second one finds
 * the lease taken and ends. Each delivery is attempted at least once more after a sender that died.
 * @returns how many attempts were made; undefined when there was no lease to be had, or the application may have nothing
 */
export async function deliverTo(deps: DeliverDeps, key: EndpointKey): Promise<number | undefined> {
  // What waits for an application that is cut off waits on, for 30 days.
  const may = await deps.mayReceive(key.applicationId);
  if (may === undefined) return undefined;
  const until = deps.stopwatch.elapsed() + deps.limitMs;
  let attempts: number | undefined;
  for (;;) {
    const run = await deliverOnce({ ...deps, ...may }, key, until);
    if (run === undefined) return attempts;
    attempts = (attempts ?? 0) + run.attempts;
    // What was queued after the last look found the lease taken: whoever brought it has ended.
    if (run.over || (await readDue(run)).due.length === 0) return attempts;
    if (deps.stopwatch.elapsed() >= until) {
      await deps.onTimeUp();
      return attempts;
    }
  }
}

async function deliverOnce(
  deps: DeliverDeps & Pick<Run, 'personalData'>,
  key: EndpointKey,
  until: number,
): Promise<Run | undefined> {
  const { store, stopwatch } = deps;
  const endpoint = await leaseEndpoint(store, key, deps.limitMs + 15_000);
  if (endpoint === undefined) return undefined;
  const run: Run = { ...deps, endpoint, silent: 0, attempts: 0, over: false };
  while (!run.over && stopwatch.elapsed() < until) {
    const { queued, due, now } = await readDue(run);
    if (due.length === 0) {
      const next = Math.min(...queued.map(({ dueAt }) => dueAt));
      if (!(next - now < Math.min(waitMs, until - stopwatch.elapsed()))) break;
      // An endpoint that keeps an order may wait for a delivery that is due later than others.
      await sleep(Math.max(50, Math.min(next - now, 250)));
      continue;
    }
    await work(run, due);
  }
  await changeEndpoint(store, key, { sendingUntil: undefined });
  return run;
}

async function readDue({ store, endpoint }: Run) {
  const queued = await readQueue(store, endpoint.endpointId, { limit: window(endpoint.ordered) });
  const now = store.clock.now();
  return { queued, now, due: ready(queued, endpoint.ordered).filter(({ dueAt }) => dueAt <= now) };
}

type Run = DeliverDeps & {
  endpoint: EndpointItem;
  personalData: boolean;
  /** Attempts in a row without an answer. */
  silent: number;
  attempts: number;
  over: boolean;
};

/** With an order, of each aggregate only the first event that waits, whenever it is due. */
function ready(queued: readonly Queued[], ordered: boolean): Queued[] {
  if (!ordered) return [...queued];
  const first = new Map<string, Queued>();
  for (const each of queued) {
    const known = first.get(each.aggregateId);
    if (known === undefined || each.sequence < known.sequence) first.set(each.aggregateId, each);
  }
  return [...first.values()];
}

async function work(run: Run, due: readonly Queued[]): Promise<void> {
  const left = [...due];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined && !run.over; next = left.shift()) await attempt(run, next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function attempt(run: Run, queued: Queued): Promise<void> {
  const { store, endpoint, send } = run;
  const stored = await readDelivery(store, endpoint.endpointId, queued.deliveryId);
  const delivery = stored && (run.personalData ? stored : withoutPersonal(stored));
  if (delivery?.status !== 'pending' || dueKey(delivery) !== queued.key) {
    // A sender died between two writes: what the delivery says counts.
    if (delivery?.status === 'pending') await saveDelivery(store, delivery);
    await unqueue(store, endpoint.endpointId, queued.key);
    return;
  }
  const now = store.clock.now();
  const result = await send(endpoint.url, headersOf(endpoint, delivery, now), delivery.body);
  run.attempts += 1;
  await settle(run, { delivery, queued, at: now, result });
}

/** What was written while the application could still read customers. */
const withoutPersonal = (delivery: DeliveryItem): DeliveryItem => ({
  ...delivery,
  body: JSON.stringify(withoutPersonalData(JSON.parse(delivery.body))),
});

function headersOf(endpoint: EndpointItem, { eventId, body, replay }: DeliveryItem, now: number) {
  const seconds = Math.floor(now / 1000);
  const secrets = endpoint.secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);
  return {
    ...endpoint.headers,
    'content-type': 'application/json',
    'user-agent': 'Counterfoil-Webhooks/1',
    'webhook-id': eventId,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures(secrets, { id: eventId, seconds, body }),
    ...(replay ? { 'webhook-replay': 'true' } : {}),
  };
}

type Made = { delivery: DeliveryItem; queued: Queued; at: number; result: Attempt };

async function settle(run: Run, { delivery, queued, at, result }: Made): Promise<void> {
  const { store, endpoint, random, onOutcome } = run;
  const attempts = delivery.attempts + 1;
  const taken = result.status !== null && result.status >= 200 && result.status < 300;
  const gone = result.status === 410;
  const delay = taken || gone ? undefined : nextDelay(attempts, random());
  const status = taken ? 'succeeded' : delay === undefined ? 'failed' : 'pending';
  const nextAttemptAt = delay === undefined ? null : store.clock.now() + delay;
  await saveDelivery(store, { ...delivery, status, attempts, nextAttemptAt, last: { ...result, at } }, queued.key);
  onOutcome(taken ? 'succeeded' : status === 'failed' ? 'given-up' : 'retried');
  run.silent = result.status === null ? run.silent + 1 : 0;
  if (taken) {
    if (endpoint.failingSince !== undefined) {
      delete endpoint.failingSince;
      await changeEndpoint(store, endpoint, { failingSince: undefined });
    }
    return;
  }
  if (gone) return disable(run, 'gone');
  if (endpoint.failingSince === undefined) {
    endpoint.failingSince = at;
    await changeEndpoint(store, endpoint, { failingSince: at });
  } else if (at - endpoint.failingSince >= failingForMs) return disable(run, 'failing');
  if (run.silent >= silentInRow) {
    run.over = true;
    await changeEndpoint(store, endpoint, { pausedUntil: store.clock.now() + pauseMs });
  }
}

async function disable(run: Run, reason: 'gone' | 'failing'): Promise<void> {
  if (run.over) return;
  run.over = true;
  const { store, endpoint } = run;
  await changeEndpoint(store, endpoint, {
    status: 'disabled',
    disabledBecause: reason,
    updatedAt: store.clock.now(),
    version: endpoint.version + 1,
  });
  run.onDisabled(endpoint, reason);
}
