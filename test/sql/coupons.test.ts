import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import type { Sql } from '../../lib/platform/sql.ts';
import { placeOrder } from '../../lib/shop/orders/place.ts';
import { explainCouponLimit } from '../../lib/shop/pricing/coupon-uses.sql.ts';
import { allCharges, brokenInvariants } from '../support/provider-transactions.ts';
import { pricing, type Saga, startSaga, unpaidLimits } from '../support/saga.ts';

let saga: Saga;
let productId: string;
beforeAll(async () => {
  saga = await startSaga();
  productId = await saga.product(100_000);
});
afterAll(() => saga.stop());

let code: string;
let counter = 0;
beforeEach(() => {
  code = `SPRING-${++counter}`;
});

const addCoupon = (limits: { usageLimit?: number; customerLimit?: number } = {}) => saga.owner`
  insert into pricing.coupons (code, kind, percent, usage_limit, customer_limit, created_at, updated_at)
  values (${code}, 'percent', 20, ${limits.usageLimit ?? null}, ${limits.customerLimit ?? null}, now(), now())`;

async function addCustomer(): Promise<string> {
  const id = newId('customer', saga.clock);
  await saga.owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at)
    values (${id}, ${`${id}@example.com`}, 'Buyer', 'none', now(), now())`;
  return id;
}

async function order({
  customerId = saga.customerId,
  key = newId('request', saga.clock),
  product = productId,
  paymentMethod = 'pm_card_visa',
  start = false,
}: {
  customerId?: string | null;
  key?: string;
  product?: string;
  paymentMethod?: string;
  start?: boolean;
} = {}) {
  const claim = { caller: `customer:${customerId}`, key, operation: 'place-order', fingerprint: 'f' };
  const startPlacing = start ? saga.startPlacing : async () => {};
  const deps = {
    sql: saga.api,
    keys: saga.keys,
    clock: saga.clock,
    startPlacing,
    unpaidLimits,
    pricing,
    numberPrefix: 'CF',
  };
  const request = {
    ...{ customerId, lines: [{ productId: product, quantity: 1 }], paymentMethod, couponCode: code },
    ...(customerId === null ? { contact: { email: 'guest@example.com' } } : {}),
  };
  const { placed } = await placeOrder(deps, claim, request);
  await saga.states.idle();
  return placed;
}

const counts = async () => {
  const [row] = await saga.owner`
    select used, (select count(*)::integer from pricing.coupon_uses u where u.code = c.code) as uses,
      (select coalesce(sum(k.uses), 0)::integer from pricing.coupon_customers k where k.code = c.code) as of_customers
    from pricing.coupons c where code = ${code}`;
  return [row!.used, row!.uses, row!.ofCustomers];
};

/** How many of the attempts succeeded; every other was refused because the coupon is used up. */
async function succeeded(attempts: Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(attempts);
  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'coupon-used-up' });
  return outcomes.length - refusals.length;
}

test('an order counts one use of its coupon; its repeat counts none', async () => {
  await addCoupon();
  const key = newId('request', saga.clock);
  expect(await order({ key })).toMatchObject({
    couponCode: code,
    discount: { reason: 'coupon' },
    total: { amount: 800 },
  });
  expect(await order({ key })).toBeUndefined();
  expect(await counts()).toEqual([1, 1, 1]);
});

test('an order of a guest counts as a use, and as that of no customer', async () => {
  await addCoupon({ usageLimit: 1 });
  await order({ customerId: null });
  expect(await counts()).toEqual([1, 1, 0]);
});

test('a limit of each customer that was raised holds for who has used the coupon too', async () => {
  await addCoupon({ customerLimit: 1 });
  await order();
  await expect(order()).rejects.toMatchObject({ code: 'coupon-used-up' });
  await saga.owner`update pricing.coupons set customer_limit = 2 where code = ${code}`;
  await order();
  await expect(order()).rejects.toMatchObject({ code: 'coupon-used-up' });
  expect(await counts()).toEqual([2, 2, 2]);
});

test('what refuses an order for another reason is not taken for a limit, and a limit is named', () => {
  const explain = explainCouponLimit({ couponCode: 'SPRING' });
  const refused = (constraint_name: string) => () => explain(Object.assign(new Error('refused'), { constraint_name }));
  expect(refused('order_totals_add_up')).toThrow('refused');
  expect(() => explain(new Error('broken'))).toThrow('broken');
  expect(() => explain({ constraint_name: 'coupon_within_limit' })).not.toThrow('SPRING');
  expect(refused('coupon_within_limit')).toThrow('The coupon SPRING is used up.');
  expect(refused('coupon_within_customer_limit')).toThrow('You have used the coupon SPRING as often as you can.');
});

describe('orders at the same moment', () => {
  test('use a coupon exactly as often as it may be used', async () => {
    await addCoupon({ usageLimit: 5 });
    const customers = await Promise.all([...Array(8)].map(addCustomer));
    const attempts = customers.flatMap((customerId) => [order({ customerId }), order({ customerId })]);
    expect(await succeeded(attempts)).toBe(5);
    expect(await counts()).toEqual([5, 5, 5]);
  });

  test('of one customer use it exactly as often as each may', async () => {
    await addCoupon({ customerLimit: 2 });
    const other = await addCustomer();
    expect(await succeeded([...Array(8)].map(() => order()))).toBe(2);
    expect(await succeeded([order({ customerId: other }), order({ customerId: other })])).toBe(2);
    expect(await counts()).toEqual([4, 4, 4]);
  });

  test('with one key count once', async () => {
    await addCoupon({ usageLimit: 1 });
    const key = newId('request', saga.clock);
    const outcomes = await Promise.allSettled([...Array(6)].map(() => order({ key })));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(refused.every((reason) => reason === 'request-in-flight' || reason === 'coupon-used-up')).toBe(true);
    expect(await counts()).toEqual([1, 1, 1]);
  });
});

test('a refused order changes nothing, and its key can be used again', async () => {
  await addCoupon({ usageLimit: 1 });
  const key = newId('request', saga.clock);
  // It was priced while the coupon could be used: the other order comes between.
  const [{ orders: before }] = await saga.owner<[{ orders: string }]>`select count(*) as orders from orders.orders`;
  expect(await succeeded([order(), order({ key }), order()])).toBe(1);
  await saga.owner`update pricing.coupons set usage_limit = 2 where code = ${code}`;
  await order({ key }).catch(() => {});
  const [{ orders: after }] = await saga.owner<[{ orders: string }]>`select count(*) as orders from orders.orders`;
  expect(Number(after) - Number(before)).toBe((await counts())[0]);
});

describe('the use of a coupon is given back', () => {
  test.each(['pm_card_chargeDeclined', 'pm_card_visa'])('when the order fails (%s)', async (paymentMethod) => {
    await addCoupon({ usageLimit: 1, customerLimit: 1 });
    const product = paymentMethod === 'pm_card_visa' ? await saga.product(0) : productId;
    const placed = await order({ paymentMethod, product, start: true });
    expect((await saga.order(placed!.id)).status).toBe('failed');
    expect(await counts()).toEqual([0, 0, 0]);
    expect(await order({ start: true })).toBeDefined();
    expect(await counts()).toEqual([1, 1, 1]);
  });

  test('when the order is cancelled, under way or confirmed, and not before', async () => {
    await addCoupon({ usageLimit: 1 });
    const confirmed = await order({ start: true });
    expect((await saga.order(confirmed!.id)).status).toBe('confirmed');
    expect(await counts()).toEqual([1, 1, 1]);
    await saga.cancel(confirmed!.id, 3600, { start: false });
    expect(await counts()).toEqual([1, 1, 1]);
    await expect(order()).rejects.toMatchObject({ code: 'coupon-used-up' });
    const other = code;
    code = `${code}-B`;
    await addCoupon({ usageLimit: 1 });
    const second = await order({ start: true });
    await saga.cancel(second!.id);
    await saga.states.idle();
    expect(await saga.order(second!.id)).toMatchObject({ status: 'cancelled', couponCode: code });
    expect(await counts()).toEqual([0, 0, 0]);
    code = other;
    expect(await counts()).toEqual([1, 1, 1]);
  });

  test('of this order alone', async () => {
    await addCoupon();
    const other = code;
    await order();
    code = `${code}-B`;
    await addCoupon();
    await order({ customerId: await addCustomer() });
    const failing = await order({ paymentMethod: 'pm_card_chargeDeclined', start: true });
    expect((await saga.order(failing!.id)).status).toBe('failed');
    expect(await counts()).toEqual([1, 1, 1]);
    code = other;
    expect(await counts()).toEqual([1, 1, 1]);
    const broken = await brokenInvariants(saga.owner as unknown as Sql, await allCharges(saga.dynamo.documents));
    expect(broken.filter((sentence) => sentence.startsWith('coupon'))).toEqual([]);
  });
});

describe('the database refuses', () => {
  const ending = async (change: (id: string) => Promise<unknown>) => {
    await addCoupon();
    const placed = await order();
    return change(placed!.id);
  };

  test('an order that fails with its use kept', async () => {
    await expect(
      ending(
        (id) => saga.owner`
        update orders.orders set status = 'failed', failure_code = 'x', failure_detail = 'x' where id = ${id}`,
      ),
    ).rejects.toMatchObject({ constraint_name: 'compensated_order_gave_coupon_back' });
  });

  test('an order that is confirmed without its use', async () => {
    await expect(
      ending(async (id) => {
        await saga.owner`delete from pricing.coupon_uses where order_id = ${id}`;
        await saga.startPlacing({ orderId: id, amount: 800, currency: 'EUR', paymentMethod: 'pm_card_visa' });
        await saga.states.idle();
        expect((await saga.order(id)).status).not.toBe('confirmed');
        await saga.owner`update pricing.coupons set used = -1 where code = ${code}`;
      }),
    ).rejects.toMatchObject({ constraint_name: 'coupon_within_limit' });
  });

  test.each([
    ['a percentage of nothing', { kind: 'percent' }, 'coupon_has_its_value'],
    ['an amount without a currency', { kind: 'amount', amount: 1 }, 'coupon_has_its_value'],
    ['a percentage for free shipping', { kind: 'free-shipping', percent: 1 }, 'coupon_has_its_value'],
    ['more than everything', { kind: 'percent', percent: 101 }, 'coupons_percent_check'],
    ['an amount of nothing', { kind: 'amount', amount: 0, currency: 'EUR' }, 'coupons_amount_check'],
    ['more uses than its limit', { kind: 'free-shipping', usage_limit: 1, used: 2 }, 'coupon_within_limit'],
    [
      'an end before its beginning',
      { kind: 'free-shipping', valid_from: new Date(1), valid_to: new Date(0) },
      'coupon_begins_before_it_ends',
    ],
  ])('a coupon of %s', async (_what, values, constraint) => {
    const row = { code, created_at: new Date(), updated_at: new Date(), ...values };
    await expect(saga.owner`insert into pricing.coupons ${saga.owner(row as never)}`).rejects.toMatchObject({
      constraint_name: constraint,
    });
  });

  test('more uses of a customer than there may be, or fewer than none', async () => {
    await addCoupon();
    const insert = (uses: number) => saga.owner`
      insert into pricing.coupon_customers (code, customer_id, uses, at_most) values (${code}, ${saga.customerId}, ${uses}, 2)`;
    for (const uses of [3, -1]) {
      await expect(insert(uses)).rejects.toMatchObject({ constraint_name: 'coupon_within_customer_limit' });
    }
  });
});

test('a coupon whose counts differ from its orders is a violation', async () => {
  await addCoupon({ usageLimit: 9 });
  await order();
  const violations = () => saga.owner`select code from monitor.coupon_violations where code = ${code}`;
  expect(await violations()).toEqual([]);
  await saga.owner`update pricing.coupons set used = 2 where code = ${code}`;
  expect(await violations()).toHaveLength(1);
  await saga.owner`update pricing.coupons set used = 1 where code = ${code}`;
  await saga.owner`update pricing.coupon_customers set uses = 2 where code = ${code}`;
  expect(await violations()).toHaveLength(1);
});
