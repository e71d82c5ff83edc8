import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { machineArnOf } from '../../infra/container/environment.ts';
import { type LocalDynamo, startDynamo } from '../../infra/local/dynamo/start.ts';
import { listenOn, portOf } from '../../infra/local/loopback.ts';
import { type Postgres, removePostgresData, startPostgres } from '../../infra/local/postgres/start.ts';
import { stateMachines, stateMachineVariables } from '../../lib/contract/deploy/route.ts';
import { freePort } from '../e2e/checkout.ts';
import { canSandbox, makeSandbox, type Sandbox } from './container-sandbox.ts';

/*
 * The entry point of the image as plain processes: from the checkout, or from the image's files in IMAGE_ROOT; with the laptop's DynamoDB,
 * or with the one at DYNAMODB_ENDPOINT. As root, each process is in a sandbox such as an engine makes: of the image's user, without
 * capabilities, on a file system that it cannot write to.
 */
const root = process.env.IMAGE_ROOT ?? resolve(import.meta.dirname, '../..');

let folder: string;
let database: Postgres;
let dynamo: Pick<LocalDynamo, 'endpoint' | 'stop'>;
let env: Record<string, string>;
let sandbox: Sandbox | undefined;
/** As ECS and EKS have it: each time, other keys that are good for a while. */
let given = 0;
const credentials = createServer((_, response) => {
  const Expiration = new Date(Date.now() + 4 * 60_000).toISOString();
  given += 1;
  const keys = { AccessKeyId: 'counterfoil', SecretAccessKey: `secret-${given}`, Token: `token-${given}` };
  response.end(JSON.stringify({ ...keys, Expiration }));
});
const ports = { database: 0, worker: 0, http: 0, other: 0, health: [0, 0] };
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'containers-'));
  ports.database = await freePort();
  ports.worker = await freePort();
  ports.http = await freePort();
  ports.other = await freePort();
  ports.health = [await freePort(), await freePort()];
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(ports.database),
    fsync: 'off',
    max_connections: '200',
  };
  database = await startPostgres({ dataDir: join(folder, 'postgres'), settings });
  await listenOn('127.0.0.1', 0, credentials);
  const endpoint = process.env.DYNAMODB_ENDPOINT;
  dynamo = endpoint === undefined ? await startDynamo() : { endpoint, stop: async () => {} };
  await allowPasswords();
  if (canSandbox) sandbox = await makeSandbox(root, folder);
  const secrets = sandbox?.secrets ?? folder;
  await writeFile(join(secrets, 'stage'), `${'s'.repeat(40)}\n`, { mode: 0o444 });
  env = {
    PATH: process.env.PATH ?? '',
    AWS_REGION: 'eu-west-1',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${portOf(credentials)}`,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    ...{ APPLICATIONS_TABLE: 'applications', APP_KEYS_TABLE: 'appKeys' },
    ...{
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: String(ports.database),
      DATABASE_NAME: 'shop',
      DATABASE_TLS: 'off',
    },
    DATABASE_SECRET_FILE: join(sandbox === undefined ? secrets : '/run/secrets', 'stage'),
    ...{
      WORKER_HOST: '127.0.0.1',
      WORKER_PORT: String(ports.worker),
      DATA_FOLDER: sandbox === undefined ? join(folder, 'data') : '/data',
    },
    ...{ PORT: String(ports.http), RATE_LIMIT_PER_MINUTE: '100000' },
  };
});
afterAll(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await dynamo?.stop();
  await database?.stop();
  credentials.close();
  await removePostgresData(join(folder, 'postgres'));
  await rm(folder, { recursive: true, force: true });
});

/** As a PostgreSQL of one's own: by TCP, with passwords. */
async function allowPasswords(): Promise<void> {
  const { socketDir: host } = database;
  const sql = postgres({
    host,
    port: ports.database,
    user: 'rdsadmin',
    database: 'postgres',
    max: 1,
    fetch_types: false,
  });
  try {
    const [row] = await sql`show hba_file`;
    await appendFile(row!.hba_file, 'host all all 127.0.0.1/32 scram-sha-256\n');
    await sql`alter role rdsadmin password 'admin'`;
    await sql`select pg_reload_conf()`;
  } finally {
    await sql.end();
  }
}

const start = (command: string[], own: Record<string, string> = {}) =>
  follow(...(sandbox?.command(command) ?? ([process.execPath, command] as [string, string[]])), own);
/** What is not of the image. */
const startBeside = (command: string[], own: Record<string, string>) =>
  follow(process.execPath, command, {
    ...own,
    DATABASE_SECRET_FILE: join(sandbox?.secrets ?? folder, 'stage'),
  });

function follow(file: string, args: string[], own: Record<string, string>) {
  const child = spawn(file, args, { cwd: root, env: { ...env, ...own } });
  children.push(child);
  const log = { text: '' };
  for (const stream of [child.stdout, child.stderr]) stream!.on('data', (chunk) => (log.text += chunk));
  return { child, log };
}

async function run(command: string[], own: Record<string, string> = {}): Promise<string> {
  const { child, log } = start(command, own);
  const [code] = await once(child, 'exit');
  expect({ code, log: code === 0 ? '' : log.text }).toEqual({ code: 0, log: '' });
  return log.text;
}

/** Made by the first test. */
const shop = { clientId: '', productId: '' };
const order = (token: string, prefer = 'wait=20', key: string = crypto.randomUUID(), port = ports.http) =>
  send(
    'POST',
    '/orders',
    token,
    { lines: [{ productId: shop.productId, quantity: 1 }], paymentMethod: 'pm_card_visa' },
    { prefer, 'idempotency-key': key },
    port,
  );
/** Again while the same request is under way elsewhere. */
const patiently = (token: string, port: number) =>
  vi.waitFor(() => order(token, 'wait=20', 'both', port), { timeout: 120_000, interval: 200 });

const main = 'infra/container/main.ts';
const probe = async (port: number, path = '/readyz') =>
  (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status;
const until = (port: number) =>
  vi.waitFor(async () => expect(await probe(port)).toBe(200), { timeout: 120_000, interval: 100 });

test('an order goes through the containers, and through the worker that takes over from one that was killed', async () => {
  const admin = `postgres://rdsadmin:admin@127.0.0.1:${ports.database}/postgres`;
  for (let time = 1; time <= 2; time++) {
    const log = await run([main, 'prepare'], { DATABASE_ADMIN_URL_SECRET: admin });
    expect(log).toContain('the DynamoDB tables are there');
  }
  const first = start([main, 'worker'], { HEALTH_PORT: String(ports.health[0]) });
  await until(ports.health[0]!);
  const second = start([main, 'worker'], { HEALTH_PORT: String(ports.health[1]) });
  await vi.waitFor(() => expect(second.log.text).toContain('another worker has the lock'), { timeout: 60_000 });
  expect([await probe(ports.health[1]!, '/livez'), await probe(ports.health[1]!)]).toEqual([200, 503]);
  const http = start([main, 'http']);
  const other = start([main, 'http'], { PORT: String(ports.other) });
  for (const port of [ports.http, ports.other]) await until(port);
  // The health checks of the image and of compose.yaml.
  await run(['infra/container/probe.ts']);
  await run(['infra/container/probe.ts', 'worker'], { HEALTH_PORT: String(ports.health[0]) });

  const made = await run([
    'infra/tools/apps.ts',
    'create',
    '--name',
    'Back',
    '--kind',
    'server',
    '--scopes',
    'all',
    '--contact',
    'a@example.com',
  ]);
  const key = /cfk_\S+/.exec(made)![0];
  const app = await send('POST', '/applications', key, {
    ...{ name: 'Shop', kind: 'web', contact: 'a@example.com' },
    scopes: ['catalog:read', 'orders:read', 'orders:place', 'customers:read', 'customers:write'],
  });
  const clientId = app.id as string;
  const login = { email: 'ada@example.com', password: 'a long pass phrase of Ada' };
  await send('POST', '/customers', undefined, { ...login, name: 'Ada' }, { 'client-id': clientId });
  const { token } = await send('POST', '/sessions', undefined, login, { 'client-id': clientId });
  const product = await send('POST', '/products', key, {
    sku: 'TEA',
    name: 'Tea',
    price: { amount: 900, currency: 'EUR' },
  });
  await send('POST', `/products/${product.id}/stock-movements`, key, { quantity: 10, reason: 'first' });
  Object.assign(shop, { clientId, productId: product.id });
  expect(await order(token as string)).toMatchObject({ status: 'confirmed' });
  // Another container knows the session, and the same request sent to both is one order.
  const both = await Promise.all(
    [ports.http, ports.other, ports.http, ports.other].map((port) => patiently(token as string, port)),
  );
  expect(new Set(both.map(({ id }) => id)).size).toBe(1);
  expect(both[0]).toMatchObject({ status: 'confirmed' });
  expect(await send('GET', '/health', key)).toMatchObject({ status: 'up' });
  // What a worker runs at night: reports, orders and the provider's transactions are compared.
  await run([main, 'job', 'snapshot-provider-transactions']);
  expect(await run([main, 'job', 'reconcile-books'])).toMatch(/"job":"reconcile-books".*"found":0/);

  first.child.kill('SIGKILL');
  await until(ports.health[1]!);
  expect(await order(token as string)).toMatchObject({ status: 'confirmed' });

  const running = [http, other, second];
  for (const { child } of running) child.kill('SIGTERM');
  for (const { child } of running) if (child.exitCode === null) await once(child, 'exit');
  expect(running.map(({ child }) => child.exitCode)).toEqual([0, 0, 0]);
  // Neither secrets nor passwords are logged.
  expect(first.log.text + second.log.text + http.log.text).not.toMatch(/s{40}|a long pass phrase/);
});

test('sagas run on Step Functions where state machines are named, and the worker runs events and jobs alone', async () => {
  const port = await freePort();
  const machines = Object.fromEntries(
    stateMachines.map((name) => [stateMachineVariables[name], machineArnOf(name).replace('undefined', 'eu-west-1')]),
  );
  const elsewhere = { ...machines, AWS_ENDPOINT_URL_SFN: `http://127.0.0.1:${port}`, SWEEP_AFTER_SECONDS: '2' };
  const refused = start([main, 'http'], { PLACING_STATE_MACHINE_ARN: 'arn:aws:states:eu-west-1:1:stateMachine:one' });
  expect(await once(refused.child, 'exit')).toEqual([1, null]);
  expect(refused.log.text).toMatch(/Name all four state machines, or none: COMPENSATING_STATE_MACHINE_ARN/);

  const worker = start([main, 'worker'], { ...elsewhere, HEALTH_PORT: String(ports.health[0]) });
  await until(ports.health[0]!);
  const states = startBeside([join(import.meta.dirname, 'states-server.ts'), String(port), folder], elsewhere);
  await vi.waitFor(() => expect(states.log.text).toContain('state machines are there'), { timeout: 60_000 });
  const http = start([main, 'http'], elsewhere);
  await until(ports.http);
  // Nobody else runs sagas.
  expect(await probe(ports.worker, '/')).toBeUndefined();

  const login = { email: 'ada@example.com', password: 'a long pass phrase of Ada' };
  const { token } = await send('POST', '/sessions', undefined, login, { 'client-id': shop.clientId });
  expect(await order(token as string)).toMatchObject({ status: 'confirmed' });

  // Without Step Functions an order waits, and is not lost.
  states.child.kill('SIGKILL');
  await once(states.child, 'exit');
  const waiting = await order(token as string, 'wait=1');
  expect(waiting).toMatchObject({ status: 'pending' });
  startBeside([join(import.meta.dirname, 'states-server.ts'), String(port), folder], elsewhere);
  await vi.waitFor(
    async () =>
      expect(await send('GET', `/orders/${waiting.id}`, token as string)).toMatchObject({ status: 'confirmed' }),
    { timeout: 4 * 60_000, interval: 500 },
  );
  for (const { child } of [http, worker]) child.kill('SIGTERM');
  for (const { child } of [http, worker]) if (child.exitCode === null) await once(child, 'exit');
});

async function send(
  method: string,
  path: string,
  bearer: string | undefined,
  body?: object,
  more: Record<string, string> = {},
  port = ports.http,
): Promise<Record<string, unknown>> {
  const headers = {
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...more,
  };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect({ path, status: response.status, text: response.ok ? '' : text }).toEqual({
    path,
    status: response.status,
    text: '',
  });
  return JSON.parse(text);
}
