import type { Sql } from 'postgres';
import type { Order } from '../../contract/api/orders.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import type { OfOwner } from './owner.sql.ts';
import { findLiveOrder } from './read.sql.ts';
import { isAtRest } from './transitions.ts';

export type Sleep = (milliseconds: number) => Promise<void>;

export const sleep: Sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const shortestPause = 10;
const longestPause = 1000;

/** How long recent orders took to end after a client began to wait for them, in milliseconds. */
let usual = 120;

/**
 * Waits until an order has ended or its customer has to act, or until the stopwatch shows `until`. The stopwatch measures
 * real time: a client waits in real time even if the clock has been moved. Reads when orders usually end.
 * @returns the order as the last read saw it, undefined when there was no time for a read
 */
export async function waitForEnd(
  deps: { sql: Sql; clock: Clock; stopwatch: Stopwatch; sleep: Sleep },
  of: OfOwner,
  until: number,
): Promise<Order | undefined> {
  const [begunAt, begun] = [deps.clock.now(), deps.stopwatch.elapsed()];
  const waited = () => deps.stopwatch.elapsed() - begun;
  let notYet = 0;
  const look = async () => {
    const at = waited();
    const order = await findLiveOrder(deps.sql, of);
    if (order !== undefined && !isAtRest(order.status)) notYet = at;
    return order;
  };
  const order = await waitFor(deps, look, ({ status }) => isAtRest(status), until);
  if (order !== undefined && isAtRest(order.status)) {
    // The order says when its last step began. Others see it a little later, when the step's transaction has committed.
    learn(Math.max(notYet, Math.min(Date.parse(order.updatedAt) - begunAt, waited())));
  }
  return order;
}

/**
 * Reads something until it is done or does not exist any more, or until the stopwatch shows `until`. Reads first after the
 * time that an order usually takes, then less and less often, so that waiting costs the database a read or two.
 * @returns what the last read saw, undefined when there was no time for a read
 */
export async function waitFor<T>(
  { stopwatch, sleep }: { stopwatch: Stopwatch; sleep: Sleep },
  look: () => Promise<T | undefined>,
  isDone: (seen: T) => boolean,
  until: number,
): Promise<T | undefined> {
  const begun = stopwatch.elapsed();
  let pause = Math.max(shortestPause, usual * 1.25);
  let seen: T | undefined;
  while (stopwatch.elapsed() < until) {
    await sleep(Math.min(pause, until - stopwatch.elapsed()));
    seen = await look();
    if (seen === undefined || isDone(seen)) return seen;
    pause = Math.min(longestPause, Math.max(shortestPause, (stopwatch.elapsed() - begun) * 0.5));
  }
  return seen;
}

function learn(took: number): void {
  usual = usual * 0.8 + Math.min(longestPause, Math.max(0, took)) * 0.2;
}
