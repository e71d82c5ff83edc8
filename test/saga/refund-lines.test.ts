import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../lib/kernel/ids.ts';
import { changeFulfilment, createFulfilment, shipFulfilment } from '../../lib/shop/fulfilment/fulfilments.ts';
import { receiveReturn, requestReturn } from '../../lib/shop/fulfilment/returns.ts';
import { refundRefused } from '../../lib/shop/payments/gateway.ts';
import { findRefund } from '../../lib/shop/payments/refunds.sql.ts';
import { requestRefund } from '../../lib/shop/payments/refunds.ts';
import { expectInvariants } from '../support/invariants.ts';
import { poolOptions, type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let sql: Saga['api'];
let goods: Saga['api'];
let mug: string;
let pot: string;
beforeAll(async () => {
  saga = await startSaga();
  // Three mugs and a pot cost 105.35, less 10 %: 10.54, of which the mugs bear 4.54.
  [mug, pot] = await Promise.all([saga.product(1000, 1511), saga.product(1000, 6002)]);
  sql = saga.connect('refunds_api', poolOptions);
  goods = saga.connect('fulfilment_api', poolOptions);
});
afterEach(async () => {
  saga.faults.clear();
  await saga.states.idle();
  await expectInvariants(saga);
  expect(await saga.owner`select * from monitor.line_violations`).toHaveLength(0);
});
afterAll(async () => {
  await Promise.all([sql.end(), goods.end()]);
  await saga.stop();
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const goodsClaim = { caller: 'app', key: undefined, operation: 'goods', fingerprint: 'f' };
const goodsDeps = () => ({ sql: goods, clock: saga.clock, keys: keysOf('orders.fulfilment_idempotency_keys') });
/** Packs an order whole, or these lines of it. */
async function pack(orderId: string, only: Pick<Wanted, 'lines'> = {}): Promise<string> {
  const { answer } = await createFulfilment(goodsDeps(), goodsClaim, { orderId, createdBy: 'app', ...only });
  return JSON.parse(answer.body!).id;
}
const ship = async (orderId: string, fulfilmentId: string) => {
  const { startCapturing } = saga;
  await shipFulfilment({ ...goodsDeps(), startCapturing }, goodsClaim, { orderId, fulfilmentId, tracking: {} });
};
const place = async ({ shipped = true } = {}) => {
  const order = await saga.place([
    { productId: mug, quantity: 3 },
    { productId: pot, quantity: 1 },
  ]);
  if (shipped) await ship(order.id, await pack(order.id));
  return order;
};
type Wanted = {
  lines?: { productId: string; quantity: number }[];
  returnId?: string;
  shipping?: boolean;
  amount?: { amount: number; currency: string };
};
const keysOf = (table: 'payments.idempotency_keys' | 'orders.fulfilment_idempotency_keys') => ({
  table,
  clock: saga.clock,
  keepSeconds: 48 * 3600,
});
async function ask(orderId: string, wanted: Wanted) {
  const claim = { caller: 'app', key: newId('request', saga.clock), operation: 'request-refund', fingerprint: 'f' };
  const { refund } = await requestRefund(
    { sql, clock: saga.clock, keys: keysOf('payments.idempotency_keys'), startRefunding: saga.startRefunding },
    claim,
    { orderId, amount: undefined, reason: 'broken', requestedBy: 'app', ...wanted },
  );
  return refund!;
}
const refundedOf = async (orderId: string) => {
  await saga.states.idle();
  return (await saga.order(orderId)).payment!.refunded.amount;
};
const mugs = (quantity: number) => ({ lines: [{ productId: mug, quantity }] });

describe('a refund of lines', () => {
  test('gives back units with their share of the discount, and the whole line to the cent', async () => {
    const order = await place();
    expect(order).toMatchObject({ subtotal: eur(10535), discount: eur(1054), total: eur(9481) });
    expect(order.lines.map(({ discount }) => discount)).toEqual([eur(454), eur(600)]);
    const one = await ask(order.id, mugs(1));
    expect(one).toMatchObject({ amount: eur(1360), shipping: null, returnId: null });
    expect(one.lines).toEqual([{ productId: mug, quantity: 1, amount: eur(1360), discount: eur(151), tax: eur(0) }]);
    expect((await ask(order.id, mugs(2))).amount).toEqual(eur(2719));
    expect((await ask(order.id, { lines: [{ productId: pot, quantity: 1 }] })).amount).toEqual(eur(5402));
    expect(await refundedOf(order.id)).toBe(9481);
    await expect(ask(order.id, mugs(1))).rejects.toMatchObject({ code: 'line-refunded' });
    expect(await findRefund(sql, { orderId: order.id, refundId: one.id })).toMatchObject({
      status: 'succeeded',
      lines: one.lines,
    });
  });

  test('is made once, however many ask for the same units at once', async () => {
    const { id } = await place();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => ask(id, mugs(2))));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of tries) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'line-refunded' });
    }
    expect(await refundedOf(id)).toBe(2719);
  });

  test('that the provider refuses frees its units', async () => {
    const { id } = await place();
    saga.fault('RefundPart', async () => {
      throw refundRefused('disputed');
    });
    await ask(id, mugs(3));
    expect(await refundedOf(id)).toBe(0);
    saga.faults.clear();
    await ask(id, mugs(3));
    expect(await refundedOf(id)).toBe(4079);
  });

  test('goes no further than what an amount has left of the payment', async () => {
    const { id } = await place();
    const claim = { caller: 'app', key: newId('request', saga.clock), operation: 'request-refund', fingerprint: 'f' };
    await requestRefund(
      { sql, clock: saga.clock, keys: keysOf('payments.idempotency_keys'), startRefunding: saga.startRefunding },
      claim,
      { orderId: id, amount: eur(9000), reason: 'late', requestedBy: 'app' },
    );
    await expect(ask(id, mugs(1))).rejects.toMatchObject({ code: 'refund-too-large' });
    expect(await refundedOf(id)).toBe(9000);
  });

  test('of what is not in the order, was not paid or is nobody’s is refused', async () => {
    const { id } = await place({ shipped: false });
    await expect(ask(id, { lines: [{ productId: newId('product', saga.clock), quantity: 1 }] })).rejects.toMatchObject({
      code: 'line-unknown',
    });
    await expect(ask(id, { shipping: true })).rejects.toMatchObject({ code: 'order-not-refundable' });
    await expect(ask(newId('order', saga.clock), mugs(1))).rejects.toMatchObject({ code: 'not-found' });
    await saga.cancel(id);
    await saga.states.idle();
    await expect(ask(id, mugs(1))).rejects.toMatchObject({ code: 'order-not-refundable' });
  });

  test('gives back tax on top of prices and what was paid for shipping, once', async () => {
    const { id } = await saga.place([{ productId: mug, quantity: 3 }], { start: false });
    // 45.33 and tax of 20 % on top, shipping 4.90 and its tax.
    await saga.owner.begin(async (tx) => {
      await tx`update orders.lines set tax = 907, tax_rate = 200000 where order_id = ${id}`;
      await tx`
        update orders.orders set shipping_method = 'standard', shipping_amount = 490, shipping_tax = 98, tax_amount = 1005,
          tax_included = false, total = 4533 + 490 + 1005
        where id = ${id}`;
    });
    await saga.startPlacing({ orderId: id, amount: 6028, currency: 'EUR', paymentMethod: 'pm_card_visa' });
    await saga.states.idle();
    await ship(id, await pack(id));
    const one = await ask(id, mugs(1));
    expect(one.lines).toEqual([{ productId: mug, quantity: 1, amount: eur(1813), discount: eur(0), tax: eur(302) }]);
    const rest = await ask(id, { ...mugs(2), shipping: true });
    expect(rest).toMatchObject({ amount: eur(3627 + 588), shipping: eur(588) });
    await expect(ask(id, { shipping: true })).rejects.toMatchObject({ code: 'line-refunded' });
    expect(await refundedOf(id)).toBe(6028);
  });

  test('is refused by the database when the code adds up too much', async () => {
    const { id } = await place();
    const payment = await saga.owner`select id from payments.payments where order_id = ${id}`;
    const insert = (lines: object[], shipping = 0) => saga.owner`
      insert into payments.refunds (id, payment_id, order_id, status, currency, amount, lines, shipping_amount, reason,
        requested_by, created_at, updated_at)
      values (${newId('refund', saga.clock)}, ${payment[0]!.id}, ${id}, 'requested', 'EUR', 5000,
        ${JSON.stringify(lines)}::text::jsonb, ${shipping}, 'x', 'x', now(), now())`;
    const broken = { constraint_name: 'refund_within_lines' };
    await expect(insert([{ productId: mug, quantity: 4, amount: 1 }])).rejects.toMatchObject(broken);
    await expect(insert([{ productId: mug, quantity: 1, amount: 4080 }])).rejects.toMatchObject(broken);
    await expect(insert([], 1)).rejects.toMatchObject(broken);
  });
});

describe('a refund of all that was paid', () => {
  test('leaves nothing to pack or to ship', async () => {
    const { id } = await place({ shipped: false });
    await ask(id, { amount: eur(9480) });
    const parcel = await pack(id, mugs(1));
    await ask(id, {});
    const refused = { code: 'order-paid-back' };
    await expect(ship(id, parcel)).rejects.toMatchObject(refused);
    await expect(pack(id)).rejects.toMatchObject(refused);
    expect(await refundedOf(id)).toBe(9481);
    await expect(ship(id, parcel)).rejects.toMatchObject(refused);
    expect(
      await saga.owner`select fulfilled, shipped from orders.lines where order_id = ${id} order by position`,
    ).toEqual([
      { fulfilled: 1, shipped: 0 },
      { fulfilled: 0, shipped: 0 },
    ]);
  });

  test('that the provider refuses lets what is left ship', async () => {
    const { id } = await place({ shipped: false });
    saga.fault('RefundPart', async () => {
      throw refundRefused('disputed');
    });
    await ask(id, {});
    expect(await refundedOf(id)).toBe(0);
    await ship(id, await pack(id));
  });

  test('of an order that has shipped changes nothing about its goods', async () => {
    const { id } = await place({ shipped: false });
    const parcels = [await pack(id, mugs(3)), await pack(id)];
    for (const parcel of parcels) await ship(id, parcel);
    await ask(id, {});
    expect(await refundedOf(id)).toBe(9481);
    await changeFulfilment(goodsDeps(), goodsClaim, { orderId: id, fulfilmentId: parcels[0]!, to: 'delivered' });
  });
});

describe('a refund of a return', () => {
  async function returned(arrived: { restock: number; writeOff: number } | undefined) {
    const { id: orderId } = await place();
    const deps = { sql: goods, clock: saga.clock, keys: keysOf('orders.fulfilment_idempotency_keys') };
    const claim = goodsClaim;
    const idOf = ({ answer }: { answer: { body: string | undefined } }): string => JSON.parse(answer.body!).id;
    const lines = [{ productId: mug, quantity: 2, reason: 'unwanted' as const }];
    const request = { of: { orderId, customerId: saga.customerId }, lines, requestedBy: 'customer' };
    const returnId = idOf(await requestReturn(deps, claim, request));
    if (arrived !== undefined) {
      await receiveReturn(deps, claim, { orderId, returnId, lines: [{ productId: mug, ...arrived }] });
    }
    return { orderId, returnId };
  }

  test('gives back what arrived, once, however many ask at once', async () => {
    const { orderId, returnId } = await returned({ restock: 1, writeOff: 0 });
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => ask(orderId, { returnId })));
    const made = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(made).toHaveLength(1);
    expect(made[0]).toMatchObject({ returnId, amount: eur(1360), lines: [{ productId: mug, quantity: 1 }] });
    await expect(ask(orderId, { returnId })).rejects.toMatchObject({ code: 'return-refunded' });
    expect(await refundedOf(orderId)).toBe(1360);
  });

  test('waits until the goods arrive, and is of the same order', async () => {
    const { orderId, returnId } = await returned(undefined);
    await expect(ask(orderId, { returnId })).rejects.toMatchObject({ code: 'return-status' });
    const other = await place();
    await expect(ask(other.id, { returnId })).rejects.toMatchObject({ code: 'not-found' });
  });
});
