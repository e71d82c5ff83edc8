import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { tables } from '../../lib/contract/deploy/tables.ts';
import {
  findInSnapshot,
  readSnapshot,
  readWindow,
  type SnapshotStore,
} from '../../lib/operations/reconciliation/snapshot.dynamo.ts';
import { snapshotProviderTransactions } from '../../lib/operations/reconciliation/snapshot.ts';
import type { ProviderCharge, TransactionsRequest } from '../../lib/shop/payments/gateway.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const hour = 3600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 10, 21, 12);

let dynamo: TestDynamo;
let tableNumber = 0;
let now: number;
let balances: ProviderCharge[];
/** What was given back, by reference: when. */
let givenBack: Map<string, number>;
let asked: (TransactionsRequest & { list: string })[];
let store: SnapshotStore;

beforeAll(async () => {
  const names = Array.from({ length: 10 }, (_, n) => `snapshot${n}`);
  dynamo = await startTestDynamo(names.map((name) => ({ name, ...tables.providerCharges })));
});
afterAll(() => dynamo?.stop());
beforeEach(() => {
  now = start;
  balances = [];
  givenBack = new Map();
  asked = [];
  store = { client: dynamo.documents, table: `snapshot${tableNumber++}`, clock: { now: () => now } };
});

const charge = (n: number, createdAt: number, parts: Partial<ProviderCharge> = {}): ProviderCharge => ({
  orderId: `ord_${n.toString(16).padStart(32, '0')}`,
  reference: `ch_${n}`,
  status: 'captured',
  amount: 1000 + n,
  refundedAmount: 0,
  currency: 'EUR',
  createdAt,
  ...parts,
});

/** Books that are read two charges at a time. */
function provider(list: 'charges' | 'refunded') {
  return async (request: TransactionsRequest) => {
    asked.push({ list, ...request });
    const timeOf = (each: ProviderCharge) =>
      list === 'charges' ? each.createdAt : (givenBack.get(each.reference) ?? Number.NEGATIVE_INFINITY);
    const all = balances.filter((each) => timeOf(each) >= request.from && timeOf(each) < request.to);
    const at = Number(request.cursor ?? 0);
    const charges = all.slice(at, at + 2);
    return at + 2 < all.length ? { charges, cursor: String(at + 2) } : { charges };
  };
}

const snapshot = (pagesAtMost = Number.POSITIVE_INFINITY, name: 'simulated' | 'stripe' = 'stripe') => {
  let pages = 0;
  return snapshotProviderTransactions({
    gateway: { provider: name, listCharges: provider('charges'), listRefunded: provider('refunded') },
    store,
    stopwatch: { elapsed: () => pages++ },
    days: 3,
    limitMs: pagesAtMost + 1,
  });
};

async function window() {
  const read: ProviderCharge[] = [];
  const snapshot = (await readSnapshot(store))!;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof readWindow>> = await readWindow(store, snapshot, { after, limit: 2 });
    read.push(...page.charges);
    after = page.next;
  }
  return read.map(({ reference }) => reference).toSorted();
}

test('the charges of the last days are copied page by page, and the snapshot counts once it is complete', async () => {
  balances = [1, 20, 30, 47, 71].map((hours, n) => charge(n, start - hours * hour));
  balances.push(charge(9, start - 73 * hour));
  expect(await readSnapshot(store)).toBeUndefined();
  expect(await snapshot()).toEqual({ read: 5, written: 5, complete: true });
  expect(await readSnapshot(store)).toEqual({
    provider: 'stripe',
    from: start - 3 * day,
    to: start,
    startedAt: start,
    completedAt: start,
  });
  expect(await window()).toEqual(['ch_0', 'ch_1', 'ch_2', 'ch_3', 'ch_4']);
});

test('only what has changed is written again, and is marked with the time', async () => {
  balances = [charge(1, start - hour), charge(2, start - hour), charge(3, start - 30 * hour)];
  await snapshot();
  now = start + hour;
  expect(await snapshot()).toMatchObject({ read: 3, written: 0 });
  balances[1] = { ...balances[1]!, refundedAmount: 500 };
  expect(await snapshot()).toMatchObject({ read: 3, written: 1 });
  const found = await findInSnapshot(store, [
    { reference: 'ch_1', days: ['2026-11-20', '2026-11-21'] },
    { reference: 'ch_2', days: ['2026-11-21'] },
    { reference: 'ch_3', days: ['2026-11-21'] },
  ]);
  expect([...found.keys()].toSorted()).toEqual(['ch_1', 'ch_2']);
  expect(found.get('ch_1')).toMatchObject({ seenAt: start, refundedAmount: 0 });
  expect(found.get('ch_2')).toMatchObject({ seenAt: start + hour, refundedAmount: 500 });
});

test('a run that runs out of time continues where it stopped; until it finishes, the last complete snapshot counts', async () => {
  balances = Array.from({ length: 7 }, (_, n) => charge(n, start - (n + 1) * hour));
  await snapshot();
  now = start + hour;
  const before = await readSnapshot(store);
  asked = [];
  expect(await snapshot(2)).toMatchObject({ read: 4, complete: false });
  expect(await readSnapshot(store)).toEqual(before);
  now = start + 2 * hour;
  expect(await snapshot(1)).toMatchObject({ read: 2, complete: false });
  now = start + 3 * hour;
  expect(await snapshot()).toMatchObject({ read: 1, complete: true });
  expect(asked.map(({ list, cursor }) => `${list} ${cursor}`)).toEqual([
    'charges undefined',
    'charges 2',
    'charges 4',
    'charges 6',
    'refunded undefined',
  ]);
  // It tells what was true when it was begun.
  expect(await readSnapshot(store)).toMatchObject({
    startedAt: start + hour,
    to: start + hour,
    completedAt: start + 3 * hour,
  });
});

test('a snapshot that was left for a day starts again', async () => {
  balances = Array.from({ length: 7 }, (_, n) => charge(n, start - (n + 1) * hour));
  await snapshot(1);
  now = start + day;
  await snapshot();
  expect(await readSnapshot(store)).toMatchObject({ startedAt: start + day });
});

test('an older charge with a recent refund is included, also under its own day', async () => {
  balances = [charge(1, start - 10 * day, { refundedAmount: 1001 }), charge(2, start - 10 * day)];
  givenBack.set('ch_1', start - hour);
  expect(await snapshot()).toMatchObject({ read: 1, complete: true });
  expect(await window()).toEqual(['ch_1']);
  const [found] = (await findInSnapshot(store, [{ reference: 'ch_1', days: ['2026-11-11'] }])).values();
  expect(found).toMatchObject({ refundedAmount: 1001 });
  now = start + 2 * day;
  await snapshot();
  expect(await window()).toEqual(['ch_1']);
  now = start + 4 * day;
  await snapshot();
  expect(await window()).toEqual([]);
});

test('after a week without a snapshot, the next one reaches back to the last, so that nothing is skipped', async () => {
  await snapshot();
  now = start + 7 * day;
  balances = [charge(1, start + hour)];
  await snapshot();
  expect(await readSnapshot(store)).toMatchObject({ from: start, to: start + 7 * day });
  expect(await window()).toEqual(['ch_1']);
});

test('a change of provider starts a new snapshot', async () => {
  balances = Array.from({ length: 7 }, (_, n) => charge(n, start - (n + 1) * hour));
  await snapshot(1);
  await snapshot(Number.POSITIVE_INFINITY, 'simulated');
  expect(await readSnapshot(store)).toMatchObject({ provider: 'simulated', from: start - 3 * day });
});

test('charges are not looked for without end while DynamoDB leaves them out', async () => {
  let calls = 0;
  const client = documentsThat(async ({ input }) => {
    // Whoever asks without a pause would never let the test end.
    if (++calls > 1000) throw new Error('asked a thousand times');
    return { UnprocessedKeys: (input as { RequestItems: object }).RequestItems };
  });
  const wanted = [{ reference: 'ch_1', days: ['2026-11-11'] }];
  await expect(findInSnapshot({ ...store, client }, wanted)).rejects.toThrow('too busy');
});
