import type { TransactionSql } from 'postgres';
import { expect, test } from 'vitest';
import type { ReportName } from '../../lib/analytics/policies.ts';
import { type Reads, readReport } from '../../lib/analytics/read.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';

const now = Date.parse('2026-11-29T12:00:00Z');

/** A server whose answers to the question of its age are these, the last one from then on. */
const server = (source: 'reader' | 'writer', ...lags: (number | null)[]): Reads =>
  ((work: (sql: TransactionSql) => Promise<unknown>) => {
    const answers = [...lags];
    const sql = async () => [{ source, lagMs: answers.length > 1 ? answers.shift() : answers[0] }];
    return work(sql as never);
  }) as Reads;
const failing =
  (error: Error): Reads =>
  async () => {
    throw error;
  };
const dead = failing(new DependencyUnavailable('database'));
const slow = failing(Object.assign(new Error('cut off'), { code: '57014' }));

async function ask(report: ReportName, reader: Reads | undefined) {
  const measured: number[] = [];
  const deps = {
    databases: { reader, writer: server('writer', 0) },
    clock: { now: () => now },
    meter: { count: (_: string, value = 1) => void measured.push(value), flush: () => {} },
    sleep: async () => {},
  };
  const { age } = await readReport(report, deps, async () => 'rows');
  return { ...age, measured };
}

test('an answer from the reader says how old it is, and the metric has it', async () => {
  expect(await ask('sales', server('reader', 1500))).toEqual({
    source: 'reader',
    lagSeconds: 1.5,
    asOf: '2026-11-29T11:59:58.500Z',
    stale: false,
    measured: [1.5],
  });
});

test('a stage without a reader answers from the writer, and measures no lag', async () => {
  for (const report of ['sales', 'margin', 'stock', 'live'] as const) {
    expect(await ask(report, undefined)).toMatchObject({ source: 'writer', lagSeconds: 0, stale: false, measured: [] });
  }
});

test('beyond its bound a report is shown as stale, refused, or read from the writer, as its policy says', async () => {
  const behind = server('reader', 61_000);
  expect(await ask('sales', behind)).toMatchObject({ source: 'reader', lagSeconds: 61, stale: true });
  await expect(ask('margin', behind)).rejects.toMatchObject({
    code: 'reader-behind',
    status: 503,
    headers: { 'retry-after': '10' },
  });
  expect(await ask('live', behind)).toMatchObject({ source: 'writer', measured: [61] });
  expect(await ask('live', server('reader', 10_000))).toMatchObject({ source: 'reader', stale: false });
});

test('stock never comes from the reader, however fresh it is', async () => {
  expect(await ask('stock', server('reader', 0))).toMatchObject({ source: 'writer', measured: [] });
});

test('the moment in which a reader catches up after an idle hour is no lag', async () => {
  const waking = server('reader', 3_600_000, 3_600_000, 5);
  expect(await ask('margin', waking)).toMatchObject({ source: 'reader', stale: false });
});

test('a reader that does not know its age is older than any bound', async () => {
  await expect(ask('margin', server('reader', null))).rejects.toMatchObject({ code: 'reader-behind' });
  expect(await ask('sales', server('reader', null))).toMatchObject({ stale: true });
});

test('a dead reader is replaced by the writer only where the policy says so', async () => {
  expect(await ask('live', dead)).toMatchObject({ source: 'writer' });
  await expect(ask('sales', dead)).rejects.toBeInstanceOf(DependencyUnavailable);
  await expect(ask('margin', dead)).rejects.toBeInstanceOf(DependencyUnavailable);
});

test('a report that takes too long is not tried on the writer', async () => {
  await expect(ask('customers', slow)).rejects.toMatchObject({ code: 'report-too-large', status: 422 });
});
