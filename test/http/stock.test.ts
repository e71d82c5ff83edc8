import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createStockMovement, listStockMovements } from '../../lib/contract/api/stock.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let catalogue: string;
let token: string;
let productId: string;
let count = 0;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  [catalogue, token] = await Promise.all([
    handlers.appKey('catalog:write'),
    handlers.appKey('stock:read', 'stock:write'),
  ]);
});
afterAll(() => handlers?.close());
beforeEach(async () => {
  productId = await addProduct();
});

async function addProduct(): Promise<string> {
  const body = { sku: `SKU-${++count}`, name: 'Mug', price: { amount: 1999, currency: 'EUR' } };
  return (await handlers.call('create-product', { token: catalogue, body })).body.id;
}
const move = (quantity: number, headers: Record<string, string> = {}, id = productId) =>
  handlers.call('create-stock-movement', {
    token,
    parameters: { productId: id },
    body: { quantity, reason: 'delivery 17' },
    headers,
  });
const ledger = (query: Record<string, string> = {}, id = productId) =>
  handlers.call('list-stock-movements', { token, parameters: { productId: id }, query });

describe('POST /products/{productId}/stock-movements', () => {
  test('returns 201 with the movement and the level after it', async () => {
    const { status, headers, body } = await move(10);
    expect(status).toBe(201);
    expect(headers.location).toBe(`/products/${productId}/stock-movements`);
    expect(body).toMatchObject({
      productId,
      kind: 'adjustment',
      quantity: 10,
      reason: 'delivery 17',
      orderId: null,
      level: { onHand: 10, reserved: 0, available: 10, lowStockAt: 5 },
    });
    expect(z.parse(createStockMovement.responses[201], body)).toEqual(body);
    expect((await move(-3)).body.level).toEqual({ onHand: 7, reserved: 0, available: 7, lowStockAt: 5 });
  });

  test('repeated with its key moves once, and returns the first level', async () => {
    const key = { 'Idempotency-Key': 'delivery-17' };
    const first = await move(10, key);
    await move(5);
    const again = await move(10, key);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([201, first.text, 'true']);
    expect((await ledger()).body.level.onHand).toBe(15);
    expect(await move(11, key)).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect(await move(10, key, await addProduct())).toMatchObject({ status: 422 });
  });

  test('below the available stock returns 409 with the numbers, and moves nothing', async () => {
    await move(10);
    const answer = await move(-11);
    expect(answer).toMatchObject({ status: 409, body: { code: 'stock-reserved', errors: [{ pointer: '/quantity' }] } });
    expect(answer.body.detail).toBe('10 on hand, 0 of them reserved: a movement of -11 is not possible.');
    expect((await ledger()).body).toMatchObject({ data: [{ quantity: 10 }], level: { onHand: 10 } });
  });

  test('of an unknown product is 404', async () => {
    expect(await move(1, {}, `prd_${'0'.repeat(32)}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });

  test('needs the scope for stock', async () => {
    const call = { parameters: { productId }, body: { quantity: 1, reason: 'x' } };
    expect((await handlers.call('create-stock-movement', { ...call, token: catalogue })).status).toBe(403);
    expect((await handlers.call('create-stock-movement', call)).status).toBe(401);
    expect((await handlers.call('list-stock-movements', { parameters: { productId }, token: catalogue })).status).toBe(
      403,
    );
    expect((await ledger()).body.data).toEqual([]);
  });
});

describe('GET /products/{productId}/stock-movements', () => {
  test('pages from the newest to the oldest, with the level on each page', async () => {
    for (const quantity of [1, 2, 3]) await move(quantity);
    const first = await ledger({ limit: '2' });
    expect(z.parse(listStockMovements.responses[200], first.body)).toEqual(first.body);
    expect(first.body).toMatchObject({ data: [{ quantity: 3 }, { quantity: 2 }], hasMore: true, level: { onHand: 6 } });
    const second = await ledger({ limit: '2', cursor: first.body.nextCursor });
    expect(second.body).toMatchObject({
      data: [{ quantity: 1 }],
      hasMore: false,
      nextCursor: null,
      level: { onHand: 6 },
    });
  });

  test('of a product without movements is empty', async () => {
    expect((await ledger()).body).toEqual({
      data: [],
      hasMore: false,
      nextCursor: null,
      level: { onHand: 0, reserved: 0, available: 0, lowStockAt: 5 },
    });
  });

  test('of an unknown product is 404', async () => {
    expect(await ledger({}, `prd_${'0'.repeat(32)}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});
