import type { Sql, TransactionSql } from 'postgres';
import { decodeCursor, toPage } from '../../contract/api/cursor.ts';
import { Problem } from '../../contract/api/problems.ts';
import { type Level, type Movement, maxOnHand } from '../../contract/api/stock.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newId } from '../../kernel/ids.ts';
import { requireProduct, requireStocked } from '../catalog/products.sql.ts';

type MovementRow = Omit<Movement, 'createdAt'> & { createdAt: Date };
type LevelRow = { onHand: number; levelReserved: number; lowAt: number };

/** As a product’s level is before its first movement. */
const noStock: LevelRow = { onHand: 0, levelReserved: 0, lowAt: 5 };

/**
 * A page of a product's ledger, newest first, and the level that the whole ledger adds up to, both of one moment.
 * @throws Problem not-found, invalid-cursor
 */
export async function readLedger(
  sql: Sql,
  productId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const listName = `list-stock-movements ${productId}`;
  const before = cursor === undefined ? sql`` : sql`and id < ${decodeCursor(listName, cursor)}`;
  // What is archived of a product is older than what is not. Its pages are unpacked one after the other, while rows are wanted.
  const rows = await sql<(LevelRow & (MovementRow | { id: null }))[]>`
    with recent as materialized (
      select ${columns(sql)} from stock.movements
      where product_id = ${productId} ${before}
      order by id desc
      limit ${limit + 1}
    ),
    old as materialized (
      select ${columns(sql)} from archive.movements
      where (select count(*) from recent) <= ${limit} and product_id = ${productId} ${before}
        ${cursor === undefined ? sql`` : sql`and page_first < ${decodeCursor(listName, cursor)}`}
      order by page_last desc, id desc
      limit ${limit + 1}
    )
    select level.on_hand, level.reserved as level_reserved, level.low_at, movement.*
    from stock.levels level
    left join (
      select ${columns(sql)} from recent union all select ${columns(sql)} from old order by id desc limit ${limit + 1}
    ) movement on true
    where level.product_id = ${productId}
    order by movement.id desc`;
  if (rows.length === 0) await requireProduct(sql, productId);
  const movements = rows.filter((row) => row.id !== null);
  return { ...toPage(listName, movements.map(toMovement), limit), level: toLevel(rows[0] ?? noStock) };
}

/**
 * Takes stock in or out by hand. Locks the product's level first, so that a refusal tells the very numbers that the
 * decision was made on.
 * @throws Problem not-found, product-has-options; stock-reserved when the level would fall below what is reserved or rise above the maximum
 */
export async function adjustStock(
  tx: TransactionSql,
  productId: string,
  { quantity, reason }: { quantity: number; reason: string },
  clock: Clock,
): Promise<Movement & { level: Level }> {
  const [locked] = await tx<LevelRow[]>`
    select on_hand, reserved as level_reserved, low_at from stock.levels where product_id = ${productId} for no key update`;
  if (locked === undefined) await requireStocked(tx, productId);
  refuseOverdraft(locked ?? noStock, quantity);

  const [row] = await tx<[MovementRow]>`
    insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
    values (
      ${newId('movement', clock)}, ${productId}, 'adjustment', ${quantity}, 0, ${reason}, ${new Date(clock.now())}
    )
    returning ${columns(tx)}`;
  const [level] = await tx<[LevelRow]>`
    select on_hand, reserved as level_reserved, low_at from stock.levels where product_id = ${productId}`;
  return { ...toMovement(row), level: toLevel(level) };
}

/**
 * Sets from how many available units on the stock of a product counts as low; 0 means never.
 * @returns the level
 * @throws Problem not-found, product-has-options
 */
export async function setLowStock(sql: Sql, productId: string, lowStockAt: number): Promise<Level> {
  await requireStocked(sql, productId);
  const [row] = await sql<[LevelRow]>`
    insert into stock.levels as level (product_id, low_at) values (${productId}, ${lowStockAt})
    on conflict (product_id) do update set low_at = excluded.low_at
    returning level.on_hand, level.reserved as level_reserved, level.low_at`;
  return toLevel(row);
}

function refuseOverdraft({ onHand, levelReserved }: LevelRow, quantity: number): void {
  const after = onHand + quantity;
  if (after >= levelReserved && after <= maxOnHand) return;
  const limit = after > maxOnHand ? `at most ${maxOnHand} can be on hand` : `${levelReserved} of them reserved`;
  throw new Problem('stock-reserved', `${onHand} on hand, ${limit}: a movement of ${quantity} is not possible.`, {
    errors: [{ pointer: '/quantity', detail: `would leave ${after} on hand` }],
  });
}

const columns = (sql: Sql | TransactionSql) =>
  sql`id, product_id, kind, quantity, reserved, reason, order_id, created_at`;

const toMovement = (row: MovementRow): Movement => ({
  id: row.id,
  productId: row.productId,
  kind: row.kind,
  quantity: row.quantity,
  reserved: row.reserved,
  reason: row.reason,
  orderId: row.orderId,
  createdAt: row.createdAt.toISOString(),
});

const toLevel = ({ onHand, levelReserved, lowAt }: LevelRow): Level => ({
  onHand,
  reserved: levelReserved,
  available: onHand - levelReserved,
  lowStockAt: lowAt,
});
