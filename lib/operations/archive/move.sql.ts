import type { Sql } from 'postgres';
import { idAt } from '../../kernel/ids.ts';

/**
 * Moves up to `limit` orders to the archive, with everything that belongs to them: of those that ended and have not changed
 * since `before`, the ones longest unchanged. @returns how many
 */
export async function moveOrders(
  sql: Sql,
  { before, now, limit }: { before: Date; now: Date; limit: number },
): Promise<number> {
  const [row] = await sql<[{ moved: number }]>`
    select archive.move_orders(${before}::timestamptz, ${now}::timestamptz, ${limit}::integer) as moved`;
  return row.moved;
}

/**
 * Moves about `limit` movements of before a time to the archive, product by product, but for those from the first one of
 * an order that is not archived.
 * @returns how many, and the product after which to go on; null at the end
 */
export async function moveMovements(
  sql: Sql,
  { after = '', before, limit }: { after: string | undefined; before: Date; limit: number },
): Promise<{ rows: number; next: string | null }> {
  const [row] = await sql<[{ rows: number; next: string | null }]>`
    select moved as rows, reached as next
    from archive.move_movements(${after}::text, ${idAt('movement', before.getTime())}::text, ${limit}::integer)`;
  // Another run moves now, and this one leaves it to that.
  return row.rows === 0 && row.next === after ? { rows: 0, next: null } : row;
}

/** Moves up to `limit` events to the archive that were published before a time and have their places. @returns how many */
export async function moveEvents(sql: Sql, { before, limit }: { before: Date; limit: number }): Promise<number> {
  const [row] = await sql<[{ moved: number }]>`
    select archive.move_events(${before}::timestamptz, ${limit}::integer) as moved`;
  return row.moved;
}
