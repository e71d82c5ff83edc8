import type { Clock } from '../../lib/kernel/clock.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { findSwitched, noteBackOut } from './cut-overs.ts';
import { MoveInRefused } from './errors.ts';
import { type Hooks, runHook } from './hooks.ts';

type Options = {
  sql: Sql;
  clock: Clock;
  source: string;
  folder: string;
  /** `switch` sends customers back to the old shop, which `thaw` has opened. */
  hooks: Pick<Hooks, 'switch' | 'thaw'>;
};
/** What was done here that the old shop does not know. */
export type LeftHere = { newCustomers: number; changedCustomers: number };

/**
 * Goes back to the old shop after a cut-over, as long as nothing was sold here. What moved in stays, and the next cut-over goes on
 * from it. Loads are allowed again.
 * @returns what the old shop does not know of
 * @throws MoveInRefused when something was sold, or nothing was cut over
 */
export async function backOut({ sql, clock, source, folder, hooks }: Options): Promise<LeftHere> {
  const cutOver = await findSwitched(sql, source);
  if (cutOver?.switchedAt == null)
    throw new MoveInRefused(`${source} was not cut over, or went back already: there is nothing to back out of.`);
  const since = cutOver.switchedAt;
  const sold = await soldSince(sql, since);
  if (sold.length > 0)
    throw new MoveInRefused(
      `${sold.length} orders were placed here since ${since.toISOString()}, such as ${sold.slice(0, 3).join(', ')}: it is too late to go back.`,
    );
  if (hooks.thaw !== undefined) await runHook('thaw', hooks.thaw, folder);
  if (hooks.switch !== undefined) await runHook('switch', hooks.switch, folder);
  await noteBackOut(sql, cutOver, new Date(clock.now()));
  const late = await soldSince(sql, since);
  if (late.length > 0)
    throw new MoveInRefused(
      `The old shop sells again. While it was opened these orders were placed here, and have to be cancelled or fulfilled from here: ${late.join(', ')}.`,
    );
  const [left] = await sql<[LeftHere]>`
    select count(*) filter (where created_at >= ${since})::integer as new_customers,
      count(*) filter (where created_at < ${since})::integer as changed_customers
    from customers.customers where updated_at >= ${since}`;
  return left;
}

/** The numbers of orders that were placed here and are paid, or may be yet. */
async function soldSince(sql: Sql, since: Date): Promise<string[]> {
  const rows = await sql<{ number: string }[]>`
    select number from orders.orders where created_at >= ${since} and status not in ('failed', 'cancelled') order by number`;
  return rows.map(({ number }) => number);
}
