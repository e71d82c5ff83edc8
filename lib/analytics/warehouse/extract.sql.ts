import type { Row, TransactionSql } from 'postgres';
import type { Source } from '../freshness.sql.ts';
import type { TableName } from './model.ts';

/** One snapshot of the database, and what the next load has to know of it. */
export type Snapshot = {
  source: Source;
  /** How old the snapshot is at most, by the database's clock. */
  asOf: Date;
  /** The oldest transaction that was not over: everything the snapshot does not have is of it or a later one. */
  watermark: string;
  /** The transaction that had not begun yet. */
  next: string;
  /** Which database counts these transactions. */
  epoch: string;
};

const batch = 5000;

/** A reader that has only just started does not know how old its data are. */
export class AgeUnknown extends Error {
  override readonly name = 'AgeUnknown';
}

/** A load each hour from older data would say that it is of an hour that it does not have. */
const oldestMs = 3600 * 1000;

/** The data of the reader are too old to be loaded, or to be compared with what was. */
export class ReaderBehind extends Error {
  override readonly name = 'ReaderBehind';
  constructor(lagMs: number) {
    super(
      `The reader is ${Math.round(lagMs / 1000)} s behind, and loads take data of the last ${oldestMs / 1000} s alone. Load again when it has caught up.`,
    );
  }
}

/**
 * Reads what the transaction's snapshot is. It must be the first statement of a transaction in repeatable read.
 * @throws AgeUnknown, ReaderBehind
 */
export async function readSnapshot(sql: TransactionSql): Promise<Snapshot> {
  const [row] = await sql`
    select pg_snapshot_xmin(pg_current_snapshot())::text as watermark, reporting.get_next_transaction()::text as next,
      now() as now, reporting.get_epoch() as epoch`;
  const [freshness] = await sql`select source, lag_ms from reporting.get_freshness()`;
  const { watermark, next, epoch, now } = row as { watermark: string; next: string; epoch: string; now: Date };
  const { source, lag_ms: lagMs } = freshness as { source: Source; lag_ms: string | null };
  if (lagMs === null) throw new AgeUnknown('The reader does not know how old its data are.');
  if (Number(lagMs) > oldestMs) throw new ReaderBehind(Number(lagMs));
  return { source, asOf: new Date(now.getTime() - Number(lagMs)), watermark, next, epoch };
}

/** Months as YYYY-MM. */
export type Changes = { sales: string[]; refunds: string[]; customers: boolean };

/** What may have changed since a watermark; without one, everything that there is. */
export async function readChanges(sql: TransactionSql, since: string | undefined): Promise<Changes> {
  const rows = await sql`
    select kind, to_char(month, 'YYYY-MM') as month from reporting.changed_months(${since ?? null}::text::xid8) order by 2`;
  const monthsOf = (kind: string) => rows.filter((row) => row.kind === kind).map((row) => row.month as string);
  return {
    sales: monthsOf('sales'),
    refunds: monthsOf('refunds'),
    customers: rows.some((row) => row.kind === 'customers'),
  };
}

/** Batches of a cursor, of which the database makes the next one while this one is worked on. */
export async function* ahead(batches: AsyncIterable<Row[]>): AsyncGenerator<Row[]> {
  const cursor = batches[Symbol.asyncIterator]();
  const ask = () => {
    const answer = Promise.resolve(cursor.next());
    // It is thrown when the batch is wanted.
    answer.catch(() => undefined);
    return answer;
  };
  let next = ask();
  try {
    for (let batch = await next; !batch.done; batch = await next) {
      next = ask();
      yield batch.value;
    }
  } finally {
    await next.catch(() => undefined);
    await cursor.return?.();
  }
}

const firstDay = (month: string): string => `${month}-01`;

/** The rows of a fact in a month, in an order that is always the same. Customers still have their ids. */
export function readFact(sql: TransactionSql, table: TableName, month: string): AsyncGenerator<Row[]> {
  const begins = sql`(${firstDay(month)}::date::timestamp at time zone 'UTC')`;
  const ends = sql`((${firstDay(month)}::date + interval '1 month') at time zone 'UTC')`;
  const inMonth = (at: string) =>
    sql`f.${sql(at)} >= ${begins} and f.${sql(at)} < ${ends} and f.first_at < ${ends} and f.last_at >= ${begins}`;
  const customers = sql`left join reporting.customers_masked c on c.customer_id = f.customer_id and not c.erased`;
  const statements: Partial<Record<TableName, () => ReturnType<TransactionSql>>> = {
    fact_orders: () => sql`
      select f.order_id, c.customer_id as customer_key, f.currency, f.subtotal, f.discount, f.shipping, f.tax, f.total, f.country,
        f.application_id, f.segment, f.placed_at, f.confirmed_at
      from reporting.orders f ${customers} where ${inMonth('confirmed_at')} order by f.order_id`,
    fact_sales: () => sql`
      select f.order_id, f.position, (f.confirmed_at at time zone 'UTC')::date::text as date, f.product_id, f.category_id, f.brand,
        c.customer_id as customer_key, f.country, f.application_id, f.segment, f.currency, f.quantity, f.gross, f.discount, f.tax, f.revenue as net,
        f.unit_cost * f.quantity as cost, f.revenue - f.unit_cost * f.quantity as margin, f.confirmed_at
      from reporting.order_lines f ${customers} where ${inMonth('confirmed_at')} order by f.order_id, f.position`,
    fact_refunds: () => sql`
      select coalesce(f.refund_id, f.payment_id) as refund_key, f.order_id, (f.refunded_at at time zone 'UTC')::date::text as date,
        f.currency, f.amount, f.country, f.application_id, f.segment, f.refunded_at
      from reporting.refunds f where ${inMonth('refunded_at')} and f.amount > 0 order by 1`,
    fact_refund_lines: () => sql`
      select coalesce(f.refund_id, f.order_id) as refund_key, f.order_id, f.product_id,
        (f.refunded_at at time zone 'UTC')::date::text as date, f.currency, f.quantity, f.amount, f.refunded_at
      from reporting.refund_lines f where ${inMonth('refunded_at')} order by 1, 3`,
  };
  return ahead(statements[table]!().cursor(batch));
}

/** Every product as it is now. */
export async function readProducts(sql: TransactionSql): Promise<Row[]> {
  return sql`
    select product_id, sku, name, category_id, category, brand, active, price_amount, price_currency
    from reporting.products order by product_id`;
}

/** The stock of every product as it is now. */
export async function readStockLevels(sql: TransactionSql): Promise<Row[]> {
  return sql`select product_id, on_hand, reserved, available from reporting.stock order by product_id`;
}

/** Every customer who is not erased. They still have their ids. */
export function readCustomers(sql: TransactionSql): AsyncGenerator<Row[]> {
  const rows = sql`
    select customer_id as customer_key, segment, (created_at at time zone 'UTC')::date::text as signed_up
    from reporting.customers_masked where not erased order by customer_id`;
  return ahead(rows.cursor(batch));
}

/** Counts and sums of one currency. */
export type Sums = { orders: bigint; sales: bigint; lines: bigint; net: bigint; refunds: bigint; refunded: bigint };
/** What a month has to add up to, by currency. */
export type Totals = ReadonlyMap<string, Sums>;

/** What the tables of the shop say a month adds up to. */
export async function readTotals(sql: TransactionSql, month: string): Promise<Totals> {
  const rows = await sql`
    with m (begins, ends) as (
      select d at time zone 'UTC', (d + interval '1 month') at time zone 'UTC' from (select ${firstDay(month)}::date::timestamp) t (d)
    ), parts as (
      select currency, count(*) as orders, sum(total) as sales, 0 as lines, 0 as net, 0 as refunds, 0 as refunded
      from m, reporting.orders
      where confirmed_at >= begins and confirmed_at < ends and first_at < ends and last_at >= begins group by 1
      union all
      select currency, 0, 0, count(*), sum(revenue), 0, 0 from m, reporting.order_lines
      where confirmed_at >= begins and confirmed_at < ends and first_at < ends and last_at >= begins group by 1
      union all
      select currency, 0, 0, 0, 0, count(*), sum(amount) from m, reporting.refunds
      where refunded_at >= begins and refunded_at < ends and first_at < ends and last_at >= begins and amount > 0 group by 1
    )
    select currency, sum(orders) as orders, sum(sales) as sales, sum(lines) as lines, sum(net) as net, sum(refunds) as refunds,
      sum(refunded) as refunded
    from parts group by 1`;
  return new Map(
    rows.map(({ currency, ...sums }) => [
      currency as string,
      Object.fromEntries(Object.entries(sums).map(([name, value]) => [name, BigInt(value)])) as Sums,
    ]),
  );
}
