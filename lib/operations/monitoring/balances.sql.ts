import type { Sql } from 'postgres';
import { idAt } from '../../kernel/ids.ts';

const hour = 3600_000;

/** Which of these products have a level that is not the sum of their ledger, or none. */
export async function findUnbalanced(sql: Sql, productIds: readonly string[]): Promise<string[]> {
  const unbalanced = await listUnbalanced(sql, productIds);
  if (unbalanced.length === 0) return [];
  // What is wrong may be the opening balance, so the whole ledger of these few has the last word.
  await forgetOpeningBalances(sql, unbalanced);
  return listUnbalanced(sql, unbalanced);
}

async function listUnbalanced(sql: Sql, productIds: readonly string[]): Promise<string[]> {
  const rows = await sql`
    select asked.id
    from jsonb_array_elements_text(${JSON.stringify(productIds)}::text::jsonb) as asked (id)
    left join monitor.stock_balances b on b.product_id = asked.id
    where b.product_id is null
      or (b.on_hand, b.reserved) is distinct from (b.ledger_on_hand, b.ledger_reserved)
      or b.reserved < 0 or b.reserved > b.on_hand`;
  return rows.map((row) => row.id as string);
}

/** Lets the next look at these products sum their whole ledger. */
export async function forgetOpeningBalances(sql: Sql, productIds: readonly string[]): Promise<void> {
  await sql`
    delete from monitor.opening_balances
    where product_id in (select jsonb_array_elements_text(${JSON.stringify(productIds)}::text::jsonb))`;
}

/** Moves the opening balances of these products on to an hour ago: by then every movement has been committed. */
export async function moveOpeningBalances(sql: Sql, productIds: readonly string[], now: Date): Promise<void> {
  const until = now.getTime() - hour;
  const before = idAt('movement', until);
  const month = new Date(until).toISOString().slice(0, 7);
  await sql`
    insert into monitor.opening_balances as opening (product_id, month, before, on_hand, reserved)
    select asked.id, ${month}, ${before}, coalesce(last.on_hand, archived.on_hand, 0) + moved.on_hand,
      coalesce(last.reserved, archived.reserved, 0) + moved.reserved
    from jsonb_array_elements_text(${JSON.stringify(productIds)}::text::jsonb) as asked (id)
    left join lateral (
      select b.before, b.on_hand, b.reserved from monitor.opening_balances b
      where b.product_id = asked.id
      order by b.month desc
      limit 1
    ) last on true
    left join lateral (
      select a.on_hand, a.reserved from monitor.archived_ledger a
      where a.product_id = asked.id and last.before is null
      order by a.last_id desc
      limit 1
    ) archived on true,
    lateral (
      select count(*) as count, sum(m.quantity) as on_hand, sum(m.reserved) as reserved
      from monitor.ledger m
      where m.product_id = asked.id and m.movement_id >= coalesce(last.before, '') and m.movement_id < ${before}
    ) moved
    where moved.count > 0
    on conflict (product_id, month) do update
      set before = excluded.before, on_hand = excluded.on_hand, reserved = excluded.reserved
      where opening.before < excluded.before`;
}

/** Movements with their products, by id, after an id. */
export async function listMovements(
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<{ id: string; productId: string }[]> {
  const rows = await sql`
    select movement_id as id, product_id from monitor.ledger
    where movement_id > ${after}
    order by movement_id
    limit ${limit}`;
  return rows as unknown as { id: string; productId: string }[];
}

/** Products by id, after an id, and whether the level of each is the sum of its ledger. */
export async function listBalanced(
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<{ productId: string; agrees: boolean }[]> {
  const rows = await sql`
    select product_id,
      (on_hand, reserved) is not distinct from (ledger_on_hand, ledger_reserved) and reserved between 0 and on_hand as agrees
    from monitor.stock_balances
    where product_id > ${after}
    order by product_id
    limit ${limit}`;
  return rows as unknown as { productId: string; agrees: boolean }[];
}

/** Months of ledgers beside their opening balances, by product and month, after such a pair. */
export async function listLedgerMonths(
  sql: Sql,
  { after, limit }: { after: { productId: string; month: string }; limit: number },
): Promise<{ productId: string; month: string; agrees: boolean }[]> {
  const rows = await sql`
    select product_id, month, agrees from monitor.ledger_months
    where (product_id, month) > (${after.productId}, ${after.month})
    order by product_id, month
    limit ${limit}`;
  return rows as unknown as { productId: string; month: string; agrees: boolean }[];
}

/** Archived pages of ledgers, by product and last movement, after such a pair, and whether each adds up. */
export async function listArchivedPages(
  sql: Sql,
  { after, limit }: { after: { productId: string; lastId: string }; limit: number },
): Promise<{ productId: string; lastId: string; agrees: boolean }[]> {
  const rows = await sql`
    select product_id, last_id, agrees from monitor.archived_pages
    where (product_id, last_id) > (${after.productId}, ${after.lastId})
    order by product_id, last_id
    limit ${limit}`;
  return rows as unknown as { productId: string; lastId: string; agrees: boolean }[];
}

/** Which of these products have an archived page that does not add up. Unpacks all pages of them. */
export async function listBrokenPages(sql: Sql, productIds: readonly string[]): Promise<string[]> {
  const rows = await sql`
    select distinct product_id from monitor.archived_pages
    where not agrees and product_id in (select jsonb_array_elements_text(${JSON.stringify(productIds)}::text::jsonb))`;
  return rows.map((row) => row.productId as string);
}
