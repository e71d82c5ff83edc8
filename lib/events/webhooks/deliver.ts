import { setTimeout as sleep } from 'node:timers/promises';
import { type AttemptDeps, attempt, type Run } from './attempt.ts';
import { type DeliveryItem, type Queued, readDeliveries, readQueue } from './deliveries.dynamo.ts';
import type { EndpointItem, EndpointKey, MayReceive } from './endpoints.dynamo.ts';
import { type Left, leaseEndpoint, returnLease } from './leases.dynamo.ts';
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
/** A sender waits for what is due so soon, instead of leaving it to the next one... */
const waitMs = 10_000;
/** ...unless the endpoint has failed for so long: senders are few, and many that wait would keep others from endpoints that take. */
const failsForMs = 60_000;
/** A lease lasts so much longer than attempts begin: the last ones may take their ten seconds. */
const leaseBeyondMs = 15_000;

/** One sender's work on an endpoint, while it has the lease. */
type Turn = DeliverDeps &
  Run & {
    /** By the stopwatch: no attempt begins later. */
    until: number;
    /** By the clock: with a rate limit, no attempt begins earlier. */
    nextSendAt: number;
    /** By the clock: when this sender goes on, because something is due soon. */
    waitFor?: number | undefined;
  };

/**
 * Sends what is due for an endpoint, and goes on until nothing is. One sender works on an endpoint at a time; a second one finds
 * the lease taken and ends. Each delivery is attempted at least once more after a sender that died.
 * @returns how many attempts were made; undefined when there was no lease to be had, or the application may have nothing
 */
export async function deliverTo(deps: DeliverDeps, key: EndpointKey): Promise<number | undefined> {
  const until = deps.stopwatch.elapsed() + deps.limitMs;
  let attempts: number | undefined;
  for (;;) {
    const turn = await takeTurn(deps, key, until);
    if (turn === undefined) return attempts;
    attempts = (attempts ?? 0) + turn.attempts;
    if (turn.waitFor === undefined) return attempts;
    // Without the lease: what comes meanwhile is sent by whoever brings it.
    await sleepUntil(turn.waitFor, turn);
  }
}

async function takeTurn(deps: DeliverDeps, key: EndpointKey, until: number): Promise<Turn | undefined> {
  const { store, stopwatch } = deps;
  // What waits for an application that is cut off waits on, for 30 days.
  const may = await deps.mayReceive(key.applicationId);
  if (may === undefined) return undefined;
  const forMs = Math.max(0, until - stopwatch.elapsed()) + leaseBeyondMs;
  const endpoint = await leaseEndpoint(store, key, forMs);
  if (endpoint === undefined) return undefined;
  const { nextSendAt = 0 } = endpoint;
  const turn: Turn = {
    ...deps,
    ...may,
    endpoint,
    writer: outcomeWriter(store),
    until,
    nextSendAt,
    silent: 0,
    attempts: 0,
    over: false,
  };
  try {
    for (;;) {
      const isDue = await sendWhatIsDue(turn);
      if (await returnLease(store, endpoint, leftBy(turn), isDue || turn.over)) {
        if (isDue) await deps.onTimeUp();
        return turn;
      }
    }
  } catch (error) {
    // Whoever is told again goes on, and does not have to wait until the lease ends.
    await returnLease(store, endpoint, leftBy({ ...turn, waitFor: undefined }), true).catch(() => {});
    throw error;
  }
}

const leftBy = ({ endpoint, nextSendAt, pausedUntil, waitFor }: Turn): Left => ({
  nextSendAt: endpoint.rateLimit ? Math.ceil(nextSendAt) : undefined,
  pausedUntil,
  waitingUntil: waitFor,
});

/** @returns whether time was up while something was due */
async function sendWhatIsDue(turn: Turn): Promise<boolean> {
  const { store, endpoint } = turn;
  turn.waitFor = undefined;
  for (;;) {
    const limit = window(endpoint.ordered);
    const queued = await readQueue(store, endpoint.endpointId, { limit });
    const candidates = ready(queued, endpoint.ordered);
    const now = store.clock.now();
    const due = candidates.filter(({ dueAt }) => dueAt <= now);
    const { sent, dueAgain } = await work(turn, due);
    if (turn.over) return false;
    if (sent < due.length) return true;
    // What has come since left its mark. Only what was not looked at, or was held back, makes another look worth it.
    if (due.length > 0 && (queued.length === limit || queued.length > candidates.length)) continue;
    const next = Math.min(dueAgain, ...candidates.flatMap(({ dueAt }) => (dueAt > now ? [dueAt] : [])));
    if (next - now < Math.min(patience(turn), timeLeft(turn))) turn.waitFor = next;
    return false;
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

/** @returns how many were dealt with, and when the first of them is due again; infinite when none is */
async function work(turn: Turn, due: readonly Queued[]): Promise<{ sent: number; dueAgain: number }> {
  let [sent, dueAgain] = [0, Number.POSITIVE_INFINITY];
  const next = withDeliveries(turn, due);
  const worker = async () => {
    for (let each = await next(); each !== undefined && (await itsTurn(turn)); each = await next()) {
      const again = await attempt(turn, each);
      sent += 1;
      dueAgain = Math.min(dueAgain, again ?? Number.POSITIVE_INFINITY);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, due.length) }, worker));
  await turn.writer.end();
  const failed = ended.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return { sent, dueAgain };
}

/** What is due one by one, each with its delivery if there is one. They are read shortly before they are sent. */
function withDeliveries({ store, endpoint }: Turn, due: readonly Queued[]) {
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

/** How far in the future an attempt may be due for this sender to wait for it, in milliseconds: not at all if another one waits. */
function patience({ endpoint: { failingSince, waitingUntil = 0 }, store }: Turn): number {
  const now = store.clock.now();
  return waitingUntil > now || now - (failingSince ?? now) > failsForMs ? 0 : waitMs;
}

const timeLeft = ({ stopwatch, until }: Turn): number => until - stopwatch.elapsed();

/** Waits until the endpoint's rate limit allows another request. @returns false when that is too late, or the turn is over */
async function itsTurn(turn: Turn): Promise<boolean> {
  const { endpoint, store } = turn;
  if (turn.over || timeLeft(turn) <= 0) return false;
  if (!endpoint.rateLimit) return true;
  const now = store.clock.now();
  const at = Math.max(turn.nextSendAt, now);
  if (at - now >= timeLeft(turn)) return false;
  turn.nextSendAt = at + 1000 / endpoint.rateLimit;
  await sleepUntil(at, turn);
  return !turn.over;
}

/** Waits for a time of the clock, which may be moved meanwhile, but no longer than the sender has. */
async function sleepUntil(at: number, turn: Turn): Promise<void> {
  const wait = () => Math.min(at - turn.store.clock.now(), timeLeft(turn));
  for (let ms = wait(); ms > 0; ms = wait()) await sleep(Math.min(ms, 250));
}
