import { ConditionalCheckFailedException, InternalServerError } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, type DynamoDBDocument, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { SimulatedGateway } from '../../lib/shop/payments/simulated.dynamo.ts';
import { startTestDynamo, type TestDynamo, watchReads } from '../support/dynamo.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'charges', partitionKey: 'orderId' }]);
});
afterAll(() => dynamo.stop());

type Command = Parameters<DynamoDBDocument['send']>[0];
const gateway = (client = dynamo.documents, more: { pageSize?: number } = {}) =>
  new SimulatedGateway({ ...more, client, table: 'charges', clock: systemClock, timeoutMs: 1 });
/** A client that has `before` happen before each request; what it throws is the answer. */
const after = (before: (command: Command) => unknown): DynamoDBDocument =>
  Object.create(dynamo.documents, {
    send: {
      value: async (command: Command) => {
        await before(command);
        return dynamo.documents.send(command);
      },
    },
  });

async function charged(paymentMethod = 'pm_card_visa') {
  const order = { orderId: newId('order', systemClock), amount: 1999, currency: 'EUR' };
  const { reference } = await gateway().charge({ ...order, paymentMethod });
  const part = { orderId: order.orderId, refundId: 'r1', amount: 500, currency: 'EUR', reference };
  return { charge: { ...order, paymentMethod }, compensation: { ...order, reference }, part };
}

test('a charge that disappears before it is read has no answer', async () => {
  const { charge } = await charged();
  const vanishing = after(async (command) => {
    if (!(command instanceof GetCommand)) return;
    await dynamo.documents.send(new DeleteCommand({ TableName: 'charges', Key: { orderId: charge.orderId } }));
  });
  await expect(gateway(vanishing).charge(charge)).rejects.toMatchObject({
    name: 'OutcomeUnknown',
    message: expect.stringContaining('between two reads'),
  });
});

test('an order that changes before each write is read five times, then abandoned', async () => {
  let looks = 0;
  const busy = after((command) => {
    if (command instanceof GetCommand && ++looks > 10) throw new Error('looked at for ever');
    if (command instanceof UpdateCommand) throw new ConditionalCheckFailedException({ message: '', $metadata: {} });
  });
  const [paid, waiting] = [await charged(), await charged('pm_requiresAction')];
  for (const ask of [
    () => gateway(busy).compensate(paid.compensation),
    () => gateway(busy).compensate(waiting.compensation),
    () => gateway(busy).refundPart(paid.part),
  ]) {
    looks = 0;
    await expect(ask()).rejects.toMatchObject({ name: 'OutcomeUnknown', message: expect.stringContaining('busy') });
    expect(looks).toBe(5);
  }
  expect(await gateway().compensate(paid.compensation)).toMatchObject({ outcome: 'refunded' });
});

test('a refund costs one read and one write', async () => {
  const { compensation } = await charged();
  const before = dynamo.calls();
  await gateway().compensate(compensation);
  const { GetItem = 0, UpdateItem = 0 } = dynamo.calls();
  expect({ looks: GetItem - (before.GetItem ?? 0), writes: UpdateItem - (before.UpdateItem ?? 0) }).toEqual({
    looks: 1,
    writes: 1,
  });
});

test('when DynamoDB fails, the outcome is unknown', async () => {
  const failing = after(() => {
    throw new InternalServerError({ message: 'on fire', $metadata: {} });
  });
  const { charge, compensation, part } = await charged();
  for (const asked of [
    gateway(failing).charge(charge),
    gateway(failing).compensate(compensation),
    gateway(failing).refundPart(part),
  ]) {
    await expect(asked).rejects.toMatchObject({ name: 'OutcomeUnknown', cause: { name: 'InternalServerError' } });
  }
});

test('a page of transactions reads as many charges as its size says', async () => {
  for (let time = 0; time < 3; time++) await charged();
  const { client, reads } = watchReads(dynamo.documents);
  const from = 0;
  const to = systemClock.now() + 1000;
  const { charges, cursor } = await gateway(client, { pageSize: 2 }).listCharges({ from, to });
  expect(charges).toHaveLength(2);
  expect(cursor).toEqual(expect.any(String));
  expect(reads).toMatchObject([{ Limit: 2 }]);
});
