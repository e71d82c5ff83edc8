import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { listFailedCompensations } from '../../lib/saga/retry-compensation.sql.ts';
import { listExpiredReservations, listStaleOrders, type PageEnd, type StaleKind } from '../../lib/saga/sweep.sql.ts';
import { releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
  // Rows are then sorted only if a statement says so.
  const [row] = await saga.owner`select current_database() as name`;
  for (const setting of ['enable_sort', 'enable_incremental_sort', 'enable_indexscan', 'enable_bitmapscan']) {
    await saga.owner.unsafe(`alter database ${row!.name} set ${setting} = off`);
  }
});
afterAll(() => saga.stop());

const at = Date.now();
const plus = (milliseconds: number) => new Date(at + milliseconds);

/** Takes an order to a status by allowed transitions. */
async function placeAs(...way: string[]): Promise<string> {
  const { id } = await saga.place([{ productId: await saga.product(1), quantity: 1 }], { start: false });
  for (const status of way) {
    const failure = ['failed', 'needs_attention'].includes(status) ? 'x' : null;
    await saga.owner`
      update orders.orders set status = ${status}, failure_code = ${failure}, failure_detail = ${failure}
      where id = ${id}`;
  }
  return id;
}

test('lists open orders that nothing has happened to since a moment, the longest untouched first', async () => {
  const ids = {
    first: await placeAs('reserved'),
    pending: await placeAs(),
    reserved: await placeAs('reserved'),
    cancelling: await placeAs('cancelling'),
  };
  const ended = [await placeAs('failed'), await placeAs('cancelling', 'cancelled'), await placeAs('needs_attention')];
  const touch = (id: string, when: Date) => saga.owner`update orders.orders set updated_at = ${when} where id = ${id}`;
  const oldestFirst = [ids.first, ids.pending, ids.cancelling, ids.reserved];
  for (const [i, id] of [...oldestFirst.entries()].reverse()) await touch(id, plus(i));
  for (const id of ended) await touch(id, plus(0));

  const list = async (among: StaleKind, before: Date, limit = 10) =>
    (await listStaleOrders(saga.saga, { before, among, limit })).map((order) => order.id);
  expect(await list('begun', plus(4)), 'a saga has begun').toEqual([ids.first, ids.reserved]);
  expect(await list('unbegun', plus(4)), 'none may have').toEqual([ids.pending, ids.cancelling]);
  expect(await list('begun', plus(3)), 'at rest since that very moment').toEqual([ids.first]);
  expect(await list('unbegun', plus(4), 1)).toEqual([ids.pending]);
});

test('a page starts where the one before ended; orders of the same moment come by id', async () => {
  const made = [await placeAs('cancelling'), await placeAs('cancelling'), await placeAs('cancelling')];
  await saga.owner`
    update orders.orders set updated_at = '2020-01-01 00:00:00.123456Z' where id in ${saga.owner(made)}`;
  const page = (after?: PageEnd) =>
    listStaleOrders(saga.saga, { before: new Date('2020-01-02'), among: 'unbegun', limit: 2, after });
  const first = await page();
  expect(first.map(({ id }) => id)).toEqual(made.toSorted().slice(0, 2));
  const second = await page(first.at(-1));
  expect(second.map(({ id }) => id)).toEqual(made.toSorted().slice(2));
  expect(await page(second.at(-1))).toEqual([]);
});

const reserved = async (expiresAt: Date) => {
  const lines = [
    { productId: await saga.product(1), quantity: 1 },
    { productId: await saga.product(1), quantity: 1 },
  ];
  const { id } = await saga.place(lines, { start: false });
  await reserveAllOrNothing(saga.saga, {
    eventId: newId('event', systemClock),
    orderId: id,
    at: new Date(at),
    expiresAt,
  });
  return id;
};
const flag = (id: string) => saga.owner`
  update orders.orders set status = 'needs_attention', failure_code = 'x', failure_detail = 'x' where id = ${id}`;

test('lists each order in manual review whose reservation expired before a moment, once', async () => {
  const [first, second, underWay, given] = [
    await reserved(plus(1)),
    await reserved(plus(2)),
    await reserved(plus(1)),
    await reserved(plus(1)),
  ];
  for (const id of [first, second, given]) await flag(id);
  await releaseWhatIsHeld(saga.saga, { orderId: given, at: new Date(at) });

  const list = (now: Date, limit = 10, from?: string) =>
    listExpiredReservations(saga.saga, { now, limit, after: from });
  const byId = [first, second].toSorted();
  expect(await list(plus(3))).toEqual(byId);
  expect(await list(plus(3), 1, byId[0]), 'the page after').toEqual([byId[1]]);
  expect(await list(plus(2)), 'held until that very moment').toEqual([first]);
  expect(await list(plus(3), 1)).toHaveLength(1);
  expect(await list(plus(3))).not.toContain(underWay);
});

test('pages of them come by id', async () => {
  const made: string[] = [];
  for (let n = 0; n < 6; n++) made.push(await reserved(plus(-1000)));
  for (const id of made.toReversed()) await flag(id);
  const list = (limit: number, from?: string) =>
    listExpiredReservations(saga.saga, { now: plus(-999), limit, after: from });
  const byId = made.toSorted();
  expect(await list(4)).toEqual(byId.slice(0, 4));
  expect(await list(4, byId[3])).toEqual(byId.slice(4));
});

describe('compensations that failed', () => {
  const limits = { firstPauseSeconds: 60, most: 2, limit: 10 };
  const list = async (minutes: number, more: Partial<typeof limits> = {}) =>
    listFailedCompensations(saga.saga, { now: plus(minutes * 60_000), ...limits, ...more });
  const manualReview = async (openedAt: Date, { attempt = 0, steps = ['RefundPayment'], settled = false } = {}) => {
    const id = await placeAs('needs_attention');
    await saga.owner`update orders.orders set compensation_attempts = ${attempt} where id = ${id}`;
    const [settledAt, settledHow] = settled ? [openedAt, 'retried'] : [null, null];
    await saga.owner`
      insert into orders.manual_reviews (order_id, attempt, opened_at, from_status, reason, steps, error, message,
        money_at_stake, money_certain, stock_at_stake, execution, settled_at, settled_how)
      values (${id}, ${attempt}, ${openedAt}, 'reserved', 'compensation-failed', ${JSON.stringify(steps)}::text::jsonb, 'Error', 'x',
        0, true, '[]', ${id}, ${settledAt}, ${settledHow})`;
    return id;
  };

  test('are listed from the moment that the pause ends, and the second pause is twice as long', async () => {
    const first = await manualReview(plus(0));
    const second = await manualReview(plus(1), { attempt: 1 });
    await manualReview(plus(0), { attempt: 2 });
    await manualReview(plus(0), { steps: [] });
    await manualReview(plus(0), { settled: true });
    expect(await list(0.999)).toEqual([]);
    expect(await list(1)).toEqual([{ orderId: first, attempt: 0 }]);
    expect(await list(2)).toEqual([{ orderId: first, attempt: 0 }]);
    expect(await list(2.001)).toEqual([
      { orderId: first, attempt: 0 },
      { orderId: second, attempt: 1 },
    ]);
    expect(await list(1000), 'never as often as that').toHaveLength(2);
  });

  test('come with the longest in manual review first, and at most as many as asked for', async () => {
    const made = [await manualReview(plus(-9000)), await manualReview(plus(-9002)), await manualReview(plus(-9001))];
    const oldestFirst = [made[1], made[2], made[0]];
    const ids = (rows: { orderId: string }[]) => rows.map(({ orderId }) => orderId);
    expect(ids(await list(0.99))).toEqual(oldestFirst);
    expect(ids(await list(0.99, { limit: 2 }))).toEqual(oldestFirst.slice(0, 2));
  });
});
