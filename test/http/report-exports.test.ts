import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../functions/jobs/run-report-exports.ts';
import { type LocalReportFiles, startReportFiles } from '../../infra/local/report-files/start.ts';
import { askWhole } from '../../lib/analytics/named-reports.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { maxExportRows } from '../../lib/contract/api/report-exports.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { useClock } from '../../lib/platform/clock.ts';
import { runtime } from '../../lib/platform/handlers/lambda.ts';
import { reportsAs } from '../../lib/platform/reports.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { newServer } from '../support/applications.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { testPostgres } from '../support/postgres.ts';

let handlers: LiveHandlers;
let files: LocalReportFiles;
let folder: string;
let key: string;
let ahead = 0;
const clock = { now: () => systemClock.now() + ahead };
const minute = 60_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-exports-'));
  files = await startReportFiles({ folder, credentials: testPostgres().proxy.credentials, clock });
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    REPORT_FILES_BUCKET: files.bucket,
    REPORT_FILES_URL: files.endpoint,
  });
  useClock(clock);
  const products = await handlers.appKey('catalog:write');
  for (const sku of ['A', 'B', '=C']) {
    const body = { sku: sku.replace('=', ''), name: `${sku} mug`, price: { amount: 500, currency: 'EUR' } };
    expect((await handlers.call('create-product', { token: products, body })).status).toBe(201);
  }
});
afterAll(async () => {
  useClock(systemClock);
  await handlers?.close();
  await files?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  key = (await newServer(handlers.applications, 'reports:read')).key;
});

const ask = (body: object, headers: Record<string, string> = {}, token = key) =>
  handlers.call('create-report-export', { token, body, headers });
const read = async (exportId: string, token = key) =>
  (await handlers.call('get-report-export', { token, parameters: { exportId } })).body;
const job = async () => (await import('../../functions/jobs/run-report-exports.ts')).handler({}, {} as Context);
type Running = Parameters<typeof run>[0];
const jobWith = (changes: Partial<Running>) => {
  const reports = reportsAs('report_exporter', runtime(), { mostRows: maxExportRows, askMs: 30_000 });
  return run({
    sql: () => sqlAs('report_exporter'),
    clock,
    stopwatch,
    ask: (report, query) => askWhole(report, query, reports),
    store: async () => {},
    onFailure: () => {},
    limitMs: minute,
    leaseMs: 6 * minute,
    ...changes,
  });
};

describe('an export', () => {
  test('is taken once, made by the job, and fetched by a link that expires', async () => {
    const body = { report: 'products', parameters: { by: 'units', order: 'worst' } };
    const asked = await ask(body, { 'idempotency-key': 'one' });
    expect(asked).toMatchObject({ status: 202, headers: { location: `/reports/exports/${asked.body.id}` } });
    expect(asked.body).toMatchObject({ status: 'pending', progress: 'waiting', rows: null, download: null });
    expect((await ask(body, { 'idempotency-key': 'one' })).body).toEqual(asked.body);
    expect(await job()).toMatchObject({ completed: 1 });
    const made = await read(asked.body.id);
    expect(made).toMatchObject({ status: 'completed', progress: 'done', rows: 3, failure: null, lagSeconds: 0 });

    const file = await fetch(made.download.url);
    expect(file.headers.get('content-disposition')).toMatch(/^attachment; filename="products-[\dTZ-]+\.csv"$/);
    const text = await file.text();
    expect(Buffer.byteLength(text)).toBe(made.bytes);
    expect(text).toMatch(/^productId,sku,name,active,currency,orders/);
    // Also in a file: what a spreadsheet would run does not begin a cell.
    expect(text).toContain(",'=C mug,");

    const changed = new URL(made.download.url);
    changed.searchParams.set('X-Amz-Expires', '604800');
    expect((await fetch(changed)).status).toBe(403);
    expect((await fetch(made.download.url.split('?')[0]!)).status).toBe(403);
    ahead += 15 * minute;
    expect((await fetch(made.download.url)).status).toBe(403);
    expect((await fetch((await read(asked.body.id)).download.url)).status).toBe(200);
  });

  test('as Parquet has declared types', async () => {
    const { body } = await ask({ report: 'products', format: 'parquet' });
    await job();
    const { download, rows } = await read(body.id);
    expect(rows).toBe(3);
    const copy = join(await mkdtemp(join(tmpdir(), 'counterfoil-parquet-')), 'products.parquet');
    await writeFile(copy, Buffer.from(await (await fetch(download.url)).arrayBuffer()));
    const instance = await DuckDBInstance.create(':memory:');
    const reader = await (await instance.connect()).runAndReadAll(`select * from '${copy}'`);
    expect(reader.columnTypes().join(',')).toBe(
      'VARCHAR,VARCHAR,VARCHAR,BOOLEAN,VARCHAR,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT',
    );
    instance.closeSync();
  });

  test('keeps its file for a week, and then neither is there', async () => {
    const { body } = await ask({ report: 'stock' });
    await job();
    const purge = async () => (await import('../../functions/jobs/purge-expired.ts')).handler({}, {} as Context);
    await purge();
    expect((await read(body.id)).status).toBe('completed');
    ahead += 7 * 24 * 60 * minute + 1000;
    await purge();
    expect(await read(body.id)).toMatchObject({ code: 'not-found' });
    await fetch(`${files.endpoint}/${files.bucket}/exports/rex_${'0'.repeat(32)}.csv`);
    expect(await readdir(folder)).toEqual([]);
  });

  test('is one at a time for each application, and is seen by its own alone', async () => {
    const { body } = await ask({ report: 'stock' });
    expect(await ask({ report: 'sales' })).toMatchObject({ status: 409, body: { code: 'export-under-way' } });
    const other = (await newServer(handlers.applications, 'reports:read')).key;
    expect((await ask({ report: 'stock' }, {}, other)).status).toBe(202);
    expect(await read(body.id, other)).toMatchObject({ code: 'not-found' });
    expect(await job()).toMatchObject({ completed: 2 });
    const later = await ask({ report: 'sales' });
    expect(later.status).toBe(202);
    await job();
    const list = async (query: Record<string, string>) =>
      (await handlers.call('list-report-exports', { token: key, query })).body;
    const first = await list({ limit: '1' });
    expect(first.data).toMatchObject([{ id: later.body.id, status: 'completed', download: null }]);
    expect(await list({ cursor: first.nextCursor })).toMatchObject({ data: [{ id: body.id }], hasMore: false });
  });

  test('whose maker dies is taken over, and the dead one cannot end it any more', async () => {
    const { body } = await ask({ report: 'stock' });
    let die = () => {};
    const dead = jobWith({
      store: () =>
        new Promise((_, reject) => {
          die = () => reject(new Error('killed'));
        }),
    });
    await expect.poll(async () => (await read(body.id)).progress).toBe('writing');
    // Nobody takes it while it may still be made.
    expect(await job()).toMatchObject({ completed: 0 });
    ahead += 7 * minute;
    expect(await job()).toMatchObject({ completed: 1 });
    die();
    await dead;
    expect(await read(body.id)).toMatchObject({ status: 'completed', failure: null });
  });

  test('is tried again while its sources do not answer, five times at most', async () => {
    const { body } = await ask({ report: 'margin', parameters: {} });
    const behind = { ask: () => Promise.reject(new Problem('reader-behind', 'The data are 95 s old.')) };
    for (let attempt = 1; attempt < 5; attempt++) {
      expect(await jobWith(behind)).toMatchObject({ left: 1 });
      expect(await jobWith(behind)).toMatchObject({ left: 0 });
      expect(await read(body.id)).toMatchObject({ status: 'running', progress: 'waiting' });
      ahead += minute + 1000;
    }
    expect(await jobWith(behind)).toMatchObject({ failed: 1 });
    expect((await read(body.id)).failure).toEqual({ code: 'reader-behind', detail: 'The data are 95 s old.' });
  });

  test('that is too large says so', async () => {
    const { body } = await ask({ report: 'customers' });
    const row = { currency: 'EUR' };
    const data = Array.from({ length: maxExportRows + 1 }, () => row);
    const answer = { asOf: new Date().toISOString(), lagSeconds: 0, stale: false, data };
    expect(await jobWith({ ask: async () => answer })).toMatchObject({ failed: 1 });
    expect(await read(body.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'report-too-large' },
      download: null,
    });
  });

  test.each<[string, object, string]>([
    ['an unknown report', { report: 'profit' }, 'report-unknown'],
    ['an unknown grouping', { report: 'sales', parameters: { groupBy: 'mood' } }, 'grouping-unknown'],
    ['an unknown zone', { report: 'sales', parameters: { zone: 'Mars/Base' } }, 'zone-unknown'],
    [
      'a period backwards',
      { report: 'sales', parameters: { from: '2026-02-01', to: '2026-01-01' } },
      'period-reversed',
    ],
    ['a parameter of another report', { report: 'stock', parameters: { groupBy: 'day' } }, 'invalid-input'],
    ['an unknown format', { report: 'stock', format: 'xlsx' }, 'invalid-input'],
  ])('with %s is refused', async (_, body, code) => {
    expect((await ask(body)).body).toMatchObject({ code });
    expect((await ask({ report: 'stock' })).status).toBe(202);
    await job();
  });
});
