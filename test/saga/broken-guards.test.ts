import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import type { StepName } from '../../functions/steps.ts';
import { PaymentDeclined } from '../../lib/kernel/errors.ts';
import { playHistories } from '../histories/assert.ts';
import type { Saga } from '../support/saga.ts';

/** Lets what a step does to an order happen once more, each time but the first that the step does its work. */
function repeats(step: StepName, again: (saga: Saga, orderId: string) => Promise<unknown>) {
  return (saga: Saga) => {
    const fault = saga.faults.get(step)!;
    const done = new Map<string, number>();
    saga.fault(step, (next, delivery, orderId, of) =>
      fault(
        async () => {
          const result = await next();
          done.set(orderId, (done.get(orderId) ?? 0) + 1);
          if (done.get(orderId)! > 1) await again(saga, orderId);
          return result;
        },
        delivery,
        orderId,
        of,
      ),
    );
  };
}

const broken = [
  {
    guard: 'of RefundPayment: a repeated delivery takes the money again',
    prepare: repeats('RefundPayment', async ({ dynamo }, orderId) => {
      const { Item } = await dynamo.documents.send(new GetCommand({ TableName: 'charges', Key: { orderId } }));
      if (Item?.status !== 'refunded') return;
      const taken = { ...Item, status: 'captured', refundedAmount: 0 };
      await dynamo.documents.send(new PutCommand({ TableName: 'charges', Item: taken }));
    }),
    found: /\((failed|cancelled)\): it keeps 0, the provider \d+/,
  },
  {
    guard: 'of ReleaseStock: a repeated delivery puts the units on the shelf again',
    prepare: repeats(
      'ReleaseStock',
      (saga, orderId) => saga.owner`
      insert into stock.movements (id, product_id, kind, quantity, reserved, reason, created_at)
      select 'mov_' || replace(uuidv7()::text, '-', ''), product_id, 'adjustment', quantity, 0, 'again', now()
      from orders.lines where order_id = ${orderId}`,
    ),
    found: /has \d+ on hand; expected are \d+/,
  },
  {
    guard: 'of ChargePayment: a provider that forgets its key refuses what it has charged',
    prepare: repeats('ChargePayment', async () => {
      throw new PaymentDeclined('card_declined');
    }),
    found: /\((failed|cancelled)\): it keeps 0, the provider \d+/,
  },
];

test.each(broken)('histories find a broken guard $guard', async ({ prepare, found }) => {
  expect(await playHistories({ count: 300, seed: 1, prepare, shrink: false })).toMatch(found);
});

test('a failure names the seed and the path by which its smallest history fails again', async () => {
  const { prepare, found } = broken[1]!;
  const report = await playHistories({ count: 300, seed: 1, prepare });
  expect(report).toMatch(found);
  const [, seed, path] = /--seed (\d+) --path ([\d:]+)$/.exec(report ?? '') ?? [];
  expect(path).toBeDefined();
  expect(await playHistories({ count: 1, seed: Number(seed), path, prepare })).toMatch(found);
});
