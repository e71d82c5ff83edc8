import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { type AwaitedPayments, answerSignal, keepToken, signal } from '../../lib/saga/awaited-payments.dynamo.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

let dynamo: TestDynamo;
let store: AwaitedPayments;
let orderId: string;
beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'awaited', partitionKey: 'orderId', ttlAttribute: 'expiresAt' }]);
  store = { client: dynamo.documents, table: 'awaited' };
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  orderId = newId('order', systemClock);
});

const expiresAt = Date.now() + 900_000;
const keep = (token: string) => keepToken(store, { orderId, token, expiresAt });
const happen = () => signal(store, { orderId, at: Date.now() });

describe('a saga that waits for a payment', () => {
  test('is found by a signal about its payment', async () => {
    expect(await keep('token-1')).toBeUndefined();
    expect(await happen()).toEqual(['token-1']);
  });

  test('gets a signal that came before it waited, until it has acknowledged it', async () => {
    expect(await happen()).toEqual([]);
    expect(await keep('token-1')).toBe(1);
    expect(await keep('token-2'), 'the function may have died before it answered').toBe(1);
    await answerSignal(store, { orderId, signal: 1 });
    expect(await keep('token-3')).toBeUndefined();
    await happen();
    expect(await keep('token-4')).toBe(2);
  });

  test('is found under its new token when the write of the old one arrives late', async () => {
    await keep('new');
    await keep('old');
    expect((await happen()).toSorted()).toEqual(['new', 'old']);
  });

  test('gets a signal that comes at the same moment, from either side', async () => {
    for (let turn = 0; turn < 50; turn++) {
      orderId = newId('order', systemClock);
      const [kept, tokens] = await Promise.all([keep('token'), happen()]);
      expect(kept !== undefined || tokens.includes('token')).toBe(true);
    }
  });

  test('is deleted a day after it expired, and an unused signal a day after it came', async () => {
    const expiryOf = async () => (await store.client.get({ TableName: store.table, Key: { orderId } })).Item?.expiresAt;
    const day = 24 * 3600;
    await keepToken(store, { orderId, token: 'token-1', expiresAt: 1_800_000_000_000 });
    expect(await expiryOf()).toBe(1_800_000_000 + day);
    await signal(store, { orderId, at: 1_800_000_900_000 });
    expect(await expiryOf()).toBe(1_800_000_000 + day);
    orderId = newId('order', systemClock);
    await signal(store, { orderId, at: 1_800_000_900_000 });
    expect(await expiryOf()).toBe(1_800_000_900 + day);
  });

  test('gets signals of its own order only', async () => {
    await keep('token-1');
    orderId = newId('order', systemClock);
    expect(await happen()).toEqual([]);
  });
});
