import type { Totals } from '../../lib/analytics/warehouse/extract.sql.ts';
import { columnsOf, type TableName, tableNames } from '../../lib/analytics/warehouse/model.ts';
import { customerSegments } from './customers.ts';
import { type Query, relation } from './engine.ts';
import type { Manifest } from './files.ts';

/** A load is not published, because these are wrong. */
export class LoadRefused extends Error {
  override readonly name = 'LoadRefused';
  readonly findings: readonly string[];
  constructor(findings: readonly string[]) {
    super(`The load is not published:\n${findings.map((finding) => `  ${finding}`).join('\n')}`);
    this.findings = findings;
  }
}

/** Rows of a kind that are named. */
const most = 5;

/**
 * Checks the files of months as they were written: against each other, against the load before, and against what the shop's
 * tables add up to.
 * @param totals of each month
 * @returns what is wrong, each with the ids of rows; empty when nothing is
 */
export async function checkMonths(
  query: Query,
  root: string,
  manifest: Manifest,
  before: Manifest | undefined,
  totals: ReadonlyMap<string, Totals>,
): Promise<string[]> {
  const months = [...totals.keys()];
  const of = (table: TableName, from = manifest, some: readonly string[] = months) =>
    relation(
      root,
      table,
      some.map((month) => from.tables[table]?.[month]),
    );
  const all = (table: TableName) => relation(root, table, Object.values(manifest.tables[table] ?? {}));
  const [orders, lines, refunds] = [of('fact_orders'), of('fact_sales'), of('fact_refunds')];
  const rules: Record<string, string> = {
    'order is there twice': `select order_id from ${orders} group by 1 having count(*) > 1`,
    'line is there twice': `select order_id || ' line ' || position from ${lines} group by order_id, position having count(*) > 1`,
    'refund is there twice': `select refund_key from ${refunds} group by 1 having count(*) > 1`,
    'order has no lines': `select order_id from ${orders} a anti join ${lines} b using (order_id)`,
    'line has no order': `select order_id || ' line ' || position from ${lines} a anti join ${orders} b using (order_id)`,
    'lines do not add up to the order': `
      select o.order_id from ${orders} o join ${lines} l using (order_id) group by o.order_id, o.subtotal, o.discount
      having sum(l.gross) <> o.subtotal or sum(l.discount) <> o.discount`,
    'order was in the load before and is gone': `select order_id from ${of('fact_orders', before ?? manifest)} a anti join ${orders} b using (order_id)`,
    'refund was in the load before and is gone': `select refund_key from ${of('fact_refunds', before ?? manifest)} a anti join ${refunds} b using (refund_key)`,
    'product of a line is not in dim_product': `select distinct product_id from ${lines} a anti join ${all('dim_product')} b using (product_id)`,
    'customer of an order is not in dim_customer as they were then': `
      select order_id from (
        -- Of sales at the same moment the last one says what the customer was.
        select order_id, customer_key, confirmed_at, segment, country,
          row_number() over (partition by customer_key, confirmed_at order by order_id desc) as n
        from ${orders} where customer_key is not null
      ) o anti join ${all('dim_customer')} c on c.customer_key = o.customer_key
        and o.confirmed_at >= c.valid_from and (c.valid_to is null or o.confirmed_at < c.valid_to)
        and (o.n > 1 or ((o.segment is null or o.segment not in (${customerSegments}) or o.segment = c.segment)
          and (o.country is null or o.country = c.country)))`,
    'customer has two versions at once, or none': `
      select distinct customer_key from (
        select customer_key, valid_to, lead(valid_from) over (partition by customer_key order by valid_from) as next,
          row_number() over (partition by customer_key order by valid_from) as n, valid_from
        from ${all('dim_customer')}
      ) where valid_to is distinct from next or (n = 1 and valid_from <> timestamp '1970-01-01')`,
    'refund is of an order that is no sale': `select refund_key from ${refunds} a anti join ${all('fact_orders')} b using (order_id)`,
    'day is not in dim_date': `select distinct date::varchar from ${lines} a anti join ${all('dim_date')} b using (date)`,
  };
  const findings: string[] = [];
  for (const [what, statement] of Object.entries({ ...rules, ...nullRules(of) }))
    findings.push(...(await find(query, what, statement)));
  for (const [month, expected] of totals) {
    const found = await totalsOf(query, (table) => of(table, manifest, [month]));
    for (const [name, value] of Object.entries(expected)) {
      const here = found[name as keyof Totals];
      if (here !== value) findings.push(`${month}: ${name} are ${here} here and ${value} in the shop's tables`);
    }
  }
  return findings;
}

/** No column is null that must not be. */
function nullRules(of: (table: TableName) => string): Record<string, string> {
  const rules = tableNames
    .filter((table) => table.startsWith('fact_'))
    .map((table) => {
      const [[first]] = columnsOf(table) as [[string, unknown]];
      const required = columnsOf(table).filter(([, { nullable }]) => !nullable);
      const isNull = required.map(([name]) => `${name} is null`).join(' or ');
      return [
        `${table} has a null`,
        `select coalesce(${first}, 'a row without an id') from ${of(table)} where ${isNull}`,
      ];
    });
  return Object.fromEntries(rules);
}

async function find(query: Query, what: string, statement: string): Promise<string[]> {
  const { rows } = await query(
    `select x.id, count(*) over () as n from (${statement}) x (id) order by id limit ${most}`,
  );
  if (rows.length === 0) return [];
  const more = Number(rows[0]!.n) - rows.length;
  return [`${what}: ${rows.map(({ id }) => id).join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}

async function totalsOf(query: Query, of: (table: TableName) => string): Promise<Totals> {
  const { rows } = await query(`
    select orders, sales, lines, net, refunds, refunded
    from (select count(*) as orders, coalesce(sum(total), 0)::bigint as sales from ${of('fact_orders')}),
      (select count(*) as lines, coalesce(sum(net), 0)::bigint as net from ${of('fact_sales')}),
      (select count(*) as refunds, coalesce(sum(amount), 0)::bigint as refunded from ${of('fact_refunds')})`);
  return rows[0] as Totals;
}
