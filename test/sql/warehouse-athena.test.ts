import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { S3Client } from '@aws-sdk/client-s3';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalWarehouse, localDatabase, startWarehouse } from '../../infra/local/warehouse/start.ts';
import { diskStore } from '../../infra/warehouse/disk-store.ts';
import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { reportMargin, reportProducts, reportSales } from '../../lib/analytics/reports.ts';
import { type Athena, AthenaFailed, askAthena } from '../../lib/analytics/warehouse/athena.gateway.ts';
import {
  currentFile,
  type Manifest,
  Overtaken,
  publish,
  readManifestNumber,
} from '../../lib/analytics/warehouse/files.ts';
import { prune } from '../../lib/analytics/warehouse/prune.ts';
import { s3Store } from '../../lib/analytics/warehouse/s3.gateway.ts';
import { statement } from '../../lib/analytics/warehouse/statement.ts';
import { readJson, type Store } from '../../lib/analytics/warehouse/store.ts';
import { groupings } from '../../lib/contract/api/reports.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { poolOptions } from '../support/saga.ts';
import { load } from '../support/warehouse.ts';
import { createYearOfSales } from '../support/year-of-sales.ts';

let database: TestDatabase;
let admin: Sql;
let loader: Sql;
let reporting: Sql;
let root: string;
let local: LocalWarehouse;
let store: Store;
let athena: Athena;
let manifest: Manifest;

beforeAll(async () => {
  database = await createYearOfSales();
  [admin, loader] = [database.connect('rdsadmin', { max: 1 }), database.connect('warehouse', { max: 1 })];
  reporting = database.connect('reporting', poolOptions);
  root = await mkdtemp(join(tmpdir(), 'warehouse-'));
  local = await startWarehouse(root);
  const credentials = { accessKeyId: 'one', secretAccessKey: 'two' };
  const at = { region: 'eu-west-1', endpoint: local.url, credentials };
  store = s3Store(new S3Client({ ...at, forcePathStyle: true }), 'a-bucket');
  athena = {
    client: new AthenaClient(at),
    workGroup: 'reports',
    database: localDatabase,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 20)),
  };
  ({ manifest } = await load(loader, store));
});
afterAll(async () => {
  await local.stop();
  await Promise.all([admin, loader, reporting].map((sql) => sql.end()));
  await database.drop();
  await rm(root, { recursive: true });
});

const ask = <R>(text: ReturnType<typeof statement>, state = manifest.number) =>
  askAthena<R>(athena, state, text, 60_000);

test('a load by the role of loads fills a bucket, and says where Athena finds the files of each state', async () => {
  expect(await readJson(store, currentFile)).toMatchObject({ number: 1, epoch: manifest.epoch });
  const { path } = manifest.tables.fact_sales!['2026-03']!;
  for (const state of ['1', 'newest']) {
    const text = await store.read(`links/${state}/fact_sales/month=2026-03/files`);
    expect(new TextDecoder().decode(text)).toBe(`s3://a-bucket/${path}\n`);
    expect(await store.size(`links/${state}/dim_date/files`)).toBeGreaterThan(20);
  }
  expect((await store.list('links/1/')).length).toBe(
    Object.values(manifest.tables).flatMap((files) => Object.keys(files)).length,
  );
});

test('reports from Athena are those of the database, in every grouping and a zone of half hours', async () => {
  const depsWith = (warehouse: PartsDeps['warehouse']): PartsDeps => ({
    databases: { reader: undefined, writer: (work) => reporting.begin('read only', work) as never },
    clock: { now: () => Date.now() },
    meter: { count: () => {}, flush: () => {} },
    sleep: async () => {},
    warehouse,
  });
  const history = depsWith({
    newest: async () => ({ ...manifest, completeUntil: '2026-10-05T00:00:00.000Z' }),
    query: (state, text) => ask(text as never, state.number),
  });
  const none = depsWith(null);
  const period = { from: '2026-01-20', to: '2026-12-01', zone: 'Asia/Kolkata' };
  for (const groupBy of groupings) {
    for (const [report, currency] of [
      [reportSales, 'KWD'],
      [reportMargin, undefined],
    ] as const) {
      const merged = await report(period, { groupBy, currency }, history);
      expect(merged).toMatchObject({ history: 'used', parts: [{ source: 'warehouse' }, { source: 'writer' }] });
      expect(merged.data).toEqual((await report(period, { groupBy, currency }, none)).data);
    }
  }
  const ranked = { by: 'sales', order: 'best', currency: undefined, limit: 100 } as const;
  const [merged, whole] = [await reportProducts(period, ranked, history), await reportProducts(period, ranked, none)];
  expect(merged.data).toEqual(whole.data);
});

test('answers of many pages are whole, and parameters stay what they are', async () => {
  const lines = await ask<{ orderId: string }>(statement`select order_id as "orderId" from fact_sales`);
  const rows = Object.values(manifest.tables.fact_sales!).reduce((sum, file) => sum + file.rows, 0);
  expect(rows).toBeGreaterThan(500);
  expect(new Set(lines.map(({ orderId }) => orderId)).size).toBe(
    Object.values(manifest.tables.fact_orders!).reduce((sum, file) => sum + file.rows, 0),
  );
  expect(lines.length).toBe(rows);
  const [row] = await ask(statement`
    with named as (select ${`it's`} as "aName", count(*) as n, cast(null as varchar) as "nothing" from dim_date)
    select * from named`);
  expect(row).toEqual({ aName: `it's`, n: manifest.tables.dim_date!.all!.rows, nothing: null });
  await expect(ask(statement`select nonsense from dim_date`)).rejects.toThrow(AthenaFailed);
});

test('two loads cannot publish the same number, and a state of before stays as it was', async () => {
  await expect(publish(store, { ...manifest, watermark: '1' }, undefined)).rejects.toThrow(Overtaken);
  const total = statement`select sum(cost) as "cost" from fact_sales`;
  const [before] = await ask<{ cost: number }>(total);
  await admin`update orders.lines set unit_cost = 61 where unit_cost is not null`;
  const { manifest: next } = await load(loader, store);
  const [after] = await ask<{ cost: number }>(total, next.number);
  expect(after!.cost).toBeGreaterThan(before!.cost);
  expect(await ask(total, 1)).toEqual([before]);
});

test('old states go with their files, and what states of before share stays', async () => {
  const { manifest: newest } = await load(loader, store);
  const days = (n: number) => new Date(Date.now() - n * 24 * 3600_000).toISOString();
  // Numbers 1 and 2 are of one day, and too old for every state of a day to be kept.
  for (const [number, asOf] of [
    [1, days(5)],
    [2, days(4.999)],
  ] as const) {
    const old = await readManifestNumber(store, number);
    await store.write(
      `manifests/0000000${number}.json`,
      JSON.stringify({ ...old, asOf: `${asOf.slice(0, 11)}0${number}:00:00Z` }),
    );
  }
  await store.write('data/fact_sales/month=2026-01/unfinished.parquet', 'PAR1');
  const removed = await prune(store, { now: Date.now }, { everyStateDays: 2, dailyStateDays: 35 });
  expect(removed.states).toBe(1);
  expect(removed.files).toBeGreaterThan(1);
  expect(await store.list('manifests/')).toEqual(['manifests/00000002.json', 'manifests/00000003.json']);
  expect((await store.list('links/')).filter((path) => path.startsWith('links/1/'))).toEqual([]);
  const total = statement`select sum(cost) as "cost" from fact_sales`;
  expect(await ask(total, 2)).toEqual(await ask(total, newest.number));
  await expect(ask(total, 1)).rejects.toThrow('manifests/00000001.json');
  // However old it is, the newest stays.
  const later = { now: () => Date.now() + 100 * 24 * 3600_000 };
  expect((await prune(store, later, { everyStateDays: 2, dailyStateDays: 35 })).states).toBe(1);
  expect(await ask(total, 3)).toHaveLength(1);
});

test('a damaged file is named, and a store in a folder has the same files', async () => {
  const { path } = (await readManifestNumber(store, 3)).tables.fact_sales!['2026-03']!;
  expect(await diskStore(root).list('manifests/')).toEqual(await store.list('manifests/'));
  await truncate(join(root, path), 100);
  await expect(ask(statement`select count(*) as n from fact_sales`, 3)).rejects.toMatchObject({
    name: 'HistoryBroken',
    message: expect.stringContaining(path),
  });
});
