import type { Sql } from 'postgres';
import type { Order } from '../contract/orders.ts';
import type { Clock } from '../kernel/clock.ts';
import { findOrder } from './read.sql.ts';
import { hasEnded } from './transitions.ts';

export type Sleep = (milliseconds: number) => Promise<void>;

export const sleep: Sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const longestPause = 1000;

/** What orders took of late in this process, in milliseconds: the best guess of when to look first. */
let usual = 120;

/**
 * Waits until an order has ended, or for so many seconds. Looks when orders usually end, then less and less often, so
 * that waiting costs the database a read or two.
 * @returns the order as it was at the last look
 */
export async function waitForEnd(
  deps: { sql: Sql; clock: Clock; sleep: Sleep },
  of: { orderId: string; customerId: string },
  seconds: number,
): Promise<Order | undefined> {
  const startedAt = deps.clock.now();
  const until = startedAt + seconds * 1000;
  let pause = usual;
  let looks = 0;
  let order: Order | undefined;
  while (deps.clock.now() < until) {
    await deps.sleep(Math.min(pause, until - deps.clock.now()));
    order = await findOrder(deps.sql, of);
    looks += 1;
    if (order === undefined || hasEnded(order.status)) {
      // Found at the first look: it may have ended earlier, so the next one looks a little sooner.
      const took = (deps.clock.now() - startedAt) * (looks === 1 ? 0.9 : 1.1);
      usual = Math.min(longestPause, Math.max(10, usual * 0.8 + took * 0.2));
      return order;
    }
    pause = Math.min(longestPause, looks === 1 ? Math.max(15, usual / 2) : pause * 2);
  }
  return order;
}
