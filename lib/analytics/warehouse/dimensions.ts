import type { TransactionSql } from 'postgres';
import { readProducts } from './extract.sql.ts';
import { columnNames } from './model.ts';
import type { Row } from './parquet.ts';

/** When the first version of anything begins, so that each sale has one. */
export const always = new Date(0);
const names = columnNames('dim_product');
const attributes = names.filter((name) => !name.startsWith('valid_'));
/** What PostgreSQL and a file give as different types is the same. */
const textOf = (row: Row) => JSON.stringify(attributes.map((name) => (row[name] == null ? null : String(row[name]))));

/**
 * The versions of every product (a slowly changing dimension of type 2): those of the load before, of which a load closes the ones
 * that are no longer so and opens new ones.
 * @param known rows of `dim_product`
 */
export async function productVersions(sql: TransactionSql, known: readonly Row[], at: Date): Promise<Row[]> {
  const now = new Map((await readProducts(sql)).map((row) => [row.product_id as string, row]));
  const versions = known.map((version) => {
    if (version.valid_to != null) return version;
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
    (a: Row, b: Row) =>
      compare(a.product_id as string, b.product_id as string) ||
      (a.valid_from as Date).getTime() - (b.valid_from as Date).getTime(),
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

/** Keeps the first and the last day of each application's sales. */
export function createApplications(known: readonly Row[]) {
  const found = new Map<string, { first: Date; last: Date }>();
  const add = (id: string, first: Date, last: Date) => {
    const before = found.get(id);
    found.set(id, {
      first: before === undefined || first < before.first ? first : before.first,
      last: before === undefined || last > before.last ? last : before.last,
    });
  };
  for (const row of known) add(row.application_id as string, row.first_sale as Date, row.last_sale as Date);
  return {
    order({ application_id: id, confirmed_at: at }: Row): void {
      if (id != null) add(id as string, at as Date, at as Date);
    },
    rows: (): Row[] =>
      [...found]
        .toSorted(([a], [b]) => compare(a, b))
        .map(([application_id, { first, last }]) => ({
          application_id,
          first_sale: dayOf(first),
          last_sale: dayOf(last),
        })),
  };
}

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);
