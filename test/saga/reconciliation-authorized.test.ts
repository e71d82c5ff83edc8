import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openReconciliation, type Reconciliation } from '../support/reconciliation.ts';

let shop: Reconciliation;
beforeAll(async () => {
  shop = await openReconciliation();
});
afterAll(() => shop?.stop());
beforeEach(() => shop.setAhead(0.5));

const run = () => shop.run();

async function authorized() {
  const productId = await shop.saga.product(5);
  const order = await shop.saga.place([{ productId, quantity: 2 }], { captureAt: 'shipment' });
  const [payment] = await shop.saga.owner`select reference from payments.payments where order_id = ${order.id}`;
  return { id: order.id, reference: payment!.reference as string };
}

const kindsOf = async (...subjects: string[]) =>
  (await Promise.all(subjects.map(shop.findings))).flat().map(({ kind, open }) => [kind, open]);

describe('an authorized payment', () => {
  test('that the provider holds is in order, and so is one that was voided or captured', async () => {
    const [held, voided, captured] = [await authorized(), await authorized(), await authorized()];
    await shop.saga.cancel(voided.id);
    await shop.saga.startCapturing({
      orderId: captured.id,
      paymentId: (await shop.saga.order(captured.id)).payment!.id,
      attempt: 1,
      amount: 2000,
      currency: 'EUR',
      payment: { provider: 'simulated', reference: captured.reference },
    });
    await shop.saga.states.idle();
    expect((await shop.saga.order(captured.id)).payment).toMatchObject({ status: 'captured' });
    await run();
    const subjects = [held, voided, captured].flatMap(({ id, reference }) => [id, reference]);
    expect(await kindsOf(...subjects)).toEqual([]);
  });

  test('that was voided at the provider is an order without a charge', async () => {
    const { id, reference } = await authorized();
    await shop.changeCharge(id, 'status', 'voided');
    await run();
    expect(await kindsOf(id, reference)).toEqual([['order-without-charge', true]]);
  });

  test('that was captured at the provider alone differs, and capturing it here puts that right', async () => {
    const { id, reference } = await authorized();
    await shop.changeCharge(id, 'status', 'captured');
    await run();
    const [finding] = await shop.findings(reference);
    expect(finding).toMatchObject({ kind: 'amount-differs', open: true, details: { differs: ['status'] } });
    expect(finding!.advice).toMatch(/recorded by capturing it here/);
    await shop.saga.startCapturing({
      orderId: id,
      paymentId: (await shop.saga.order(id)).payment!.id,
      attempt: 1,
      amount: 2000,
      currency: 'EUR',
      payment: { provider: 'simulated', reference },
    });
    await shop.saga.states.idle();
    shop.setAhead(2);
    await run();
    expect(await kindsOf(reference)).toEqual([['amount-differs', false]]);
  });

  test('that is captured here and only held there is an order without a charge', async () => {
    const { id } = await authorized();
    await shop.saga.owner`update payments.payments set status = 'captured', captured_at = now() where order_id = ${id}`;
    await run();
    expect(await kindsOf(id)).toEqual([['order-without-charge', true]]);
    await shop.saga
      .owner`update payments.payments set status = 'authorized', captured_at = null where order_id = ${id}`;
  });

  test('that is still held though its order was cancelled is voided after the grace period', async () => {
    const { id, reference } = await authorized();
    await shop.saga.cancel(id);
    await shop.saga.states.idle();
    await shop.changeCharge(id, 'status', 'authorized');
    await run();
    expect(await kindsOf(reference)).toEqual([['orphaned-charge', true]]);
    shop.setAhead(3);
    await run();
    const { charges } = await shop.saga.gateway.listCharges({ from: 0, to: Date.now() + 60_000 });
    expect(charges.find((charge) => charge.reference === reference)?.status).toBe('voided');
    await run();
    expect(await kindsOf(reference)).toEqual([['orphaned-charge', false]]);
  });
});
