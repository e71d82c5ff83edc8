import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';

const order = () => ({
  orderId: newId('order', systemClock),
  amount: 100,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
});
const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-AbCdEf';

async function gatewayWith(environment: Record<string, string>) {
  vi.resetModules();
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return (await import('../../lib/platform/payments.ts')).paymentGateway();
}

let server: Server | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  const open = server;
  server = undefined;
  if (open !== undefined) {
    const closed = once(open, 'close');
    open.close();
    open.closeAllConnections();
    await closed;
  }
});

test('without configuration the provider is simulated', async () => {
  expect((await gatewayWith({})).provider).toBe('simulated');
});

test('a Stripe key that is none is an error that does not show it', async () => {
  const gateway = await gatewayWith({ PAYMENT_PROVIDER: 'stripe', STRIPE_SECRET_KEY: 'pk_live_mistaken' });
  const error = await gateway.charge(order()).catch((thrown: unknown) => thrown);
  expect(String(error)).toBe('Error: STRIPE_SECRET_KEY does not contain a secret key of Stripe');
});

test('the key is read from Secrets Manager once in a while, and never shown', async () => {
  const asked: string[] = [];
  server = createServer((request, response) => {
    asked.push(String(request.headers['x-amz-target']));
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ ARN: arn, Name: 'stripe', SecretString: 'not the key but secret' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gateway = await gatewayWith({
    PAYMENT_PROVIDER: 'stripe',
    STRIPE_SECRET_ARN: arn,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  for (const work of [gateway.charge(order()), gateway.compensate(order())]) {
    const error = await work.catch((thrown: unknown) => thrown);
    expect(String(error)).toBe('Error: the secret at STRIPE_SECRET_ARN does not contain a secret key of Stripe');
  }
  await expect(gateway.charge(order())).rejects.toThrow(/does not contain a secret key/);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThan(3);
  expect(new Set(asked)).toEqual(new Set(['secretsmanager.GetSecretValue']));
});
