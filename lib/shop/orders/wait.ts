import type { Sql } from 'postgres';
import type { Order } from '../../contract/api/orders.ts';
import type { Clock, Stopwatch } from '../../kernel/clock.ts';
import { findOrder } from './read.sql.ts';
import { isAtRest } from './transitions.ts';

export type Sleep = (milliseconds: number) => Promise<void>;

export const sleep: Sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const shortestPause = 10;
const longestPause = 1000;

/** How long orders took of late to end from when somebody began to wait for them, in milliseconds. */
let usual = 120;

/**
 * Waits until an order has ended or its customer has to act, or until the stopwatch shows `until`: a client waits in its
 * own time, wherever the clock has been moved to. Looks when orders usually end.
 * @returns the order as it was at the last look, undefined when there was no time for one
 */
export async function waitForEnd(
  deps: { sql: Sql; clock: Clock; stopwatch: Stopwatch; sleep: Sleep },
  of: { orderId: string; customerId: string },
  until: number,
): Promise<Order | undefined> {
  const [begunAt, begun] = [deps.clock.now(), deps.stopwatch.elapsed()];
  const order = await waitFor(
    deps,
    () => findOrder(deps.sql, of),
    ({ status }) => isAtRest(status),
    until,
  );
  if (order !== undefined && isAtRest(order.status)) {
    learn(Math.min(Date.parse(order.updatedAt) - begunAt, deps.stopwatch.elapsed() - begun));
  }
  return order;
}

/**
 * Looks at something until it is done or gone, or until the stopwatch shows `until`: first after as long as an order
 * usually takes, then less and less often, so that waiting costs the database a read or two.
 * @returns what the last look saw, undefined when there was no time for one
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
