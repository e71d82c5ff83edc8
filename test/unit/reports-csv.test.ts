import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { columnsOf, namesOf } from '../../lib/analytics/files/columns.ts';
import { toCsv } from '../../lib/analytics/files/csv.ts';
import { toParquet } from '../../lib/analytics/files/parquet.ts';
import { answerOf } from '../../lib/analytics/parts.ts';
import { periodOf } from '../../lib/analytics/period.ts';
import { salesAmounts } from '../../lib/analytics/reports.ts';
import * as customerReports from '../../lib/contract/api/customer-reports.ts';
import * as reports from '../../lib/contract/api/reports.ts';
import { preferredFormat } from '../../lib/http/accept.ts';

type SalesAmount = (typeof salesAmounts)[number];

describe('CSV', () => {
  test('quotes what needs it, and disarms what a spreadsheet would run', () => {
    const at = new Date(0);
    const rows = [
      { name: 'Mug, "blue"', n: -5, at, none: null },
      { name: '=HYPERLINK("x")', n: 1, at, none: null },
      { name: 'two\nlines', n: 0, at, none: null },
    ];
    expect(toCsv(['name', 'n', 'at', 'none'], rows).split('\r\n')).toEqual([
      'name,n,at,none',
      '"Mug, ""blue""",-5,1970-01-01T00:00:00.000Z,',
      `"'=HYPERLINK(""x"")",1,1970-01-01T00:00:00.000Z,`,
      '"two\nlines",0,1970-01-01T00:00:00.000Z,',
      '',
    ]);
    expect(toCsv(['name'], [])).toBe('name\r\n');
  });
});

test.each([
  [undefined, 'json'],
  ['', 'json'],
  ['*/*', 'json'],
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['text/csv', 'csv'],
  ['text/*', 'csv'],
  ['TEXT/CSV; header=present', 'csv'],
  ['application/json, text/csv', 'json'],
  ['text/csv, application/json;q=0.5', 'csv'],
  ['text/csv;q=0.4, */*;q=0.5', 'json'],
  ['application/json;q=0, */*', 'csv'],
  ['application/vnd.apache.parquet', 'parquet'],
  ['application/vnd.apache.parquet, text/csv;q=0.9', 'parquet'],
  ['text/html, */*;q=0.1', 'json'],
  ['text/html', undefined],
  ['text/csv;q=0', undefined],
  ['text/csv;q=nonsense', undefined],
  ['nonsense', undefined],
])('a client that accepts %s gets %s', (accept, wanted) => {
  const format = () => preferredFormat(accept);
  if (wanted === undefined) expect(format).toThrow(expect.objectContaining({ code: 'not-acceptable' }));
  else expect(format()).toBe(wanted);
});

describe('Parquet', () => {
  test('declares every type, money as 64-bit integers, also where all is null or nothing is there', async () => {
    const row = { key: null, currency: 'JPY', orders: 1, units: 2, gross: 9007199254740991, discounts: 0 };
    const rows = [{ ...row, shipping: null, tax: -1, sales: 5, refunds: null, net: 5 }];
    expect(await read(toParquet(columnsOf(reports.salesRow), rows, {}))).toEqual({
      types: 'VARCHAR,VARCHAR,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT',
      rows: [[null, 'JPY', 1n, 2n, 9007199254740991n, 0n, null, -1n, 5n, null, 5n]],
    });
    const none = await read(toParquet(columnsOf(reports.marginRow), [], {}));
    expect(none).toEqual({ types: `VARCHAR,VARCHAR${',BIGINT'.repeat(6)},DOUBLE`, rows: [] });
  });

  test('has moments, whether they came as dates or as text, and says as of when it is', async () => {
    const at = '2026-03-29T01:30:00.123Z';
    const customer = { customerId: 'cus_1', name: '=1+1', email: null, segment: 'premium', suspended: false };
    const figures = { currency: 'EUR', orders: 1, units: 1, sales: 100, refunds: 0, average: 100 };
    const rows = [{ ...customer, createdAt: new Date(at), ...figures, firstOrderAt: at, lastOrderAt: at }];
    const bytes = toParquet(columnsOf(customerReports.customersRow), rows, { asOf: at });
    const found = await read(bytes, 'createdAt = firstOrderAt as same, epoch_ms(createdAt) as at, suspended, name');
    // A program that reads Parquet runs no formulas.
    expect(found.rows).toEqual([[true, BigInt(Date.parse(at)), false, '=1+1']]);
    expect(bytes.includes(Buffer.from(at))).toBe(true);
  });
});

/** What DuckDB reads from a file. */
async function read(bytes: Buffer, what = '*') {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-parquet-'));
  const instance = await DuckDBInstance.create(':memory:');
  try {
    await writeFile(join(folder, 'report.parquet'), bytes);
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(`select ${what} from '${join(folder, 'report.parquet')}'`);
    return { types: reader.columnTypes().join(','), rows: reader.getRowsJS() };
  } finally {
    instance.closeSync();
    await rm(folder, { recursive: true });
  }
}

describe('an answer', () => {
  const rows = (count: number): reports.SalesRow[] =>
    Array.from({ length: count }, (_, n) => ({
      key: `${'b'.repeat(100)}${n}`,
      currency: 'EUR',
      ...(Object.fromEntries(salesAmounts.map((name) => [name, 9007199254740991])) as Record<SalesAmount, number>),
    }));
  const stretch = { begins: new Date(0), ends: new Date(1) };
  const age = { source: 'reader' as const, asOf: new Date(0).toISOString(), lagSeconds: 0, stale: false };
  const answer = (count: number) => answerOf([{ stretch, age, rows: rows(count) }], salesAmounts);

  test('with the longest rows there can be is smaller than what a function may answer', () => {
    const { data } = answer(10_000);
    const columns = columnsOf(reports.salesRow);
    const sizes = [JSON.stringify(data), toCsv(namesOf(columns), data)].map(({ length }) => length);
    // Bytes are sent in base64, of which 6 MB are allowed.
    const parquet = (toParquet(columns, data, {}).length * 4) / 3;
    expect(Math.max(...sizes, parquet)).toBeLessThan(6_000_000);
  });

  test('of more rows is refused, and the way to an export named', () => {
    const refusal = { code: 'report-too-large', message: expect.stringContaining('POST /reports/exports') };
    expect(() => answer(10_001)).toThrow(expect.objectContaining(refusal));
  });
});

describe('a period', () => {
  const clock = { now: () => Date.parse('2026-11-29T23:30:00Z') };

  test('ends with today in its zone, and has thirty days', () => {
    expect(periodOf({ zone: 'UTC' }, clock)).toEqual({ from: '2026-10-31', to: '2026-11-30', zone: 'UTC' });
    expect(periodOf({ zone: 'Asia/Tokyo' }, clock).to).toBe('2026-12-01');
    expect(periodOf({ zone: 'UTC', to: '2024-03-31' }, clock).from).toBe('2024-03-01');
  });

  test('is refused when it is empty, reversed, or longer than ten years', () => {
    const ask = (from: string, to: string) => () => periodOf({ zone: 'UTC', from, to }, clock);
    expect(ask('2026-01-02', '2026-01-01')).toThrow(expect.objectContaining({ code: 'period-reversed' }));
    expect(ask('2026-01-01', '2026-01-01')).toThrow(expect.objectContaining({ code: 'period-reversed' }));
    expect(ask('2015-12-31', '2026-01-01')).toThrow(expect.objectContaining({ code: 'period-too-long' }));
    expect(ask('2016-01-01', '2026-01-01')()).toMatchObject({ from: '2016-01-01' });
    expect(() => periodOf({ zone: 'UTC', from: '2027-01-01' }, clock)).toThrow(
      expect.objectContaining({ code: 'period-reversed' }),
    );
  });
});
