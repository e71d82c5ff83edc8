import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { abandonUnlessConfirmed, closeCompensated, requestManualReview } from '../../lib/saga/compensate.sql.ts';
import { confirmIfReserved } from '../../lib/saga/confirm.sql.ts';
import { reserveAllOrNothing } from '../../lib/saga/reserve.sql.ts';
import { releaseHeldOfCompensated, releaseWhatIsHeld } from '../../lib/shop/stock/reservations.sql.ts';
import { waitingForLocks } from '../support/locks.ts';
import { releaseFailed } from '../support/opening-reviews.ts';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
beforeAll(async () => {
  saga = await startSaga();
  // Rows then come in the table's order, unless a statement asks for another order.
  const [{ name }] = (await saga.owner`select current_database() as name`) as unknown as [{ name: string }];
  for (const setting of ['enable_indexscan', 'enable_bitmapscan', 'enable_indexonlyscan', 'enable_mergejoin']) {
    await saga.owner.unsafe(`alter database ${name} set ${setting} = off`);
  }
});
afterAll(() => saga.stop());

const at = new Date();
const ids = () => ({
  paymentId: newId('payment', saga.clock),
  eventId: newId('event', saga.clock),
  paymentEventId: newId('event', saga.clock),
});
const steps = {
  reserve: (orderId: string) =>
    reserveAllOrNothing(saga.saga, {
      eventId: newId('event', systemClock),
      orderId,
      at,
      expiresAt: new Date(at.getTime() + 900_000),
    }),
  confirm: (orderId: string) =>
    confirmIfReserved(saga.saga, { orderId, ...ids(), provider: 'simulated', reference: `ch_${orderId}`, at }),
  release: (orderId: string) => releaseWhatIsHeld(saga.saga, { orderId, at }),
  abandon: (orderId: string) => abandonUnlessConfirmed(saga.saga, { orderId, at }),
  close: (orderId: string) =>
    closeCompensated(saga.saga, {
      orderId,
      ...ids(),
      failure: { code: 'compensated', detail: 'x' },
      refund: undefined,
      at,
    }),
  flag: (orderId: string) =>
    requestManualReview(saga.saga, {
      orderId,
      eventId: ids().eventId,
      reason: 'compensation-failed',
      detail: 'x',
      at,
      ...releaseFailed(orderId),
    }),
  cancel: (orderId: string) => saga.cancel(orderId),
  'release what nobody needs': (orderId: string) => releaseHeldOfCompensated(saga.owner, { orderId, at }),
};
type Step = keyof typeof steps;

/** Two products, the one with the greater id first, both in the table of levels and in every basket. */
const twoProducts = async () => {
  const ids: string[] = [];
  for (const units of [0, 0]) ids.push(await saga.product(units));
  const [low, high] = ids.toSorted() as [string, string];
  for (const productId of [high, low]) {
    await saga.owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
      values (${newId('movement', saga.clock)}, ${productId}, 'adjustment', 9, 0, 'opening stock', now())`;
  }
  return { low, high };
};
const place = async (...products: string[]) =>
  (
    await saga.place(
      products.map((productId) => ({ productId, quantity: 1 })),
      { start: false },
    )
  ).id;

type Work = (tx: typeof saga.owner) => Promise<unknown>;

/** Starts a step after another transaction has written something, and commits that once the step waits for it. */
async function waitedFor(
  before: Work,
  step: () => Promise<unknown>,
  meanwhile: () => Promise<unknown> = async () => {},
) {
  let outcome: Promise<unknown> | undefined;
  await saga.owner.begin(async (tx) => {
    await before(tx as unknown as typeof saga.owner);
    outcome = step().catch((error: Error) => error);
    await expect.poll(() => waitingForLocks(saga.owner), { interval: 5 }).toBeGreaterThan(0);
    await meanwhile();
  });
  return outcome;
}

async function expectInOrder({ low, high }: { low: string; high: string }, step: Step, orderId: string) {
  const outcome = await waitedFor(
    (tx) => tx`select from stock.levels where product_id = ${low} for update`,
    () => steps[step](orderId),
    // A step that waits for the first level must not hold the second.
    () => saga.owner`select from stock.levels where product_id = ${high} for update nowait`,
  );
  expect(outcome).not.toBeInstanceOf(Error);
}

describe('levels are locked in the order of their products, so that two baskets never wait for each other', () => {
  const before: Record<string, readonly Step[]> = {
    reserve: [],
    confirm: ['reserve'],
    release: ['reserve'],
  };

  test('by releasing stock that no order needs', async () => {
    const { low, high } = await twoProducts();
    const orderId = newId('order', saga.clock);
    for (const productId of [high, low]) {
      await saga.owner`
        insert into stock.reservations (order_id, product_id, quantity, expires_at)
        values (${orderId}, ${productId}, 1, now())`;
      await saga.owner`
        insert into stock.movements (id, product_id, kind, quantity, reserved, reason, order_id, created_at)
        values (${newId('movement', saga.clock)}, ${productId}, 'reservation', 0, 1, 'by hand', ${orderId}, now())`;
    }
    await expectInOrder({ low, high }, 'release what nobody needs', orderId);
  });

  test.each(Object.keys(before) as Step[])('by %s', async (step) => {
    const { low, high } = await twoProducts();
    const orderId = await place(high, low);
    for (const each of before[step]!) await steps[each](orderId);
    await expectInOrder({ low, high }, step, orderId);
  });
});

test('a reservation does not wait for products outside its basket', async () => {
  const { low, high } = await twoProducts();
  const orderId = await place(low);
  await saga.owner.begin(async (tx) => {
    await tx`select from stock.levels where product_id = ${high} for update`;
    expect(await steps.reserve(orderId)).toBe(true);
  });
});

describe('a step that waited for another one decides on what that one wrote', () => {
  const opened =
    (orderId: string): Work =>
    (tx) =>
      tx`
    update orders.orders
    set status = 'needs_attention', version = version + 1, failure_code = 'x', failure_detail = 'x'
    where id = ${orderId}`;

  test.each([
    ['reserve', [], 'OrderNotActive'],
    ['confirm', ['reserve'], 'OrderNotActive'],
    ['cancel', ['reserve'], 'Problem'],
  ] as [Step, Step[], string][])('%s of an order that was put into manual review', async (step, before, name) => {
    const orderId = await place((await twoProducts()).low);
    for (const each of before) await steps[each](orderId);
    const outcome = await waitedFor(opened(orderId), () => steps[step](orderId));
    expect(outcome).toMatchObject({ name });
    expect(await saga.order(orderId)).toMatchObject({ status: 'needs_attention' });
  });

  test('putting into manual review an order that was put there meanwhile', async () => {
    const orderId = await place((await twoProducts()).low);
    expect(await waitedFor(opened(orderId), () => steps.flag(orderId))).toMatchObject({ opened: false });
    expect(await saga.order(orderId)).toMatchObject({ status: 'needs_attention', failure: { code: 'x' } });
  });

  test('the timeline says from which status the order came then', async () => {
    const orderId = await place((await twoProducts()).low);
    const reserved: Work = (tx) =>
      reserveAllOrNothing(tx, {
        eventId: newId('event', systemClock),
        orderId,
        at,
        expiresAt: new Date(at.getTime() + 900_000),
      });
    await waitedFor(reserved, () => steps.cancel(orderId));
    const changes = await saga.owner`
      select detail from orders.timeline where order_id = ${orderId} and type = 'status-changed' order by version`;
    expect(changes.map(({ detail: { from, to } }) => [from, to])).toEqual([
      ['pending', 'reserved'],
      ['reserved', 'cancelling'],
    ]);
  });

  test('closing an order that was closed meanwhile', async () => {
    const orderId = await place((await twoProducts()).low);
    const closed: Work = (tx) => tx`
      update orders.orders set status = 'failed', version = 2, failure_code = 'x', failure_detail = 'x'
      where id = ${orderId}`;
    expect(await waitedFor(closed, () => steps.close(orderId))).toEqual({ status: 'failed', closed: false });
    expect(await saga.order(orderId)).toMatchObject({ failure: { code: 'x' }, version: 2 });
  });

  test('returning the stock of an order that was confirmed meanwhile', async () => {
    const orderId = await place((await twoProducts()).low);
    await steps.reserve(orderId);
    const confirmed: Work = async (tx) => {
      await tx`select from orders.orders where id = ${orderId} for update`;
      await tx`
        insert into payments.payments (id, order_id, provider, reference, status, amount, currency, captured_at)
        select ${ids().paymentId}, id, 'simulated', id, 'captured', total, currency, now()
        from orders.orders where id = ${orderId}`;
      await tx`update stock.reservations set state = 'committed' where order_id = ${orderId}`;
      await tx`update orders.orders set status = 'confirmed', confirmed_at = now() where id = ${orderId}`;
    };
    expect(await waitedFor(confirmed, () => steps.release(orderId))).toMatchObject({ name: 'OrderNotActive' });
    expect(await saga.order(orderId)).toMatchObject({ status: 'confirmed' });
  });
});
