import type { Sql } from 'postgres';
import { idAt, idTimestamp } from '../../kernel/ids.ts';
import { listMovements } from './balances.sql.ts';
import { type HistoryCheck, toPage } from './check-history.ts';
import { listChangedOrders } from './orders.sql.ts';

type CheckChanged = NonNullable<HistoryCheck['checkChanged']>;

/**
 * Checks the orders that changed, a page at a time.
 * @param limit orders of a page
 * @param statuses only orders that have one of these now
 */
export const checkChangedOrders =
  (
    sql: Sql,
    { limit, ...filter }: { limit: number; statuses?: string[] },
    check: (orderIds: string[]) => Promise<void>,
  ): CheckChanged =>
  async (since, after) => {
    const rows = await listChangedOrders(sql, { since, after, limit, ...filter });
    await check(rows.map(({ id }) => id));
    return { ...toPage(rows, limit, ({ key }) => key), until: rows.at(-1)?.at ?? since };
  };

/**
 * Checks the products whose stock moved, each once a page.
 * @param limit movements of a page
 */
export const checkMovedProducts =
  (sql: Sql, limit: number, check: (productIds: string[]) => Promise<void>): CheckChanged =>
  async (since, after) => {
    const from = after === '' ? idAt('movement', since.getTime()) : after;
    const rows = await listMovements(sql, { after: from, limit });
    await check([...new Set(rows.map(({ productId }) => productId))]);
    const last = rows.at(-1);
    return {
      ...toPage(rows, limit, ({ id }) => id),
      until: last === undefined ? since : new Date(idTimestamp(last.id)),
    };
  };
