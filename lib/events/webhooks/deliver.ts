import { setTimeout as sleep } from 'node:timers/promises';
import { type AttemptDeps, attempt, type Run } from './attempt.ts';
import { type DeliveryItem, type Queued, readDeliveries, readQueue } from './deliveries.dynamo.ts';
import type { EndpointItem, EndpointKey, MayReceive } from './endpoints.dynamo.ts';
import { leaseEndpoint, returnLease } from './leases.dynamo.ts';
import { outcomeWriter } from './outcomes.dynamo.ts';

export type DeliverDeps = AttemptDeps & {
  mayReceive: MayReceive;
  /** No attempt begins after so many milliseconds. */
  limitMs: number;
  /** Called when time is up and something is due: another sender has to go on. */
  onTimeUp: () => Promise<void>;
};

/** Deliveries to one endpoint at the same time. */
const atOnce = 5;
/** What a sender looks at of the queue. To keep an order, it has to see what holds a delivery back. */
const window = (ordered: boolean): number => (ordered ? 5000 : 500);
/** Deliveries that are read in one call: with a rate limit no more than are sent in a second. */
const readAtOnce = ({ rateLimit }: EndpointItem): number => Math.min(25, rateLimit ?? 25);
/** A sender waits for what is due so soon, instead of leaving it to the next one. */
const waitMs = 10_000;
/** A lease lasts so much longer than attempts begin: the last ones may take their ten seconds. */
const leaseBeyondMs = 15_000;

/** One sender's work on an endpoint. */
type Work = DeliverDeps &
  Run & {
    /** By the stopwatch: no attempt begins later. */
    until: number;
    /** By the clock: with a rate limit, no attempt begins earlier. */
    nextSendAt: number;
  };

/**
 * Sends what is due for an endpoint, and goes on until nothing is. One sender works on an endpoint at a time; a second one finds
 * the lease taken and ends. Each delivery is attempted at least once more after a sender that died.
 * @returns how many attempts were made; undefined when there was no lease to be had, or the application may have nothing
 */
export async function deliverTo(deps: DeliverDeps, key: EndpointKey): Promise<number | undefined> {
  // What waits for an application that is cut off waits on, for 30 days.
  if (!(await deps.mayReceive(key.applicationId))) return undefined;
  const { store, stopwatch, limitMs } = deps;
  const until = stopwatch.elapsed() + limitMs;
  const endpoint = await leaseEndpoint(store, key, limitMs + leaseBeyondMs);
  if (endpoint === undefined) return undefined;
  const lease = { ...key, sendingUntil: endpoint.sendingUntil! };
  const { nextSendAt = 0 } = endpoint;
  const run: Work = {
    ...deps,
    endpoint,
    writer: outcomeWriter(store),
    until,
    nextSendAt,
    silent: 0,
    attempts: 0,
    over: false,
  };
  for (;;) {
    const isDue = await sendWhatIsDue(run);
    const left = {
      nextSendAt: endpoint.rateLimit ? Math.ceil(run.nextSendAt) : undefined,
      pausedUntil: run.pausedUntil,
    };
    const isLeft = isDue || run.over;
    if (await returnLease(store, lease, left, isLeft)) {
      if (isDue && !run.over) await deps.onTimeUp();
      return run.attempts;
    }
  }
}

/** @returns whether time was up while something was due */
async function sendWhatIsDue(run: Work): Promise<boolean> {
  const { store, endpoint } = run;
  for (;;) {
    const limit = window(endpoint.ordered);
    const queued = await readQueue(store, endpoint.endpointId, { limit });
    const candidates = ready(queued, endpoint.ordered);
    const now = store.clock.now();
    const due = candidates.filter(({ dueAt }) => dueAt <= now);
    if (due.length === 0) {
      const wait = Math.min(...candidates.map(({ dueAt }) => dueAt)) - now;
      if (!(wait < Math.min(waitMs, timeLeft(run)))) return false;
      await sleep(Math.max(50, Math.min(wait, 250)));
      continue;
    }
    const { sent, waiting } = await work(run, due);
    if (run.over) return false;
    if (sent < due.length) return true;
    const later = candidates.filter(({ dueAt }) => dueAt >= now + waitMs).length;
    // When all that waited was looked at, and nothing is due soon, there is no need to look again: what comes leaves its mark.
    if (queued.length < limit && waiting === 0 && sent + later === queued.length) return false;
  }
}

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

/** @returns how many were dealt with, and how many of them are due again soon */
async function work(run: Work, due: readonly Queued[]): Promise<{ sent: number; waiting: number }> {
  const counts = { sent: 0, waiting: 0 };
  const soon = run.store.clock.now() + waitMs;
  const next = withDeliveries(run, due);
  const worker = async () => {
    for (let each = await next(); each !== undefined && (await itsTurn(run)); each = await next()) {
      const dueAgain = await attempt(run, each);
      counts.sent += 1;
      if (dueAgain !== null && dueAgain < soon) counts.waiting += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await run.writer.end();
  return counts;
}

/** What is due one by one, each with its delivery if there is one. They are read shortly before they are sent. */
function withDeliveries({ store, endpoint }: Work, due: readonly Queued[]) {
  const left = [...due];
  const read: { queued: Queued; delivery: DeliveryItem | undefined }[] = [];
  let reading: Promise<void> | undefined;
  async function readSome() {
    const some = left.splice(0, readAtOnce(endpoint));
    const known = await readDeliveries(
      store,
      endpoint.endpointId,
      some.map(({ deliveryId }) => deliveryId),
    );
    read.push(...some.map((queued) => ({ queued, delivery: known.get(queued.deliveryId) })));
  }
  return async () => {
    while (read.length === 0 && left.length > 0) {
      reading ??= readSome().finally(() => {
        reading = undefined;
      });
      await reading;
    }
    return read.shift();
  };
}

const timeLeft = ({ stopwatch, until }: Work): number => until - stopwatch.elapsed();

/** Waits until the endpoint's rate limit allows another request. @returns false when that is too late, or the run is over */
async function itsTurn(run: Work): Promise<boolean> {
  const { endpoint, store } = run;
  if (run.over || timeLeft(run) <= 0) return false;
  if (!endpoint.rateLimit) return true;
  const now = store.clock.now();
  const at = Math.max(run.nextSendAt, now);
  if (at - now >= timeLeft(run)) return false;
  run.nextSendAt = at + 1000 / endpoint.rateLimit;
  for (let wait = at - now; wait > 0; wait = at - store.clock.now()) await sleep(Math.min(wait, 250));
  return !run.over;
}
