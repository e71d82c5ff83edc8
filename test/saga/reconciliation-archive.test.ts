import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReconciliation, type Reconciliation } from '../support/reconciliation.ts';

let shop: Reconciliation;
beforeAll(async () => {
  shop = await openReconciliation();
});
afterAll(() => shop?.stop());

/** A confirmed order that is archived although it is young, so that its charge is still compared. */
async function archivedOrder(): Promise<string> {
  const { id } = await shop.saga.place([{ productId: await shop.saga.product(5), quantity: 1 }]);
  const [row] = await shop.saga.owner`
    select archive.move_orders(now() + interval '1 hour', now(), 100) as moved`;
  expect(row!.moved).toBe(1);
  return id;
}

test('the charge of an archived order has its order, and nothing is given back', async () => {
  const orderId = await archivedOrder();
  shop.setAhead(3);
  await shop.snapshot();
  const { found, repaired } = await shop.reconcile();
  expect({ found, repaired }).toEqual({ found: 0, repaired: 0 });
  expect(await shop.findings(orderId)).toEqual([]);
  shop.setAhead(0);
});

test('a second charge of an archived order is found as that, and not as one of an unknown order', async () => {
  const orderId = await archivedOrder();
  const reference = await shop.charge(orderId);
  shop.setAhead(3);
  await shop.snapshot();
  await shop.reconcile();
  expect((await shop.findings(reference)).map(({ kind, repair }) => ({ kind, repair }))).toEqual([
    { kind: 'charge-twice', repair: null },
  ]);
  shop.setAhead(0);
});
