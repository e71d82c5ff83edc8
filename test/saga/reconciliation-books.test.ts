import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../functions/jobs/reconcile-books.ts';
import { diskStore } from '../../infra/warehouse/disk-store.ts';
import { openWarehouse } from '../../infra/warehouse/open.ts';
import type { Warehouse } from '../../lib/analytics/history.ts';
import type { PartsDeps } from '../../lib/analytics/parts.ts';
import { addFile, publish } from '../../lib/analytics/warehouse/files.ts';
import { columnNames } from '../../lib/analytics/warehouse/model.ts';
import { readRows, toParquet } from '../../lib/analytics/warehouse/parquet.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { createFulfilment, shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import { openReconciliation, type Reconciliation } from '../support/reconciliation.ts';
import { poolOptions } from '../support/saga.ts';
import { load, readManifest } from '../support/warehouse.ts';

let shop: Reconciliation;
let [analyst, reporting]: Sql[] = [];
let root: string;
let warehouse: ReturnType<typeof openWarehouse>;
let orders: { id: string; total: number }[];
/** The day of the sales, and its currency. */
let subject: string;

beforeAll(async () => {
  shop = await openReconciliation();
  analyst = shop.saga.connect('analyst', { max: 2 });
  reporting = shop.saga.connect('reporting', poolOptions);
  // All books are of yesterday.
  shop.setAhead(27);
  orders = [];
  for (let n = 0; n < 3; n++) {
    const { id } = await shop.saga.place([{ productId: await shop.saga.product(5), quantity: n + 1 }]);
    const [row] = await shop.saga.owner`select total::int, confirmed_at from orders.orders where id = ${id}`;
    orders.push({ id, total: row!.total });
    subject = `${row!.confirmedAt.toISOString().slice(0, 10)} EUR`;
  }
  root = await mkdtemp(join(tmpdir(), 'warehouse-'));
  await load(analyst, root);
  warehouse = openWarehouse(root);
});
afterAll(async () => {
  warehouse?.close();
  await Promise.all([analyst, reporting].map((sql) => sql?.end()));
  await shop?.stop();
  if (root !== undefined) await rm(root, { recursive: true });
});

/** As it is tomorrow: the day of the sales is in history. */
const history: Warehouse = {
  newest: async () => {
    const completeUntil = new Date(Date.now() + 36 * 3600_000).toISOString();
    return { ...(await warehouse.newest())!, completeUntil };
  },
  query: (state, statement) => warehouse.query(state, statement),
};
const reports = (): PartsDeps => ({
  databases: { reader: undefined, writer: (work) => reporting!.begin('read only', work) as never },
  clock: shop.clock,
  meter: { count: () => {}, flush: () => {} },
  sleep: async () => {},
  warehouse: history,
});
/** Copies the provider's transactions, and compares the books. */
async function reconcile(days = 2) {
  await shop.snapshot();
  const { sql, store, clock } = shop;
  const seen: string[] = [];
  const onFinding = ({ kind, subject: of }: { kind: string; subject: string }) => seen.push(`${kind} ${of}`);
  const result = await run({ sql: () => sql, store, clock, days, reports: reports(), onFinding });
  expect(seen).toHaveLength(result.found);
  return result;
}
const finding = async () => (await shop.findings(subject)).at(-1);

test('books that are equal to the cent have no finding', async () => {
  expect(await reconcile()).toEqual({ days: 2, found: 0 });
  expect(await finding()).toBeUndefined();
});

test('a cent that the provider has more is found, named, and cleared when it is right again', async () => {
  const { id, total } = orders[1]!;
  await shop.changeCharge(id, 'amount', total + 1);
  const unknown = newId('order', shop.clock);
  const stray = await shop.charge(unknown, { amount: 5 });
  expect(await reconcile()).toMatchObject({ found: 1 });
  const sales = orders.reduce((sum, each) => sum + each.total, 0);
  expect(await finding()).toMatchObject({
    kind: 'books-differ',
    open: true,
    advice: expect.stringContaining('provider'),
    details: {
      wrong: 'provider',
      reports: { sales, refunds: 0 },
      orders: { sales, refunds: 0, paid: sales },
      payments: { taken: sales },
      provider: { taken: sales + 6 },
      rows: [
        { subject: id, theirs: { taken: total + 1 } },
        { subject: stray, kept: 5 },
      ],
    },
  });
  // It stays open while the day is too old to be compared by itself.
  await shop.changeCharge(id, 'amount', total);
  shop.setAhead(27 + 48);
  expect(await reconcile(1)).toMatchObject({ days: 2, found: 0 });
  expect(await finding()).toMatchObject({ open: true });
  shop.setAhead(27);
  await shop.changeCharge(unknown, 'amount', 0);
  await reconcile();
  expect(await finding()).toMatchObject({ open: false });
});

test('an order that somebody changed past the triggers is found and named', async () => {
  const { id } = orders[2]!;
  const change = (cents: number) =>
    shop.pastGuards((sql) => sql`update payments.payments set amount = amount + ${cents}::int where order_id = ${id}`);
  await change(-1);
  expect(await reconcile()).toMatchObject({ found: 1 });
  expect(await finding()).toMatchObject({
    open: true,
    details: { wrong: 'orders', rows: [{ subject: id }, { subject: id }] },
  });
  await change(1);
  await reconcile();
  expect(await finding()).toMatchObject({ open: false });
});

test('units that are cancelled before the capture are given back on all sides, and the rest is captured', async () => {
  const { saga } = shop;
  const product = await saga.product(5);
  const { id } = await saga.place([{ productId: product, quantity: 3 }], { captureAt: 'shipment' });
  const goods = saga.connect('fulfilment_api', poolOptions);
  try {
    await load(analyst!, root);
    expect(await reconcile()).toMatchObject({ found: 0 });
    expect((await saga.cancel(id, 3600, { lines: [{ productId: product, quantity: 1 }] })).answer.status).toBe(200);
    await saga.states.idle();
    await load(analyst!, root);
    expect(await reconcile()).toMatchObject({ found: 0 });

    const keys = { table: 'orders.fulfilment_idempotency_keys', clock: saga.clock, keepSeconds: 3600 } as const;
    const at = { sql: goods, clock: saga.clock, keys };
    const claim = { caller: 'app', key: undefined, operation: 'goods', fingerprint: 'f' };
    const packed = await createFulfilment(at, claim, { orderId: id, createdBy: 'app' });
    const { id: fulfilmentId } = JSON.parse(packed.answer.body!) as { id: string };
    const wanted = { orderId: id, fulfilmentId, tracking: {} };
    await shipFulfilment({ ...at, startCapturing: saga.startCapturing }, claim, wanted);
    await saga.states.idle();
    const [payment] = await saga.owner`
      select status, amount::int, released_amount::int as released from payments.payments where order_id = ${id}`;
    expect(payment).toMatchObject({ status: 'captured', released: expect.any(Number) });
    expect(payment!.released).toBe(payment!.amount / 3);
    expect(await reconcile()).toMatchObject({ found: 0 });
    // A cent that the provider captured too little is seen.
    await shop.changeCharge(id, 'capturedAmount', payment!.amount - payment!.released - 1);
    expect(await reconcile()).toMatchObject({ found: 1 });
    expect((await finding())!.details).toMatchObject({ wrong: 'provider', rows: [{ subject: id }] });
    await shop.changeCharge(id, 'capturedAmount', payment!.amount - payment!.released);
    expect(await reconcile()).toMatchObject({ found: 0 });
    expect(await finding()).toMatchObject({ open: false });
  } finally {
    await goods.end();
  }
});

test('books are compared by the writer while the reader does not answer', async () => {
  const reader = () => Promise.reject(new DependencyUnavailable('database'));
  const { sql, store, clock } = shop;
  const { databases, ...rest } = reports();
  const deps = { ...rest, databases: { ...databases, reader } };
  const result = await run({ sql: () => sql, store, clock, days: 2, reports: deps, onFinding: () => {} });
  expect(result).toEqual({ days: 2, found: 0 });
});

test('a report that adds up to a cent more is found, and cleared by the next load', async () => {
  const manifest = await readManifest(root);
  const store = diskStore(root);
  const names = columnNames('daily_sales_summary');
  const rows = (await readRows(store, manifest.tables.daily_sales_summary!.all, names)).map((row) => ({
    ...row,
    sales: BigInt(row.sales as bigint) + 1n,
  }));
  const wrong = await addFile(store, 'daily_sales_summary', 'all', await toParquet('daily_sales_summary', [rows]));
  const tables = { ...manifest.tables, daily_sales_summary: { all: wrong! } };
  await publish(store, { ...manifest, number: manifest.number + 1, tables }, manifest);
  expect(await reconcile()).toMatchObject({ found: 1 });
  expect(await finding()).toMatchObject({ open: true, details: { wrong: 'reports', rows: [] } });
  await load(analyst!, root, { full: true });
  await reconcile();
  expect(await finding()).toMatchObject({ open: false });
});
