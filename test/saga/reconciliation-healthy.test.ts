import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReconciliation, type Reconciliation } from '../support/reconciliation.ts';

let shop: Reconciliation;
beforeAll(async () => {
  shop = await openReconciliation({ pageSize: 40 });
});
afterAll(() => shop?.stop());

/** The same numbers for the same seed: a failure can be run again. */
function randomFrom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

test('a healthy shop with hundreds of orders in every status has no findings and no repairs', async () => {
  const { saga } = shop;
  const random = randomFrom(20261121);
  const products = await Promise.all([40, 60, 80, 100].map((units) => saga.product(units, 700)));
  const methods = [
    'pm_card_visa',
    'pm_card_visa',
    'pm_card_visa',
    'pm_card_chargeDeclined',
    'pm_timeoutOnce',
    'pm_timeoutAlways',
  ];
  const placed: string[] = [];
  for (let n = 0; n < 240; n++) {
    const lines = [...new Set([products[random(4)]!, products[random(4)]!])].map((productId) => ({
      productId,
      quantity: 1 + random(2),
    }));
    // One in ten is left without its saga: open for as long as this test runs.
    const order = await saga.place(lines, {
      paymentMethod: methods[random(methods.length)]!,
      start: random(10) > 0,
      wait: false,
    });
    placed.push(order.id);
    if (random(8) === 0) await saga.cancel(placed[random(placed.length)]!).catch(() => {});
  }
  await saga.states.idle();
  // Most of those that were confirmed stay so; some are taken back.
  for (const id of placed) if (random(10) === 0) await saga.cancel(id).catch(() => {});
  await saga.states.idle();

  const statuses = await saga.owner`select status, count(*)::integer from orders.orders group by status`;
  const counts = Object.fromEntries(statuses.map(({ status, count }) => [status, count]));
  for (const status of ['confirmed', 'failed', 'cancelled', 'needs_attention', 'pending']) {
    expect(counts[status], `${status} of ${JSON.stringify(counts)}`).toBeGreaterThan(5);
  }

  expect(await shop.snapshot()).toMatchObject({ complete: true });
  // The younger half of the comparisons is not made yet: what was paid minutes ago need not be in the transactions.
  expect(await shop.reconcile()).toMatchObject({ found: 0, repaired: 0 });
  shop.setAhead(0.5);
  const again = await shop.snapshot();
  expect(again).toMatchObject({ complete: true, written: 0 });
  expect(again.read).toBeGreaterThan(100);
  const { found, repaired, snapshotAge } = await shop.reconcile();
  expect({ found, repaired }).toEqual({ found: 0, repaired: 0 });
  expect(snapshotAge).toBeLessThan(60);
  expect(await saga.owner`select kind, subject from monitor.findings`).toEqual([]);
  expect(shop.errors).toEqual([]);
});
