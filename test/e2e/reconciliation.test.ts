import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Finding } from '../../lib/contract/api/findings.ts';
import type { Order } from '../../lib/contract/api/orders.ts';
import { type Checkout, end, makeCheckout, type Running, removeCheckout, start } from './checkout.ts';
import { patiently, sendOnce } from './client.ts';
import { unique } from './shop.ts';

/*
 * On a stack of its own: it reaches into the simulated provider's transactions, and moves the clock so that the jobs run.
 */
let checkout: Checkout;
let running: Running;
let provider: DynamoDBDocument;

beforeAll(async () => {
  checkout = await makeCheckout();
  running = await start(checkout, { RATE_LIMIT_PER_MINUTE: '100000' });
  const env = parseEnv(await readFile(join(checkout.folder, '.local/functions.env'), 'utf8'));
  provider = DynamoDBDocument.from(
    new DynamoDBClient({
      region: 'eu-west-1',
      endpoint: env.AWS_ENDPOINT_URL_DYNAMODB!,
      credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID!, secretAccessKey: env.AWS_SECRET_ACCESS_KEY! },
    }),
  );
});

afterAll(async () => {
  provider?.destroy();
  if (running?.process.exitCode === null) await end(running, 'SIGKILL');
  await removeCheckout(checkout);
});

describe('money at the provider that has lost its order', { concurrent: false }, () => {
  test('is found and given back within hours, once, and an order that is paid is left alone', async ({ expect }) => {
    const paid = await placed('pm_card_visa');
    const failed = await placed('pm_card_chargeDeclined');
    expect([paid.status, failed.status]).toEqual(['confirmed', 'failed']);
    const lost: Record<string, unknown> = { ...(await chargeOf(failed.id)), status: 'captured' };
    await provider.send(new PutCommand({ TableName: 'charges', Item: lost }));

    await advance(2);
    await advance(2);
    await expect.poll(() => chargeOf(failed.id)).toMatchObject({ status: 'refunded' });
    const { refundReference } = await chargeOf(failed.id);
    await advance(1);
    await advance(1);
    const findings = (await get<{ data: Finding[] }>('/reconciliation/findings?state=all')).data;
    expect(findings).toMatchObject([{ kind: 'orphaned-charge', subject: lost.reference, repair: 'done' }]);
    expect(findings[0]!.clearedAt).not.toBeNull();
    expect(await get('/reconciliation/findings')).toMatchObject({ data: [] });
    expect(await chargeOf(failed.id)).toMatchObject({ refundReference });
    expect(await chargeOf(paid.id)).toMatchObject({ status: 'captured' });
  });
});

const base = () => `http://localhost:${checkout.port}`;
const shop = () => ({ baseUrl: base(), clientId: running.demo.clientId });

async function send<B>(method: string, path: string, options: object, status: number): Promise<B> {
  const answer = await patiently(() => sendOnce(method, path, { ...shop(), ...options }));
  assert.equal(answer.status, status, `${method} ${path} gave ${answer.status}: ${answer.text}`);
  return answer.body as B;
}

const get = <B>(path: string) => send<B>('GET', path, { token: running.demo.appKey }, 200);

const advance = (hours: number) => send('POST', '/test-clock/advance', { body: { seconds: hours * 3600 } }, 200);

/** An order that has ended, of somebody who has just signed in. */
async function placed(paymentMethod: string): Promise<Order> {
  const { token } = await send<{ token: string }>('POST', '/sessions', { body: running.demo.customer }, 201);
  const lines = [{ productId: running.demo.products[0]!.id, quantity: 1 }];
  return send('POST', '/orders', { token, key: unique('order'), wait: 20, body: { lines, paymentMethod } }, 201);
}

async function chargeOf(orderId: string): Promise<Record<string, unknown>> {
  const { Item } = await provider.send(new GetCommand({ TableName: 'charges', Key: { orderId } }));
  return Item ?? {};
}
