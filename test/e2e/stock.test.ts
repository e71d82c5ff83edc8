import { inject, test } from 'vitest';
import { refused, succeed } from './client.ts';
import { basket, ledgerOf, levelOf, moveStock, newBuyer, newProduct, order, unique, updateProduct } from './shop.ts';

const { appKey } = inject('target');
const token = appKey;

test('stock goes in and out, and the ledger adds up to the level', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  expect(await ledgerOf(id)).toMatchObject({ movements: [], level: { onHand: 0, reserved: 0, available: 0 } });
  const first = await moveStock(id, 10);
  expect(first.body).toMatchObject({ productId: id, kind: 'adjustment', quantity: 10, reserved: 0, orderId: null });
  expect(first.body.level).toMatchObject({ onHand: 10, reserved: 0, available: 10 });
  await moveStock(id, -3);
  const { movements, level } = await ledgerOf(id);
  expect(movements.map(({ quantity }) => quantity)).toEqual([-3, 10]);
  expect(level).toMatchObject({ onHand: 7, reserved: 0, available: 7 });
});

test('no more can go out than is there', async ({ expect }) => {
  const { id } = await newProduct({ stock: 5 });
  const out = { token, path: { productId: id }, body: { quantity: -6, reason: 'lost' } };
  await refused('create-stock-movement', 409, 'stock-reserved', out);
  expect(await levelOf(id)).toMatchObject({ onHand: 5, reserved: 0, available: 5 });
});

test('a repeated movement under one key moves once', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  const key = unique('key');
  const first = await moveStock(id, 4, { key });
  const again = await moveStock(id, 4, { key });
  expect(again.text).toBe(first.text);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect((await levelOf(id)).onHand).toBe(4);
});

test('movements made at once are all counted', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  await Promise.all(Array.from({ length: 12 }, (_, i) => moveStock(id, i + 1)));
  const { movements, level } = await ledgerOf(id);
  expect(movements).toHaveLength(12);
  expect(level.onHand).toBe(78);
});

test('a sale stands in the ledger: reserved first, then committed, with its order', async ({ expect }) => {
  const [buyer, { id }] = await Promise.all([newBuyer(), newProduct({ stock: 10 })]);
  const sold = await order(buyer, { ...basket(), lines: [{ productId: id, quantity: 3 }] });
  expect(sold.status).toBe('confirmed');
  const { movements, level } = await ledgerOf(id);
  expect(movements.map(({ kind, quantity, reserved, orderId }) => ({ kind, quantity, reserved, orderId }))).toEqual([
    { kind: 'commitment', quantity: -3, reserved: -3, orderId: sold.id },
    { kind: 'reservation', quantity: 0, reserved: 3, orderId: sold.id },
    { kind: 'adjustment', quantity: 10, reserved: 0, orderId: null },
  ]);
  expect(level).toMatchObject({ onHand: 7, reserved: 0, available: 7 });
});

test('pages of one lead through the whole ledger', async ({ expect }) => {
  const { id } = await newProduct({ stock: 0 });
  for (const quantity of [1, 2, 3]) await moveStock(id, quantity);
  const seen: number[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string | number> = { limit: 1, ...(cursor === null ? {} : { cursor }) };
    const { body } = await succeed('list-stock-movements', 200, { token, path: { productId: id }, query });
    expect(body.hasMore).toBe(body.nextCursor !== null);
    expect(body.level.onHand).toBe(6);
    seen.push(...body.data.map(({ quantity }) => quantity));
    cursor = body.nextCursor;
  } while (cursor !== null);
  expect(seen).toEqual([3, 2, 1]);
});

test('a product that is off sale keeps its ledger', async ({ expect }) => {
  const { id } = await newProduct({ stock: 2 });
  await updateProduct(id, { active: false });
  expect((await moveStock(id, 1)).body.level.onHand).toBe(3);
});
