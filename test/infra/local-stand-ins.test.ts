import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpFront } from '../../infra/local/dynamo/http-front.ts';
import { startIdentity } from '../../infra/local/identity/start.ts';
import { startStates } from '../../infra/local/states/start.ts';

let folder: string;
let stop: () => Promise<unknown>;
const ports: Record<string, number> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stand-ins-'));
  const dynamo = createHttpFront(async () => ({}));
  await new Promise<void>((resolve) => dynamo.listen(0, 'localhost', resolve));
  const definition = { StartAt: 'End', States: { End: { Type: 'Succeed' } } };
  const stateMachineArn = 'arn:aws:states:eu-central-1:000000000000:stateMachine:one';
  const states = await startStates({
    machines: [{ stateMachineArn, definition, file: ':memory:' }],
    invoke: async () => ({}),
  });
  const identity = await startIdentity({
    port: 0,
    keyFile: join(folder, 'key.json'),
    api: async () => ({ baseUrl: 'http://localhost:1', headers: { 'client-id': 'app_1' } }),
  });
  ports.DynamoDB = (dynamo.address() as AddressInfo).port;
  ports['Step Functions'] = Number(new URL(states.endpoint).port);
  ports['the identity provider'] = Number(new URL(identity.issuer).port);
  stop = () =>
    Promise.all([
      new Promise((resolve) => dynamo.close(resolve).closeAllConnections()),
      states.stop(),
      identity.stop(),
      rm(folder, { recursive: true }),
    ]);
});
afterAll(() => stop());

const statusOf = (name: string, host: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const sent = request({ host: 'localhost', port: ports[name], path: '/demo', headers: { host } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.once('error', reject).end();
  });

describe.each(['DynamoDB', 'Step Functions', 'the identity provider'])('on a laptop, %s', (name) => {
  test('answers no request of a page that points its own name here', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8000']) {
      expect(await statusOf(name, host), host).toBe(421);
    }
    for (const host of ['localhost', '127.0.0.1:8000']) expect(await statusOf(name, host), host).not.toBe(421);
  });
});
