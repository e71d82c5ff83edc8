import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loadCertificate } from '../../infra/local/certificate.ts';
import { type Faults, type RdsProxy, startRdsProxy } from '../../infra/local/rds-proxy/server.ts';
import { databaseRoles } from '../../lib/contract/deploy/roles.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { testPostgres } from '../support/postgres.ts';

/* The proxy shows what it shows while it switches to another writer, and is well again a moment later. */
let folder: string;
let proxy: RdsProxy;
let handlers: LiveHandlers;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writer-switch-'));
  const { proxy: shared, socketPath } = testPostgres();
  const { cert, key: certificateKey, caFile } = await loadCertificate(join(folder, 'certificate'));
  const { accessKeyId, secretAccessKey } = shared.credentials;
  proxy = await startRdsProxy({
    host: 'localhost',
    region: shared.region,
    cert,
    key: certificateKey,
    backendSocketPath: socketPath,
    principals: (id) => (id === accessKeyId ? { secretAccessKey, dbUsers: databaseRoles } : undefined),
  });
  handlers = await openLiveHandlers({ DATABASE_PORT: String(proxy.port), DATABASE_CA_FILE: caFile });
  key = await handlers.appKey('catalog:read', 'catalog:write');
});

afterEach(() => proxy.inject({}));

afterAll(async () => {
  await handlers.close();
  await proxy.stop();
  await rm(folder, { recursive: true });
});

const faults: [string, Faults][] = [
  ['connections are dropped', {}],
  ['connections are dropped, and new ones refused', { refuses: true }],
  ['the writer may only read', { readsOnly: true }],
];
let count = 0;
const product = () => ({ sku: `SWITCH-${++count}`, name: 'Thing', price: { amount: 100, currency: 'EUR' } });
const create = (body: object, idempotencyKey?: string) =>
  handlers.call('create-product', {
    token: key,
    body,
    ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
  });
const list = () => handlers.call('list-products', { token: key });

test.each(faults)(
  'when %s for a moment, a read and a write with a key are answered, and the write happens once',
  async (_, fault) => {
    expect((await list()).status).toBe(200);
    proxy.inject(fault);
    const body = product();
    const answers = Promise.all([list(), create(body, `key-${count}`)]);
    setTimeout(() => proxy.inject({}), 80);
    expect((await answers).map(({ status }) => status)).toEqual([200, 201]);
    const [row] = await handlers.owner`select count(*)::integer as count from catalog.products where sku = ${body.sku}`;
    expect(row!.count).toBe(1);
  },
);

test.each(faults.slice(1))(
  'when %s, a write without a key is not repeated: the client is told to come back',
  async (_, fault) => {
    proxy.inject(fault);
    const answer = await create(product());
    expect({ status: answer.status, retry: answer.headers['retry-after'] }).toEqual({ status: 503, retry: '2' });
    proxy.inject({});
    expect((await create(product())).status).toBe(201);
  },
);

test('when no writer comes back in time, everybody is told to come back, and the next request finds the new one', async () => {
  proxy.inject({ refuses: true });
  const answers = await Promise.all([list(), create(product(), `key-${count}`)]);
  expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  proxy.inject({});
  expect((await list()).status).toBe(200);
});
