import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Saga, startSaga } from '../support/saga.ts';

let saga: Saga;
let orderId: string;
let paymentId: string;

beforeAll(async () => {
  saga = await startSaga();
  const order = await saga.place([{ productId: await saga.product(5), quantity: 1 }]);
  orderId = order.id;
  paymentId = order.payment!.id;
});
afterAll(() => saga.stop());

const insert = (refund: { status?: string; amount?: number; reference?: string | null; code?: string | null }) => {
  const { status = 'requested', amount = 1, reference = null, code = null } = refund;
  return saga.owner`
    insert into payments.refunds (
      id, payment_id, order_id, status, amount, currency, reason, requested_by, reference, failure_code, created_at,
      updated_at
    ) values (
      'rfd_' || replace(uuidv7()::text, '-', ''), ${paymentId}, ${orderId}, ${status}, ${amount}, 'EUR', 'broken', 'app:key',
      ${reference}, ${code}, now(), now()
    ) returning id`;
};
const change = (columns: { claimed?: number; refunded?: number }) => saga.owner`
  update payments.payments
  set refund_claimed = ${columns.claimed ?? 0}, refunded_amount = ${columns.refunded ?? 0}
  where id = ${paymentId}`;

describe('the database refuses a refund', () => {
  test.each([
    ['claims above what was paid', { claimed: 1001 }],
    ['more given back than was claimed', { claimed: 5, refunded: 6 }],
    ['less than nothing given back', { claimed: 0, refunded: -1 }],
  ])('%s', async (_, columns) => {
    await expect(change(columns)).rejects.toMatchObject({ constraint_name: 'refunds_within_payment' });
    await change({});
  });

  test.each([
    ['one of nothing', { amount: 0 }, 'refunds_amount_check'],
    ['a status that nobody knows', { status: 'lost' }, 'refunds_status_check'],
    ['a failed one that does not say why', { status: 'failed' }, 'failed_refund_says_why'],
    ['a reason of one that has not failed', { code: 'x' }, 'failed_refund_says_why'],
    ['one that was made without the provider’s reference', { status: 'succeeded' }, 'succeeded_refund_has_reference'],
    ['a reference of one that was not made', { reference: 'x' }, 'succeeded_refund_has_reference'],
  ])('%s', async (_, refund, constraint) => {
    await expect(insert(refund)).rejects.toMatchObject({ constraint_name: constraint });
  });

  test.each([
    ['succeeded', { status: 'succeeded', reference: 'x' }],
    ['failed', { status: 'failed', code: 'x' }],
  ])('any change of one that has %s', async (_, refund) => {
    const [made] = await insert(refund);
    await expect(
      saga.owner`update payments.refunds set updated_at = now() where id = ${made!.id}`,
    ).rejects.toMatchObject({ constraint_name: 'refund_settled_once' });
    await saga.owner`delete from payments.refunds where id = ${made!.id}`;
  });
});

describe('an order that waits for its customer to pay', () => {
  test('loses its payment action when its status changes', async () => {
    const productId = await saga.product(5);
    const order = await saga.place([{ productId, quantity: 1 }], { paymentMethod: 'pm_requiresAction' });
    const actionOf = async () =>
      (await saga.owner`select payment_action from orders.orders where id = ${order.id}`)[0]?.paymentAction;
    expect(await actionOf()).toMatchObject({ action: { type: 'simulated' } });
    await saga.owner`update orders.orders set status = 'cancelling' where id = ${order.id}`;
    expect(await actionOf()).toBeNull();
  });

  test('waits only with a payment action, and has one only while it waits', async () => {
    const productId = await saga.product(5);
    const order = await saga.place([{ productId, quantity: 1 }], { start: false });
    const broken = { constraint_name: 'payment_action_while_pending' };
    await saga.owner`update orders.orders set status = 'reserved' where id = ${order.id}`;
    await expect(
      saga.owner`update orders.orders set status = 'pending_payment' where id = ${order.id}`,
    ).rejects.toMatchObject(broken);
    await expect(
      saga.owner`update orders.orders set payment_action = '{}' where id = ${order.id}`,
    ).rejects.toMatchObject(broken);
  });
});
