import { beforeAll, describe, inject, test } from 'vitest';
import type { Product } from '../../lib/contract/api/catalog.ts';
import { refused, succeed } from './client.ts';
import { type Buyer, basket, ledgerOf, levelOf, newBuyer, newProduct, order, timelineOf, unique } from './shop.ts';

/*
 * The payment methods are those of the simulated provider: pm_card_visa, pm_card_chargeDeclined,
 * pm_card_insufficientFunds, pm_timeoutOnce (charges and loses its answer) and pm_timeoutAlways (never answers).
 */
const { short } = inject('target');
let buyer: Buyer;
let product: Product;

beforeAll(async () => {
  [buyer, product] = await Promise.all([newBuyer(), newProduct()]);
});

const paying = (paymentMethod: string, { id } = product) => ({ ...basket({ id }), paymentMethod });

describe.each([
  ['pm_card_chargeDeclined', 'card_declined'],
  ['pm_card_insufficientFunds', 'insufficient_funds'],
  ['pm_nobodyKnowsThis', 'payment_method_invalid'],
])('%s', (paymentMethod, reason) => {
  test('the order fails, says why, keeps no money and gives the stock back', async ({ expect }) => {
    const sold = await newProduct({ stock: 3 });
    const failed = await order(buyer, paying(paymentMethod, sold));
    expect(failed).toMatchObject({ status: 'failed', payment: null, failure: { code: 'payment-declined' } });
    expect(failed.failure?.detail).toContain(reason);
    expect(await levelOf(sold.id)).toMatchObject({ onHand: 3, reserved: 0, available: 3 });
    expect(await timelineOf(buyer, failed.id)).toEqual([
      'order-placed',
      'stock-reserved',
      'status-changed reserved',
      'stock-released',
      'status-changed failed',
    ]);
  });
});

test('out of stock: the order fails, names the product, charges nothing and holds nothing of the others', async ({
  expect,
}) => {
  const [scarce, plenty] = await Promise.all([newProduct({ stock: 1 }), newProduct({ stock: 5 })]);
  const body = {
    ...basket(),
    lines: [
      { productId: plenty.id, quantity: 2 },
      { productId: scarce.id, quantity: 2 },
    ],
  };
  const options = { token: buyer.token, key: unique('key'), body, wait: 20 };
  const { body: failed } = await succeed('place-order', 201, options);
  expect(failed).toMatchObject({ status: 'failed', payment: null, failure: { code: 'out-of-stock' } });
  expect(failed.failure?.detail).toContain(scarce.sku);
  expect(failed.failure?.detail).not.toContain(plenty.sku);
  expect(await levelOf(scarce.id)).toMatchObject({ onHand: 1, reserved: 0, available: 1 });
  expect(await levelOf(plenty.id)).toMatchObject({ onHand: 5, reserved: 0, available: 5 });
  expect(await timelineOf(buyer, failed.id)).not.toContain('payment-captured');
});

test('a charge whose answer was lost is asked for again: confirmed, charged once', async ({ expect }) => {
  const sold = await newProduct({ stock: 2 });
  const paid = await order(buyer, paying('pm_timeoutOnce', sold));
  expect(paid).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
  const timeline = await timelineOf(buyer, paid.id);
  expect(timeline.filter((entry) => entry === 'payment-captured')).toHaveLength(1);
  const { movements, level } = await ledgerOf(sold.id);
  expect(movements.map(({ kind }) => kind)).toEqual(['commitment', 'reservation', 'adjustment']);
  expect(level.onHand).toBe(1);
});

test.runIf(!short)(
  'a provider that never answers: the order is put into manual review and holds no stock',
  async ({ expect }) => {
    const sold = await newProduct({ stock: 2 });
    const lost = await order(buyer, paying('pm_timeoutAlways', sold));
    expect(lost).toMatchObject({ status: 'needs_attention', payment: null, failure: { code: 'payment-unknown' } });
    expect(await levelOf(sold.id)).toMatchObject({ onHand: 2, reserved: 0, available: 2 });
    expect((await timelineOf(buyer, lost.id)).at(-1)).toBe('status-changed needs_attention');
    const cancelling = { token: buyer.token, path: { orderId: lost.id } };
    await refused('cancel-order', 409, 'order-ended', cancelling);
  },
);
