import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { refused, succeed } from './client.ts';
import { type Buyer, getOrder, ledgerOf, newBuyer, newProduct, order, timelineOf, unique } from './shop.ts';

const { appKey } = inject('target');
let buyer: Buyer;
let mug: Product;
let pot: Product;

beforeAll(async () => {
  [buyer, mug, pot] = await Promise.all([newBuyer(), newProduct({ amount: 1511 }), newProduct({ amount: 6002 })]);
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const units = (product: Product, quantity: number) => ({ productId: product.id, quantity });
/** Three mugs and a pot: 105.35, less 10 %. */
const paid = (): Promise<Order> =>
  order(buyer, { lines: [units(mug, 3), units(pot, 1)], paymentMethod: 'pm_card_visa' });
const asApp = { token: appKey };
const pack = async (orderId: string, body: object) =>
  (await succeed('create-fulfilment', 201, { ...asApp, path: { orderId }, key: unique('pack'), body })).body;
const ship = async (orderId: string, fulfilmentId: string, body: object = {}) =>
  (await succeed('ship-fulfilment', 200, { ...asApp, path: { orderId, fulfilmentId }, body })).body;
const askBack = async (orderId: string, quantity: number) =>
  (
    await succeed('request-return', 201, {
      token: buyer.token,
      path: { orderId },
      key: unique('return'),
      body: { lines: [{ ...units(mug, quantity), reason: 'damaged' }] },
    })
  ).body;

describe('an order', () => {
  test('ships in two parcels, a mug comes back and is refunded, and the order reads right to the cent', async ({
    expect,
  }) => {
    const { id, total } = await paid();
    expect(total).toEqual(eur(9481));
    const first = await pack(id, { lines: [units(mug, 2)], carrier: 'DHL' });
    expect(await ship(id, first.id, { trackingNumber: '0034' })).toMatchObject({
      status: 'shipped',
      fulfilmentStatus: 'partially_fulfilled',
      carrier: 'DHL',
      trackingNumber: '0034',
    });
    const rest = await pack(id, {});
    expect(rest.lines).toEqual([units(mug, 1), units(pot, 1)]);
    await ship(id, rest.id);
    await refused('cancel-order', 409, 'order-shipped', { token: buyer.token, path: { orderId: id } });
    await succeed('deliver-fulfilment', 200, { ...asApp, path: { orderId: id, fulfilmentId: first.id } });

    const { id: returnId } = await askBack(id, 1);
    const { body: received } = await succeed('receive-return', 200, {
      ...asApp,
      path: { orderId: id, returnId },
      key: unique('receive'),
      body: { lines: [{ productId: mug.id, restock: 1 }] },
    });
    expect(received).toMatchObject({ status: 'received', lines: [{ restocked: 1, writtenOff: 0 }] });
    expect((await ledgerOf(mug.id)).movements[0]).toMatchObject({ kind: 'restock', quantity: 1, orderId: id });

    const refund = { ...asApp, path: { orderId: id }, wait: 20, body: { reason: 'damaged', returnId } };
    const { body: given } = await succeed('request-refund', 201, { ...refund, key: unique('refund') });
    // A third of 45.33, less a third of the mugs' share of the discount, 4.54.
    expect(given).toMatchObject({
      status: 'succeeded',
      amount: eur(1360),
      returnId,
      lines: [{ ...units(mug, 1), amount: eur(1360), discount: eur(151), tax: eur(0) }],
    });
    await refused('request-refund', 409, 'return-refunded', { ...refund, key: unique('refund') });
    const read = await getOrder(buyer, id);
    expect(read).toMatchObject({
      status: 'confirmed',
      fulfilmentStatus: 'fulfilled',
      total: eur(9481),
      payment: { status: 'captured', refunded: eur(1360) },
    });
    expect(read.lines).toMatchObject([
      { quantity: 3, fulfilled: 3, shipped: 3, delivered: 2, returned: 1 },
      { quantity: 1, fulfilled: 1, shipped: 1, delivered: 0, returned: 0 },
    ]);
    expect((await timelineOf(buyer, id)).slice(-8)).toEqual([
      'fulfilment-created',
      'order-shipped',
      'fulfilment-created',
      'order-shipped',
      'order-delivered',
      'return-requested',
      'return-received',
      'payment-refunded',
    ]);
    const body = { reason: 'goodwill', lines: [units(mug, 2), units(pot, 1)] };
    await succeed('request-refund', 201, { ...refund, body, key: unique('refund') });
    expect((await getOrder(buyer, id)).payment!.refunded).toEqual(eur(9481));
    await refused('request-refund', 409, 'line-refunded', {
      ...refund,
      body: { reason: 'again', lines: [units(mug, 1)] },
      key: unique('refund'),
    });
  });

  test('of which a parcel shipped has its rest cancelled, back on the shelf and refunded to the cent', async ({
    expect,
  }) => {
    const { id } = await paid();
    await ship(id, (await pack(id, { lines: [units(mug, 2)] })).id);
    const packed = await pack(id, {});
    const path = { orderId: id };
    const lines = [units(mug, 1)];
    const { onHand } = (await ledgerOf(pot.id)).level;
    const key = unique('cancel');
    const asCustomer = { token: buyer.token, path, key };
    const { body: part } = await succeed('cancel-order', 200, { ...asCustomer, body: { lines } });
    expect(part).toMatchObject({ status: 'confirmed', fulfilmentStatus: 'partially_fulfilled' });
    expect((await succeed('cancel-order', 200, { ...asCustomer, body: { lines } })).body).toEqual(part);
    const { body: rest } = await succeed('cancel-order', 200, { ...asApp, path });
    expect(rest).toMatchObject({
      status: 'confirmed',
      fulfilmentStatus: 'fulfilled',
      lines: [
        { quantity: 3, fulfilled: 2, shipped: 2, cancelled: 1 },
        { quantity: 1, fulfilled: 0, shipped: 0, cancelled: 1 },
      ],
    });
    const { movements, level } = await ledgerOf(pot.id);
    expect(movements[0]).toMatchObject({ kind: 'cancellation', quantity: 1, orderId: id });
    expect(level.onHand).toBe(onHand + 1);
    while ((await getOrder(buyer, id)).payment!.refunded.amount !== 1360 + 5402) await sleep(50);
    expect(await timelineOf(buyer, id)).toEqual(expect.arrayContaining(['units-cancelled', 'fulfilment-cancelled']));
    const parcel = { ...path, fulfilmentId: packed.id };
    await refused('ship-fulfilment', 409, 'fulfilment-status', { ...asApp, path: parcel, body: {} });
    await refused('create-fulfilment', 409, 'fulfilment-too-large', { ...asApp, path, key: unique('pack'), body: {} });
  });

  test('shows its customer and the shop its parcels and returns, and nobody else', async ({ expect }) => {
    const { id } = await paid();
    const parcel = await pack(id, {});
    await ship(id, parcel.id);
    const request = await askBack(id, 1);
    const path = { orderId: id };
    for (const token of [appKey, buyer.token]) {
      const { body: parcels } = await succeed('list-fulfilments', 200, { token, path });
      expect(parcels.data.map(({ id: each, status }) => [each, status])).toEqual([[parcel.id, 'shipped']]);
      const one = { token, path: { ...path, fulfilmentId: parcel.id } };
      expect((await succeed('get-fulfilment', 200, one)).body).toEqual(parcels.data[0]);
      expect((await succeed('list-returns', 200, { token, path })).body.data).toEqual([request]);
      const theReturn = { token, path: { ...path, returnId: request.id } };
      expect((await succeed('get-return', 200, theReturn)).body).toEqual(request);
    }
    const { token } = await newBuyer();
    await refused('list-fulfilments', 404, 'not-found', { token, path });
    await refused('get-fulfilment', 404, 'not-found', { token, path: { ...path, fulfilmentId: parcel.id } });
    await refused('list-returns', 404, 'not-found', { token, path });
    await refused('get-return', 404, 'not-found', { token, path: { ...path, returnId: request.id } });
    await refused('create-fulfilment', 401, 'unauthenticated', { token, path, key: unique('pack'), body: {} });
  });
});

describe('bad input', () => {
  test('of fulfilments gets its own problem and changes nothing', async ({ expect }) => {
    const { id } = await paid();
    const packing = (body: object, key = unique('pack')) => ({ ...asApp, path: { orderId: id }, key, body });
    await refused('create-fulfilment', 409, 'fulfilment-too-large', packing({ lines: [units(mug, 4)] }));
    const stranger = { lines: [{ productId: 'prd_0198c6b2f1d07a3e9c54d2a1b7e60f38', quantity: 1 }] };
    await refused('create-fulfilment', 422, 'line-unknown', packing(stranger));
    await refused('create-fulfilment', 400, 'invalid-input', packing({ trackingUrl: 'javascript:alert(1)' }));
    const { key, ...keyless } = packing({});
    await refused('create-fulfilment', 400, 'idempotency-key-missing', keyless);
    const parcel = await pack(id, { lines: [units(pot, 1)] });
    const path = { orderId: id, fulfilmentId: parcel.id };
    await refused('deliver-fulfilment', 409, 'fulfilment-status', { ...asApp, path });
    await succeed('cancel-fulfilment', 200, { ...asApp, path });
    await refused('ship-fulfilment', 409, 'fulfilment-status', { ...asApp, path, body: {} });
    expect(await getOrder(buyer, id)).toMatchObject({
      fulfilmentStatus: 'unfulfilled',
      lines: [{ fulfilled: 0 }, { fulfilled: 0 }],
    });
  });

  test('of cancellations gets its own problem and changes nothing', async ({ expect }) => {
    const { id, lines } = await paid();
    const cancelling = (body: object) => ({ token: buyer.token, path: { orderId: id }, body });
    await refused('cancel-order', 409, 'cancellation-too-large', cancelling({ lines: [units(mug, 4)] }));
    const stranger = { lines: [{ productId: 'prd_0198c6b2f1d07a3e9c54d2a1b7e60f38', quantity: 1 }] };
    await refused('cancel-order', 422, 'line-unknown', cancelling(stranger));
    await refused('cancel-order', 400, 'invalid-input', cancelling({ lines: [] }));
    await refused('cancel-order', 400, 'invalid-input', cancelling({ reason: 'x' }));
    const unshipped = { lines: [units(mug, 1)], reason: 'x' };
    const refund = { ...asApp, path: { orderId: id }, key: unique('refund'), body: unshipped };
    await refused('request-refund', 409, 'line-not-shipped', refund);
    expect(await getOrder(buyer, id)).toMatchObject({ status: 'confirmed', lines });
  });

  test('of returns and of refunds by line gets its own problem and changes nothing', async ({ expect }) => {
    const { id } = await paid();
    const path = { orderId: id };
    const asking = (quantity: number) => ({
      token: buyer.token,
      path,
      key: unique('return'),
      body: { lines: [{ ...units(mug, quantity), reason: 'unwanted' }] },
    });
    await refused('request-return', 409, 'return-too-large', asking(1));
    await ship(id, (await pack(id, { lines: [units(mug, 1)] })).id);
    await refused('request-return', 409, 'return-too-large', asking(2));
    const { body: request } = await succeed('request-return', 201, asking(1));
    const of = { ...asApp, path: { ...path, returnId: request.id } };
    const arrived = { lines: [{ productId: mug.id, restock: 2 }] };
    await refused('receive-return', 409, 'return-too-large', { ...of, key: unique('receive'), body: arrived });
    const refund = (body: object) => ({ ...asApp, path, key: unique('refund'), body: { reason: 'x', ...body } });
    await refused('request-refund', 409, 'return-status', refund({ returnId: request.id }));
    const both = { returnId: request.id, lines: [units(mug, 1)] };
    await refused('request-refund', 400, 'invalid-input', refund(both));
    await refused('request-refund', 409, 'line-refunded', refund({ lines: [units(mug, 4)] }));
    await succeed('reject-return', 200, { ...of, body: { reason: 'worn' } });
    await refused('reject-return', 409, 'return-status', { ...of, body: { reason: 'worn' } });
    expect(await getOrder(buyer, id)).toMatchObject({ lines: [{ shipped: 1, returned: 0 }, {}] });
  });
});
