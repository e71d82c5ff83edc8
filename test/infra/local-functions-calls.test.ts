import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Call } from '../../infra/local/functions/calls.ts';
import { type Functions, startFunctions } from '../../infra/local/functions/start.ts';

let folder: string;
let functions: Functions;
/** Stands for DynamoDB and EventBridge, and refuses everything. */
const refusing = createServer((request, response) => {
  request.resume();
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException' }));
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-calls-'));
  await new Promise<void>((listening) => refusing.listen(0, 'localhost', listening));
  const endpoint = `http://localhost:${(refusing.address() as AddressInfo).port}`;
  functions = startFunctions({
    env: {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'TEST',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
      POWERTOOLS_METRICS_DISABLED: 'true',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      WEBHOOK_ENDPOINTS_TABLE: 'webhookEndpoints',
      WEBHOOK_QUEUE_TABLE: 'webhookQueue',
      ISSUER_KEYS_TABLE: 'issuerKeys',
      CACHE_TABLE: 'cache',
      DATABASE_HOST: 'localhost',
      DATABASE_PORT: '9',
    },
    logFile: join(folder, 'functions.log'),
    callsFile: join(folder, 'calls.jsonl'),
    onAdvance: () => Promise.reject(new Error('not expected')),
    onCrash: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await functions?.stop();
  refusing.close();
  await rm(folder, { recursive: true, force: true });
});

test('each call is recorded once, as the function’s that made it, although functions run side by side', async () => {
  const handlers = ['jobs/wake-webhooks', 'jobs/watch-orders', 'jobs/wake-webhooks', 'jobs/watch-orders'];
  await Promise.allSettled(handlers.map((handler) => functions.invoke(handler, {})));
  const lines = (await readFile(join(folder, 'calls.jsonl'), 'utf8')).trim().split('\n');
  const calls = lines.map((line) => JSON.parse(line) as Call);
  expect(calls).toHaveLength(new Set(lines).size);
  expect(calls.toSorted((a, b) => a.handler.localeCompare(b.handler))).toEqual([
    { handler: 'jobs/wake-webhooks', action: 'dynamodb:Scan', resource: 'webhookEndpoints' },
    { handler: 'jobs/watch-orders', action: 'rds-db:connect', resource: 'monitor' },
  ]);
});
