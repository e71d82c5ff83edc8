import type { Sql } from 'postgres';
import type { Invariant } from '../../contract/deploy/metrics.ts';

const hour = 3600_000;

/** The invariants that are checked by order, as it ends and changes. */
export const invariantsOfOrders = [
  'charged-at-most-once',
  'confirmed-is-complete',
  'lines-add-up',
] as const satisfies readonly Invariant[];

/** Checks the payments, the stock and the lines of these orders, and keeps which of them break an invariant. */
export async function checkOrders(sql: Sql, orderIds: readonly string[], now: Date): Promise<void> {
  const asked = JSON.stringify(orderIds);
  const rows = await sql`
    select 'charged-at-most-once' as invariant, order_id as subject from monitor.payment_violations
    where order_id = any (array(select jsonb_array_elements_text(${asked}::text::jsonb)))
    union all
    select 'confirmed-is-complete', order_id from monitor.confirmation_violations
    where order_id = any (array(select jsonb_array_elements_text(${asked}::text::jsonb)))
    union
    select 'lines-add-up', order_id from monitor.line_violations
    where order_id = any (array(select jsonb_array_elements_text(${asked}::text::jsonb)))`;
  for (const invariant of invariantsOfOrders) {
    const broken = rows.filter((row) => row.invariant === invariant).map((row) => row.subject as string);
    await keepViolations(sql, invariant, { asked: orderIds, broken }, now);
  }
}

/** Codes of coupons, after a code. */
export async function listCoupons(sql: Sql, { after, limit }: { after: string; limit: number }): Promise<string[]> {
  const rows = await sql`select code from monitor.coupon_codes where code > ${after} order by code limit ${limit}`;
  return rows.map((row) => row.code as string);
}

/** Checks what these coupons count, and keeps which of them break the invariant. */
export async function checkCoupons(sql: Sql, codes: readonly string[], now: Date): Promise<void> {
  const rows = await sql`
    select code from monitor.coupon_violations
    where code = any (array(select jsonb_array_elements_text(${JSON.stringify(codes)}::text::jsonb)))`;
  const broken = rows.map((row) => row.code as string);
  await keepViolations(sql, 'coupons-within-limits', { asked: codes, broken }, now);
}

/** Keeps which of the subjects that were checked break an invariant; the others no longer do. */
export async function keepViolations(
  sql: Sql,
  invariant: Invariant,
  { asked, broken }: { asked: readonly string[]; broken: readonly string[] },
  now: Date,
): Promise<void> {
  const known = await sql`
    select subject from monitor.violations
    where invariant = ${invariant} and subject in (select jsonb_array_elements_text(${JSON.stringify(asked)}::text::jsonb))`;
  const wrong = new Set(broken);
  const mended = known.map((row) => row.subject as string).filter((subject) => !wrong.has(subject));
  if (broken.length > 0) {
    await sql`
      insert into monitor.violations (invariant, subject, first_seen)
      select ${invariant}, subject, ${now}::timestamptz
      from jsonb_array_elements_text(${JSON.stringify(broken)}::text::jsonb) as b (subject)
      on conflict do nothing`;
  }
  if (mended.length > 0) {
    await sql`
      delete from monitor.violations
      where invariant = ${invariant}
        and subject in (select jsonb_array_elements_text(${JSON.stringify(mended)}::text::jsonb))`;
  }
}

/** Up to `limit` subjects that are known to break an invariant, after a subject. */
export async function listViolations(
  sql: Sql,
  { invariants, after, limit }: { invariants: readonly Invariant[]; after: string; limit: number },
): Promise<string[]> {
  const rows = await sql`
    select distinct subject from monitor.violations
    where subject > ${after}
      and invariant in (select jsonb_array_elements_text(${JSON.stringify(invariants)}::text::jsonb))
    order by subject
    limit ${limit}`;
  return rows.map((row) => row.subject as string);
}

/** For each invariant, the number of known violations and up to ten of the ids. Every number should be 0. */
export async function countViolations(
  sql: Sql,
  now: Date,
): Promise<{ invariant: Invariant; count: number; ids: string[] }[]> {
  const rows = await sql`
    select wanted.invariant, count(v.subject)::integer,
      coalesce(to_jsonb((array_agg(v.subject order by v.subject) filter (where v.subject is not null))[1:10]), '[]') as ids
    from (values ('stock-never-oversold'), ('charged-at-most-once'), ('confirmed-is-complete'), ('lines-add-up'),
      ('coupons-within-limits')) as wanted (invariant)
    left join monitor.violations v on v.invariant = wanted.invariant
    group by wanted.invariant
    union all
    select 'every-order-ends', count(*)::integer, coalesce(to_jsonb((array_agg(order_id))[1:10]), '[]')
    from monitor.open_orders where updated_at < ${new Date(now.getTime() - hour)}`;
  return rows as unknown as { invariant: Invariant; count: number; ids: string[] }[];
}
