import { readVersions } from './customers.ts';
import { monthOf } from './days.ts';
import type { Sums, Totals } from './extract.sql.ts';
import type { DataFile, Manifest } from './files.ts';
import { columnsOf, type TableName } from './model.ts';
import { countNulls, type Row, readRows } from './parquet.ts';
import type { Store } from './store.ts';

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

const facts = ['fact_orders', 'fact_sales', 'fact_refunds', 'fact_refund_lines'] as const;

/**
 * Checks the files of months as they were written: against each other, against the load before, and against what the shop's
 * tables add up to.
 * @param totals of each month
 * @returns what is wrong, each with the ids of rows; empty when nothing is
 */
export async function checkMonths(
  store: Store,
  manifest: Manifest,
  before: Manifest | undefined,
  totals: ReadonlyMap<string, Totals>,
): Promise<string[]> {
  const found = new Findings();
  // Without new sales, customers of before are what they were.
  const ofBefore = totals.size === 0 ? before?.tables.dim_customer?.all : undefined;
  const known = await readKnown(store, manifest, ofBefore);
  for (const key of known.customers.broken) found.add('customer has two versions at once, or none', key);
  const gone = { orders: new Set<string>(), refunds: new Set<string>(), sold: new Set<string>() };
  const sums: string[] = [];
  const days = await readRows(store, manifest.tables.daily_sales_summary?.all, dayColumns);
  for (const [month, expected] of totals) {
    const of = (table: TableName, from: Manifest | undefined = manifest) => from?.tables[table]?.[month];
    const ids = await checkMonth(store, of, known, found);
    for (const order of ids.refunded) if (!ids.orders.has(order)) gone.sold.add(order);
    for (const [table, key, here, there] of [
      ['fact_orders', 'order_id', ids.orders, gone.orders],
      ['fact_refunds', 'refund_key', ids.refunds, gone.refunds],
    ] as const) {
      const file = of(table, before);
      if (file === undefined || file.path === of(table)?.path) continue;
      for (const row of await readRows(store, file, [key]))
        if (!here.has(row[key] as string)) there.add(row[key] as string);
    }
    sums.push(
      ...compareSums(month, ids.totals, expected, everySum),
      ...compareDays(month, days, expected),
      ...(await compareSummary(store, month, of, expected)),
    );
  }
  await checkStock(store, manifest, before, known.products, found);
  const months = [...totals.keys()];
  const among = (table: TableName, parts?: readonly string[]) =>
    Object.entries(manifest.tables[table] ?? {})
      .filter(([part]) => parts === undefined || parts.includes(part))
      .map(([, file]) => file);
  await keepMissing(store, gone.orders, among('fact_orders', months), 'order_id');
  await keepMissing(store, gone.refunds, among('fact_refunds', months), 'refund_key');
  await keepMissing(store, gone.sold, among('fact_orders'), 'order_id');
  for (const id of gone.orders) found.add('order was in the load before and is gone', id);
  for (const id of gone.refunds) found.add('refund was in the load before and is gone', id);
  for (const id of gone.sold) found.add('refund is of an order that is no sale', id);
  return [...found.lines(), ...sums];
}

type Known = { products: Set<unknown>; customers: ReturnType<typeof readVersions>; days: Set<number> };

async function readKnown(store: Store, { tables }: Manifest, customersOfBefore?: DataFile): Promise<Known> {
  const of = async (table: TableName, column: string) =>
    (await readRows(store, tables[table]?.all, [column])).map((row) => row[column]);
  const customers = tables.dim_customer?.all;
  const unseen = customers?.path === customersOfBefore?.path ? undefined : customers;
  return {
    products: new Set(await of('dim_product', 'product_id')),
    customers: readVersions(await readRows(store, unseen, versionColumns)),
    days: new Set((await of('dim_date', 'date')).map((date) => (date as Date).getTime())),
  };
}

const versionColumns = ['customer_key', 'segment', 'country', 'valid_from', 'valid_to'];
const orderColumns = [
  'order_id',
  'customer_key',
  'currency',
  'subtotal',
  'discount',
  'total',
  'segment',
  'country',
  'confirmed_at',
];

type FileOf = (table: TableName, from?: Manifest) => DataFile | undefined;

async function checkMonth(store: Store, of: FileOf, known: Known, found: Findings) {
  const orders = new Map<string, { gross: bigint; discount: bigint; positions: number[] }>();
  const totals = new Map<string, Sums>();
  const read = (table: TableName, columns: string[]) => readRows(store, of(table), columns);
  const sold = await read('fact_orders', orderColumns);
  // Of sales at the same moment the last one says what the customer was.
  const momentOf = ({ customer_key, confirmed_at }: Row) =>
    `${customer_key} ${(confirmed_at as Date | null)?.getTime()}`;
  const lasts = new Map(sold.map((row) => [momentOf(row), row.order_id]));
  for (const row of sold) {
    const id = row.order_id as string;
    if (orders.has(id)) found.add('order is there twice', id);
    orders.set(id, { gross: amount(row.subtotal), discount: amount(row.discount), positions: [] });
    if (
      row.customer_key != null &&
      row.confirmed_at != null &&
      !known.customers.has(row, lasts.get(momentOf(row)) === id)
    )
      found.add('customer of an order is not in dim_customer as they were then', id);
    const sums = sumsIn(totals, row);
    sums.orders += 1n;
    sums.sales += amount(row.total);
  }
  for (const row of await read('fact_sales', [
    'order_id',
    'position',
    'date',
    'product_id',
    'currency',
    'gross',
    'discount',
    'net',
  ])) {
    const order = orders.get(row.order_id as string);
    if (order === undefined) found.add('line has no order', `${row.order_id} line ${row.position}`);
    else {
      order.positions.push(row.position as number);
      order.gross -= amount(row.gross);
      order.discount -= amount(row.discount);
    }
    if (!known.products.has(row.product_id))
      found.add('product of a line is not in dim_product', String(row.product_id));
    if (row.date != null && !known.days.has((row.date as Date).getTime()))
      found.add('day is not in dim_date', dayOf(row.date as Date));
    const sums = sumsIn(totals, row);
    sums.lines += 1n;
    sums.net += amount(row.net);
  }
  for (const [id, { gross, discount, positions }] of orders) {
    for (const position of twiceIn(positions)) found.add('line is there twice', `${id} line ${position}`);
    if (positions.length === 0) found.add('order has no lines', id);
    else if (gross !== 0n || discount !== 0n) found.add('lines do not add up to the order', id);
  }
  const refunds = new Set<string>();
  const refunded = new Set<string>();
  for (const row of await read('fact_refunds', ['refund_key', 'order_id', 'currency', 'amount'])) {
    const id = row.refund_key as string;
    if (refunds.has(id)) found.add('refund is there twice', id);
    refunds.add(id);
    refunded.add(row.order_id as string);
    const sums = sumsIn(totals, row);
    sums.refunds += 1n;
    sums.refunded += amount(row.amount);
  }
  for (const table of facts) await checkNulls(store, table, of(table), found);
  return { orders, refunds, refunded, totals };
}

/** A product has its stock once a day. Months that the load before had are as they were. */
async function checkStock(
  store: Store,
  manifest: Manifest,
  before: Manifest | undefined,
  products: ReadonlySet<unknown>,
  found: Findings,
): Promise<void> {
  for (const [month, file] of Object.entries(manifest.tables.fact_stock ?? {})) {
    if (file.path === before?.tables.fact_stock?.[month]?.path) continue;
    const seen = new Set<string>();
    for (const { date, product_id } of await readRows(store, file, ['date', 'product_id'])) {
      const id = `${product_id} on ${date == null ? 'no day' : dayOf(date as Date)}`;
      if (seen.has(id)) found.add('stock of a product is there twice', id);
      seen.add(id);
      if (!products.has(product_id)) found.add('product of the stock is not in dim_product', String(product_id));
    }
    await checkNulls(store, 'fact_stock', file, found);
  }
}

function twiceIn(positions: readonly number[]): number[] {
  const sorted = positions.toSorted((a, b) => a - b);
  return sorted.filter((position, n) => position === sorted[n - 1]);
}

/** No column is null that must not be. */
async function checkNulls(store: Store, table: TableName, file: DataFile | undefined, found: Findings): Promise<void> {
  if (file === undefined) return;
  const nulls = await countNulls(store, file);
  const [[first]] = columnsOf(table) as [[string, unknown]];
  for (const [name, { nullable }] of columnsOf(table)) {
    if (nullable || !nulls.get(name)) continue;
    for (const row of await readRows(store, file, [first, name]))
      if (row[name] == null) found.add(`${table} has a null`, String(row[first] ?? 'a row without an id'));
  }
}

/** What is in none of some files stays; the newest are read first, and no more than it takes. */
async function keepMissing(store: Store, ids: Set<string>, files: readonly DataFile[], key: string): Promise<void> {
  for (const file of files.toReversed()) {
    if (ids.size === 0) return;
    for (const row of await readRows(store, file, [key])) ids.delete(row[key] as string);
  }
}

const nothing: Readonly<Sums> = { orders: 0n, sales: 0n, lines: 0n, net: 0n, refunds: 0n, refunded: 0n };
const everySum = Object.keys(nothing) as (keyof Sums)[];

/** The sums of a row's currency, to add to. */
function sumsIn(totals: Map<string, Sums>, { currency }: Row): Sums {
  let sums = totals.get(currency as string);
  if (sums === undefined) {
    sums = { ...nothing };
    totals.set(currency as string, sums);
  }
  return sums;
}

/** Compares some sums of each currency, since what one has too much another one may have too little. */
function compareSums(
  month: string,
  found: Totals,
  expected: Totals,
  names: readonly (keyof Sums)[],
  where = '',
): string[] {
  const currencies = [...new Set([...found.keys(), ...expected.keys()])].toSorted();
  return currencies.flatMap((currency) => {
    const [here, there] = [found.get(currency) ?? nothing, expected.get(currency) ?? nothing];
    return names
      .filter((name) => here[name] !== there[name])
      .map(
        (name) =>
          `${month}: ${name} in ${currency} are ${here[name]} here${where} and ${there[name]} in the shop's tables`,
      );
  });
}

const dayColumns = ['date', 'currency', 'orders', 'sales', 'net', 'refunds'];
/** The days of a month add up to the same. */
function compareDays(month: string, days: readonly Row[], expected: Totals): string[] {
  const ofMonth = days.filter((day) => monthOf(day) === month);
  return compareSums(month, sumsOf(ofMonth), expected, summed, ' in daily_sales_summary');
}

/** The summary adds up to the same, by each thing that it is by. */
async function compareSummary(store: Store, month: string, of: FileOf, expected: Totals): Promise<string[]> {
  const columns = ['grain', 'sold_by', 'currency', 'orders', 'sales', 'net', 'refunds'];
  const sections = Map.groupBy(
    await readRows(store, of('sales_summary'), columns),
    ({ grain, sold_by }) => `${sold_by} by ${grain}`,
  );
  return [...sections].flatMap(([section, rows]) => {
    // An order with two products counts for both, and refunds need not name products.
    const names = /^(product|category|brand) /.test(section) ? (['net'] as const) : summed;
    return compareSums(month, sumsOf(rows), expected, names, ` in sales_summary, ${section}`);
  });
}

/** What summaries have of it. */
const summed = ['orders', 'sales', 'net', 'refunded'] as const;

function sumsOf(rows: readonly Row[]): Totals {
  const totals = new Map<string, Sums>();
  for (const row of rows) {
    const sums = sumsIn(totals, row);
    sums.orders += amount(row.orders);
    sums.sales += amount(row.sales);
    sums.net += amount(row.net);
    sums.refunded += amount(row.refunds);
  }
  return totals;
}

const amount = (value: unknown): bigint => (value ?? 0n) as bigint;
const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** What was found wrong, and where. */
class Findings {
  readonly #ids = new Map<string, Set<string>>();

  add(what: string, id: string): void {
    this.#ids.set(what, (this.#ids.get(what) ?? new Set()).add(id));
  }

  lines(): string[] {
    return [...this.#ids].map(([what, ids]) => {
      const named = [...ids].toSorted().slice(0, most);
      return `${what}: ${named.join(', ')}${ids.size > most ? ` and ${ids.size - most} more` : ''}`;
    });
  }
}
