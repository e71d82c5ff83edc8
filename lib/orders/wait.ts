import type { Sql } from 'postgres';
import type { Order } from '../contract/orders.ts';
import type { Clock, Stopwatch } from '../kernel/clock.ts';
import { findOrder } from './read.sql.ts';
import { hasEnded } from './transitions.ts';

export type Sleep = (milliseconds: number) => Promise<void>;

export const sleep: Sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const shortestPause = 10;
const longestPause = 1000;

/** How long orders took of late to end from when somebody began to wait for them, in milliseconds. */
let usual = 120;

/**
 * Waits until an order has ended, or until the stopwatch shows `until`: a client waits in its own time, wherever the
 * clock has been moved to. Looks when orders usually end, then
 * less and less often, so that waiting costs the database a read or two.
 * @returns the order as it was at the last look, undefined when there was no time for one
 */
export async function waitForEnd(
  deps: { sql: Sql; clock: Clock; stopwatch: Stopwatch; sleep: Sleep },
  of: { orderId: string; customerId: string },
  until: number,
): Promise<Order | undefined> {
  const { clock, stopwatch, sleep } = deps;
  const [begunAt, begun] = [clock.now(), stopwatch.elapsed()];
  const waited = () => stopwatch.elapsed() - begun;
  let pause = Math.max(shortestPause, usual * 1.25);
  let order: Order | undefined;
  while (stopwatch.elapsed() < until) {
    await sleep(Math.min(pause, until - stopwatch.elapsed()));
    order = await findOrder(deps.sql, of);
    if (order === undefined || hasEnded(order.status)) {
      if (order !== undefined) learn(Math.min(Date.parse(order.updatedAt) - begunAt, waited()));
      return order;
    }
    pause = Math.min(longestPause, Math.max(shortestPause, waited() * 0.5));
  }
  return order;
}

function learn(took: number): void {
  usual = usual * 0.8 + Math.min(longestPause, Math.max(0, took)) * 0.2;
}
