import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../functions/http/place-order.ts';
import { lockName } from '../../lib/database/idempotency.sql.ts';
import { inTransaction } from '../../lib/database/transaction.sql.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { cancelIfPossible } from '../../lib/shop/orders/cancel.sql.ts';
import { insertOrder, readBeforePlacing } from '../../lib/shop/orders/place.sql.ts';
import { detailsOf, placeOrder } from '../../lib/shop/orders/place.ts';
import { priceOrder } from '../../lib/shop/pricing/price.ts';
import { pricing, type Saga, startSaga, unpaidLimits } from '../support/saga.ts';

let saga: Saga;
let productId: string;
beforeAll(async () => {
  saga = await startSaga();
  productId = await saga.product(10);
});
afterAll(() => saga.stop());

const newClaim = () => ({
  caller: `customer:${saga.customerId}`,
  key: newId('request', saga.clock),
  operation: 'place-order',
  fingerprint: 'first',
});
const place = (claim: ReturnType<typeof newClaim>, now = Date.now()) => {
  const clock = { now: () => now };
  return placeOrder(
    {
      sql: saga.api,
      clock,
      keys: { table: 'orders.idempotency_keys', clock, keepSeconds: 48 * 3600 },
      unpaidLimits,
      pricing,
      numberPrefix: 'CF',
      startPlacing: async () => {},
    },
    claim,
    { customerId: saga.customerId, lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' },
  );
};
const countOrders = async () => Number((await saga.owner`select count(*) from orders.orders`)[0]?.count);

test('what is read before an order is placed writes nothing, however often', async () => {
  const basket = {
    customerId: saga.customerId,
    guestEmail: null,
    productIds: [productId],
    lines: [{ productId, quantity: 1 }],
    shippingMethod: null,
    couponCode: null,
    country: null,
    at: saga.clock.now(),
  };
  const written = await inTransaction(saga.api, async (tx) => {
    // A sequence, say, writes once in 33 times.
    for (let i = 0; i < 40; i++)
      await readBeforePlacing(tx as unknown as typeof saga.api, newClaim(), basket, saga.keys);
    return (await tx`select pg_current_xact_id_if_assigned()::text as id`)[0]!.id;
  });
  expect(written).toBeNull();
});

test('a line keeps what it cost in its own currency, and no cost of another', async () => {
  const costOf = async (amount: number | null, currency: string | null) => {
    await saga.owner`update catalog.products set cost_amount = ${amount}, cost_currency = ${currency} where id = ${productId}`;
    const { placed } = await place(newClaim());
    const [line] = await saga.owner`select unit_cost as cost from orders.lines where order_id = ${placed!.id}`;
    return line!.cost;
  };
  expect(await costOf(600, 'EUR')).toBe(600);
  expect(await costOf(600, 'KWD')).toBeNull();
  expect(await costOf(null, null)).toBeNull();
});

describe('one key, one order', () => {
  test('a repeat gets the first answer, to the byte, and places nothing', async () => {
    const claim = newClaim();
    const first = await place(claim);
    const before = await countOrders();
    const again = await place(claim);
    expect(again).toEqual({ answer: first.answer, placed: undefined });
    expect(await countOrders()).toBe(before);
  });

  test('a repeat gets the first answer even if the product is no longer on sale', async () => {
    const claim = newClaim();
    const first = await place(claim);
    await saga.owner`update catalog.products set active = false where id = ${productId}`;
    const again = await place(claim);
    await expect(place(newClaim())).rejects.toMatchObject({ code: 'product-not-available' });
    await saga.owner`update catalog.products set active = true where id = ${productId}`;
    expect(again).toEqual({ answer: first.answer, placed: undefined });
  });

  test("a request that another one overtakes gets that one's answer", async () => {
    const claim = newClaim();
    const before = await countOrders();
    const [clock, at] = [saga.clock, saga.clock.now()];
    const order = {
      ...priceOrder({
        lines: [{ productId, quantity: 1 }],
        products: [
          {
            id: productId,
            sku: 'SKU',
            name: 'Thing',
            priceAmount: 1000,
            priceCurrency: 'EUR',
            taxClass: 'standard',
            weight: null,
          },
        ],
        premium: false,
      }),
      ...detailsOf({}),
      numberPrefix: 'CF',
      placedBy: null,
      applicationId: null,
      segment: 'standard' as const,
      guestToken: null,
      customerId: saga.customerId,
      paymentMethod: 'pm_card_visa',
      createdAt: at,
    };
    const insert = (n: number) =>
      insertOrder(
        saga.api,
        claim,
        { ...order, id: newId('order', clock), eventId: newId('event', clock) },
        (number) => ({ status: 202, headers: {}, body: `{"n":${n},"number":"${number}"}` }),
        saga.keys,
      );
    const written = await insert(1);
    const [row] = await saga.owner`select number from orders.orders order by created_at desc, id desc limit 1`;
    expect(written).toEqual({ number: row!.number, failureDetail: null });
    const body = `{"n":1,"number":"${row!.number}"}`;
    expect(await insert(2)).toEqual({ first: { status: 202, headers: {}, body } });
    expect(await countOrders()).toBe(before + 1);
  });

  test('a different request with the same key is refused', async () => {
    const claim = newClaim();
    await place(claim);
    await expect(place({ ...claim, fingerprint: 'second' })).rejects.toMatchObject({ code: 'idempotency-key-reused' });
  });

  test('while another request holds the key, the answer is to try again', async () => {
    const claim = newClaim();
    const before = await countOrders();
    await saga.owner.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtextextended(${lockName(claim)}, 0))`;
      await expect(place(claim)).rejects.toMatchObject({
        code: 'request-in-flight',
        headers: { 'retry-after': '1' },
      });
    });
    expect(await countOrders()).toBe(before);
    expect((await place(claim)).placed).toBeDefined();
  });

  test('twenty concurrent requests place one order', async () => {
    const claim = newClaim();
    const before = await countOrders();
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => place(claim)));
    expect(results.filter((each) => each.status === 'fulfilled' && each.value.placed !== undefined)).toHaveLength(1);
    for (const each of results) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'request-in-flight' });
    }
    expect(await countOrders()).toBe(before + 1);
  });

  test('the same key of another customer is a different key', async () => {
    const claim = newClaim();
    const [first, second] = [await place(claim), await place({ ...claim, caller: 'customer:somebody else' })];
    expect(second.placed?.id).not.toBe(first.placed?.id);
    expect(second.placed).toBeDefined();
  });

  test('an expired key is free again', async () => {
    const claim = newClaim();
    const first = await place(claim);
    const later = await place(claim, Date.now() + 49 * 3600 * 1000);
    expect(later.placed?.id).not.toBe(first.placed?.id);
    expect(later.placed).toBeDefined();
  });

  test('a key is kept until its last millisecond; then its record belongs wholly to the new order', async () => {
    const claim = newClaim();
    const now = Date.now();
    const end = now + 48 * 3600 * 1000;
    const first = await place(claim, now);
    expect((await place(claim, end - 1)).placed).toBeUndefined();
    const fresh = { ...claim, operation: 'place-order-again', fingerprint: 'second' };
    const second = await place(fresh, end);
    expect(second.placed?.id).not.toBe(first.placed?.id);
    expect(second.placed).toBeDefined();
    expect(await place(fresh, end)).toEqual({ answer: second.answer, placed: undefined });
    const [record] = await saga.owner`
      select operation, request_hash, status, created_at, expires_at from orders.idempotency_keys
      where key = ${claim.key}`;
    expect(record).toEqual({
      operation: 'place-order-again',
      requestHash: 'second',
      status: 202,
      createdAt: new Date(end),
      expiresAt: new Date(end + 48 * 3600 * 1000),
    });
  });

  test('a request that waits gets the outcome, and so does a repeat that waits; another gets the first answer', async () => {
    const claim = newClaim();
    const deps = {
      sql: () => saga.api,
      clock: saga.clock,
      stopwatch,
      keys: { table: 'orders.idempotency_keys' as const, clock: saga.clock, keepSeconds: 48 * 3600 },
      unpaidLimits,
      pricing,
      numberPrefix: 'CF',
      startPlacing: saga.startPlacing,
    };
    const request = {
      caller: { kind: 'customer', application: { id: 'app_shop' }, customerId: saga.customerId },
      body: { lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' },
      idempotencyKey: claim.key,
      fingerprint: claim.fingerprint,
      meter: { count: () => {} },
      log: { warn: () => {} },
    };
    const send = (waitSeconds: number, sleep: () => Promise<void>) =>
      run(
        { ...request, waitSeconds, waitUntil: stopwatch.elapsed() + waitSeconds * 1000 } as unknown as Parameters<
          typeof run
        >[0],
        { ...deps, sleep },
      );
    let repeated: ReturnType<typeof run> | undefined;
    const first = await send(20, async () => {
      repeated ??= send(0, async () => {});
      await repeated;
      await saga.states.idle();
    });
    const [again, later] = [await repeated!, await send(20, async () => {})];
    expect(first.status).toBe(201);
    expect(again, 'a repeat that does not wait').toMatchObject({
      status: 202,
      body: { text: expect.stringContaining('"pending"') },
      headers: { 'idempotency-replayed': 'true' },
    });
    expect(later, 'a repeat that waits').toMatchObject({
      status: 201,
      body: first.body,
      headers: { 'idempotency-replayed': 'true' },
    });
  });
});

describe('what is stored', () => {
  test("a premium customer's discount is in the answer as it is stored", async () => {
    await saga.owner`update customers.customers set premium = true where id = ${saga.customerId}`;
    const { placed } = await place(newClaim());
    await saga.owner`update customers.customers set premium = false where id = ${saga.customerId}`;
    expect(placed?.discount?.reason).toBe('premium-customer');
    expect(placed?.discount?.amount).toBe(placed!.subtotal.amount - placed!.total.amount);
    expect(await saga.order(placed!.id)).toEqual(placed);
  });

  test('prices and names are copied: a later change of the product leaves the order alone', async () => {
    const { placed } = await place(newClaim());
    await saga.owner`update catalog.products set name = 'Other', price_amount = 1 where id = ${productId}`;
    const order = await saga.order(placed!.id);
    expect(order).toEqual(placed);
    expect(order.lines[0]).toMatchObject({ name: 'Thing', unitPrice: { amount: 1000, currency: 'EUR' } });
  });

  test('a saga that cannot be started leaves the order to the sweeper', async () => {
    const clock = { now: () => Date.now() };
    const keys = { table: 'orders.idempotency_keys' as const, clock, keepSeconds: 48 * 3600 };
    const startPlacing = () => Promise.reject(new Error('Step Functions is away'));
    const { placed, startError } = await placeOrder(
      { sql: saga.api, clock, keys, startPlacing, unpaidLimits, pricing, numberPrefix: 'CF' },
      newClaim(),
      {
        customerId: saga.customerId,
        lines: [{ productId, quantity: 1 }],
        paymentMethod: 'pm_card_visa',
      },
    );
    expect(startError).toBeInstanceOf(Error);
    expect((await saga.order(placed!.id)).status).toBe('pending');
  });
});

test('the time to start the saga counts as waiting, and moving the clock meanwhile changes nothing', async () => {
  const asked = Date.now();
  let now = asked;
  let ahead = 0;
  const clock = { now: () => now + ahead };
  const pass = async (milliseconds: number) => {
    now += milliseconds;
    ahead += 3600_000;
  };
  const answer = await run(
    {
      caller: { kind: 'customer', application: { id: 'app_shop' }, customerId: saga.customerId },
      body: { lines: [{ productId, quantity: 1 }], paymentMethod: 'pm_card_visa' },
      idempotencyKey: newId('request', clock),
      fingerprint: 'waits',
      waitSeconds: 20,
      waitUntil: asked + 20_000,
      meter: { count: () => {} },
      log: { warn: () => {} },
    } as unknown as Parameters<typeof run>[0],
    {
      sql: () => saga.api,
      clock,
      keys: { table: 'orders.idempotency_keys', clock, keepSeconds: 48 * 3600 },
      unpaidLimits,
      pricing,
      numberPrefix: 'CF',
      startPlacing: async () => {
        await pass(9_000);
        throw new Error('no answer');
      },
      stopwatch: { elapsed: () => now },
      sleep: pass,
    },
  );
  expect(answer).toMatchObject({ status: 202, headers: { 'preference-applied': 'wait=20' } });
  expect(now - asked).toBe(20_000);
});

describe('a customer with orders that are not paid', () => {
  const limits = { orders: 3, units: 10 };
  const order = (quantity: number, customerId: string) => {
    const clock = saga.clock;
    const keys = { table: 'orders.idempotency_keys' as const, clock, keepSeconds: 48 * 3600 };
    const deps = {
      sql: saga.api,
      clock,
      keys,
      unpaidLimits: limits,
      pricing,
      numberPrefix: 'CF',
      startPlacing: async () => {},
    };
    const lines = [{ productId, quantity }];
    return placeOrder(
      deps,
      { ...newClaim(), caller: `customer:${customerId}` },
      { customerId, lines, paymentMethod: 'x' },
    );
  };
  const refused = { code: 'too-many-unpaid-orders' };
  const somebody = async () => {
    const id = newId('customer', saga.clock);
    await saga.owner`
      insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
      values (${id}, ${`${id}@example.com`}, 'Somebody', 'x', now(), now())`;
    return id;
  };

  test('places no more of them than are allowed, until one has ended', async () => {
    const customerId = await somebody();
    const placed = [];
    for (let n = 0; n < limits.orders; n++) placed.push(await order(1, customerId));
    await expect(order(1, customerId)).rejects.toMatchObject(refused);
    expect((await order(1, await somebody())).placed, 'somebody else').toBeDefined();
    const cancelled = { orderId: placed[0]!.placed!.id, customerId, confirmedAfter: new Date(0), at: new Date() };
    await inTransaction(saga.cancellations, (tx) => cancelIfPossible(tx, cancelled));
    expect((await order(1, customerId)).placed).toBeDefined();
  });

  test('holds no more units than are allowed, and one order may be as large as any', async () => {
    const customerId = await somebody();
    expect((await order(9, customerId)).placed).toBeDefined();
    await expect(order(2, customerId)).rejects.toMatchObject(refused);
    expect((await order(1, customerId)).placed).toBeDefined();
    expect((await order(limits.units + 1, await somebody())).placed).toBeDefined();
  });
});
