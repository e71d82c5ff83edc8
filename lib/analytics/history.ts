import { Problem } from '../contract/api/problems.ts';
import type { HistoryUse } from '../contract/api/report-parts.ts';
import type { Stretch } from './groups.sql.ts';
import type { Statement } from './warehouse/statement.ts';

/** What the newest load of the warehouse has. Times are by the database's clock. */
export type WarehouseState = {
  number: number;
  asOf: string;
  /** The warehouse has every row of before this moment; null when that cannot be said of any. */
  completeUntil: string | null;
  /** Which database it was loaded from. */
  epoch: string;
};

export type Warehouse = {
  /** Undefined when it was never loaded. */
  newest(): Promise<WarehouseState | undefined>;
  /** @throws HistoryBroken */
  query<R>(state: WarehouseState, statement: Statement): Promise<R[]>;
};

/** A file of the warehouse is missing, or is not what was written. The message names it. */
export class HistoryBroken extends Error {
  override readonly name = 'HistoryBroken';
}

/** What a report takes from the warehouse, and from the database. */
export type Split = { use: HistoryUse; history: Stretch | undefined; database: Stretch | undefined };

/**
 * Cuts a stretch of time where the warehouse ends. A row belongs to one moment, so it is in one of the two parts alone.
 * @param state what is loaded; null where there is no warehouse
 * @param epoch of the database that is asked
 */
export function split(stretch: Stretch, state: WarehouseState | undefined | null, epoch: string): Split {
  const whole = (use: HistoryUse): Split => ({ use, history: undefined, database: stretch });
  if (state === null) return whole('no-warehouse');
  if (state === undefined || state.completeUntil === null) return whole('never-loaded');
  if (state.epoch !== epoch) return whole('other-database');
  const end = new Date(state.completeUntil);
  if (stretch.begins >= end) return whole('not-needed');
  if (stretch.ends <= end) return { use: 'used', history: stretch, database: undefined };
  return {
    use: 'used',
    history: { begins: stretch.begins, ends: end },
    database: { begins: end, ends: stretch.ends },
  };
}

/** @throws Problem history-broken instead of HistoryBroken */
export async function explained<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof HistoryBroken)) throw error;
    throw new Problem('history-broken', error.message, { cause: error });
  }
}
