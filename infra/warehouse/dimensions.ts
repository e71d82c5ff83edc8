import type { Row, TransactionSql } from 'postgres';
import { readProducts } from '../../lib/analytics/warehouse/extract.sql.ts';
import { columnsOf, type TableName } from '../../lib/analytics/warehouse/model.ts';
import { namesOf, type Query, relation } from './engine.ts';
import type { DataFile } from './files.ts';

/** When the first version of anything begins, so that each sale has one. */
export const always = new Date(0);
const attributes = columnsOf('dim_product')
  .map(([name]) => name)
  .filter((name) => !name.startsWith('valid_'));
/** What PostgreSQL and DuckDB may give as different types is the same. */
const textOf = (row: Row) => JSON.stringify(attributes.map((name) => (row[name] == null ? null : String(row[name]))));

/**
 * The versions of every product (a slowly changing dimension of type 2): those of the load before, of which a load closes the ones
 * that are no longer so and opens new ones.
 */
export async function productVersions(
  sql: TransactionSql,
  query: Query,
  root: string,
  before: DataFile | undefined,
  at: Date,
): Promise<Row[]> {
  const { rows: known } = await query(
    `select ${namesOf('dim_product')} from ${relation(root, 'dim_product', [before])} order by product_id, valid_from`,
  );
  const now = new Map((await readProducts(sql)).map((row) => [row.product_id as string, row]));
  const versions = known.map((version) => {
    if (version.valid_to !== null) return version;
    const product = now.get(version.product_id as string);
    if (product === undefined || textOf(product) !== textOf(version)) return { ...version, valid_to: at };
    now.delete(version.product_id as string);
    return version;
  });
  const seen = new Set(known.map(({ product_id }) => product_id));
  const opened = [...now.values()].map((product) => ({
    ...product,
    valid_from: seen.has(product.product_id) ? at : always,
    valid_to: null,
  }));
  return [...versions, ...opened].toSorted(
    (a: Row, b: Row) => compare(a.product_id, b.product_id) || a.valid_from.getTime() - b.valid_from.getTime(),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const dayMs = 24 * 3600 * 1000;

/** The days of whole years. */
export function* days(firstYear: number, lastYear: number): Generator<Row> {
  for (let at = Date.UTC(firstYear, 0, 1); at < Date.UTC(lastYear + 1, 0, 1); at += dayMs) {
    const date = new Date(at);
    const month = date.getUTCMonth() + 1;
    yield {
      date: date.toISOString().slice(0, 10),
      year: date.getUTCFullYear(),
      quarter: Math.ceil(month / 3),
      month,
      day: date.getUTCDate(),
      weekday: date.getUTCDay() || 7,
    };
  }
}

/** The applications that sales came through. */
export async function applications(query: Query, orders: string): Promise<Row[]> {
  const { rows } = await query(`
    select application_id, min(confirmed_at)::date as first_sale, max(confirmed_at)::date as last_sale
    from ${orders} where application_id is not null group by 1 order by 1`);
  return rows as Row[];
}

/** Adds up the days of a month from its facts. */
export async function summarize(query: Query, of: (table: TableName) => string): Promise<Row[]> {
  const { rows } = await query(`
    with o as (
      select confirmed_at::date as date, currency, count(*) as orders, sum(total) as sales, sum(shipping) as shipping, sum(tax) as tax
      from ${of('fact_orders')} group by all
    ), l as (
      select date, currency, sum(quantity) as units, sum(gross) as gross, sum(discount) as discount, sum(net) as net,
        sum(cost) as cost, sum(margin) as margin
      from ${of('fact_sales')} group by all
    ), r as (
      select date, currency, sum(amount) as refunds from ${of('fact_refunds')} group by all
    )
    select date, currency, ${[
      'orders',
      'units',
      'sales',
      'gross',
      'discount',
      'shipping',
      'tax',
      'net',
      'cost',
      'margin',
      'refunds',
    ]
      .map((name) => `coalesce(${name}, 0)::bigint as ${name}`)
      .join(', ')}
    from o full join l using (date, currency) full join r using (date, currency) order by date, currency`);
  return rows as Row[];
}
