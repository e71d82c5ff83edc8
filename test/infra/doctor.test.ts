import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadCertificate } from '../../infra/local/certificate.ts';
import type { OrderView } from '../../infra/local/console/order.ts';
import type { OrderList } from '../../infra/local/console/orders.ts';
import type { OverviewView } from '../../infra/local/console/overview.ts';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { writeEnvironment } from '../../infra/local/environment.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';

/* The doctor on a whole stack, which is broken in one way after the other. It is a program of its own, as people run it. */

let directory: string;
let stack: Stack;
let demo: Demo;
let owner: Sql;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-doctor-'));
  const settings = { RATE_LIMIT_PER_MINUTE: '100000', PAYMENT_TIMEOUT_MS: '50' };
  stack = await startStack({ directory, port: 0, settings, waitScale: 0 });
  demo = await prepareDemo(stack, directory);
  const { env, socketPath } = stack.inside;
  await writeEnvironment(directory, env);
  owner = postgres({
    host: join(socketPath, '..'),
    user: 'rdsadmin',
    database: 'counterfoil',
    max: 3,
    onnotice: () => {},
  });
});
afterAll(async () => {
  await owner?.end({ timeout: 1 });
  await stack?.stop();
  await resetStack(directory);
});

type Outcome = { code: number; text: string };

const examine = async (args: string[] = [], env: Record<string, string> = {}): Promise<Outcome> => {
  const tool = new URL('../../infra/local/doctor/cli.ts', import.meta.url).pathname;
  const at = args.includes('--directory') ? [] : ['--directory', directory];
  return promisify(execFile)(process.execPath, [tool, ...at, ...args], {
    env: { PATH: process.env.PATH, ...env },
  }).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, text: stdout + stderr }),
  );
};

const place = async (count: number, paymentMethod: string): Promise<void> => {
  const signIn = await fetch(`${stack.baseUrl}/sessions`, {
    method: 'POST',
    headers: { 'client-id': demo.clientId, 'content-type': 'application/json' },
    body: JSON.stringify(demo.customer),
  });
  const { token } = (await signIn.json()) as { token: string };
  for (let n = 0; n < count; n++) {
    await fetch(`${stack.baseUrl}/orders`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
      },
      body: JSON.stringify({ lines: [{ productId: demo.products[0]!.id, quantity: 1 }], paymentMethod }),
    });
  }
  await stack.inside.sagasIdle();
};

test('a stack that works has nothing wrong, and every check was made', async () => {
  await place(1, 'pm_card_visa');
  const { code, text } = await examine(['--all']);
  expect(text).toMatch(/All \d+ checks are well\./);
  expect(text).not.toContain('not looked at');
  expect(text).toContain('1 order within an hour, 1 confirmed');
  expect(code).toBe(0);
});

test('where nothing runs, it says so first and looks at nothing behind it', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'counterfoil-doctor-empty-'));
  onTestFinished(() => rm(empty, { recursive: true }));
  const never = await examine(['--directory', empty]);
  expect(never).toMatchObject({ code: 1, text: expect.stringContaining('has never run in this checkout') });
  expect(never.text).toContain('→ npm start');
  expect(never.text).not.toContain('network');

  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await writeFile(join(empty, 'demo.json'), JSON.stringify({ baseUrl: `http://127.0.0.1:${port}` }));
  other.on('connection', (socket) => socket.destroy());
  expect((await examine(['--directory', empty])).text).toContain(`Port ${port} is taken, but not by Counterfoil`);
});

test('each way of not reaching the database has its own sentence and its own remedy', async () => {
  const ways: [Record<string, string>, RegExp][] = [
    [{ DATABASE_PORT: '1' }, /network: .*connection was refused\. \(ECONNREFUSED\)/],
    [{ DATABASE_HOST: 'no-such-host.invalid' }, /network: .*The name is not known/],
    [{ AWS_SECRET_ACCESS_KEY: 'another' }, /log-in: role customers_api: The log-in was refused: .* \(28(000|P01)\)/],
    [{ DATABASE_NAME: 'another' }, /log-in: role customers_api: The database does not exist/],
    [{ AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' }, /DynamoDB: .*connection was refused/],
    [{ AWS_ENDPOINT_URL_SFN: 'http://127.0.0.1:1' }, /Step Functions: .*connection was refused/],
  ];
  for (const [env, expected] of ways) {
    const { code, text } = await examine([], env);
    expect(text).toMatch(expected);
    expect(text).toMatch(/^ {2}→ /m);
    expect(code).toBe(1);
  }
  const { caFile: foreign } = await loadCertificate(join(directory, 'other-tls'));
  expect((await examine(['network', 'log-in'], { DATABASE_CA_FILE: foreign })).text).toContain('TLS failed');
});

describe('with the payment provider away, somebody who has never seen the shop', () => {
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${stack.baseUrl}/console/api/${path}`, body === undefined ? {} : json);
    return (await response.json()) as T;
  };
  const waiting = async () => (await ask<OrderList>('orders?status=needs_attention')).orders;
  const shell = (script: string) =>
    promisify(execFile)('bash', ['-euc', script], {
      env: { PATH: process.env.PATH, API: stack.baseUrl, KEY: demo.appKey },
    });

  /** Three orders meet a provider that does not answer. It is back when somebody mends them. */
  async function breakShop(): Promise<string[]> {
    const before = (await waiting()).map(({ id }) => id);
    await ask('faults', { name: 'provider-away' });
    await place(3, 'pm_card_visa');
    return (await waiting()).map(({ id }) => id).filter((id) => !before.includes(id));
  }
  const settled = async (ids: readonly string[]): Promise<(string | undefined)[]> => {
    await stack.inside.sagasIdle();
    return await Promise.all(ids.map(async (id) => (await ask<OrderView>(`orders/${id}`)).order?.status));
  };
  /** A block of commands of the runbook that the alarm names. */
  const blockOf = (page: string, beginning: string): string => {
    const lines = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8').split('\n');
    const from = lines.findIndex((line) => line.trim().startsWith(beginning));
    const to = lines.findIndex((line, at) => at > from && line.trim() === '```');
    return lines.slice(from, to).join('\n');
  };

  test('finds in the console what is wrong and which orders, and the runbook’s command mends them', async () => {
    const ids = await breakShop();
    expect(ids).toHaveLength(3);
    const startedAt = performance.now();
    const orders = await waiting();
    for (const id of ids)
      expect(orders.find((order) => order.id === id)!.trouble).toMatchObject({
        step: 'RefundPayment',
        text: expect.stringContaining('the payment provider did not answer'),
      });
    const { dashboards } = await ask<OverviewView>('overview?range=5');
    const alarms = dashboards
      .flatMap(({ widgets }) => widgets)
      .flatMap((widget) => (widget.type === 'alarm' ? widget.alarms : []));
    const alarm = alarms.find(({ name }) => name === 'manual-review-opened')!;
    expect(alarm).toMatchObject({ state: 'alarm', description: expect.stringContaining('went to manual review') });
    const page = /docs\/runbooks\/[a-z-]+\.md/.exec(alarm.description)![0];
    expect(performance.now() - startedAt).toBeLessThan(60_000);

    await ask('faults/clear', {});
    await shell(`${blockOf(page, 'review()').split('\n')[0]}\n${blockOf(page, 'for ORDER in')}`);
    expect(await settled(ids)).toEqual(['failed', 'failed', 'failed']);
  });

  test('finds the same by the doctor alone, whose command mends them', async () => {
    const ids = await breakShop();
    const startedAt = performance.now();
    const { text } = await examine();
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    expect(text).toMatch(/orders: .*payment-unknown: the payment provider does not answer/);
    for (const id of ids) expect(text).toContain(id);

    await ask('faults/clear', {});
    for (;;) {
      const [, command] = /→ when the cause is gone: (curl .*)/.exec((await examine(['manual review'])).text) ?? [];
      if (command === undefined) break;
      await shell(command);
      await stack.inside.sagasIdle();
    }
    expect(await settled(ids)).toEqual(['failed', 'failed', 'failed']);
    await place(1, 'pm_card_visa');
    expect(await examine(['manual review'])).toEqual({ code: 0, text: 'All 1 checks are well.\n' });
  });
});

test('a payment provider that does not answer is named with the orders it cost', async () => {
  await place(8, 'pm_timeoutAlways');
  const { code, text } = await examine();
  expect(text).toMatch(/✗ orders: 8 of 16 orders within an hour failed with payment-unknown: the payment provider/);
  expect(text).toMatch(/! manual review: \d orders? waits? for a person, the first since/);
  expect(text).toContain('docs/runbooks/saga-failed.md');
  expect(code).toBe(1);
  await place(1, 'pm_card_visa');
  expect((await examine(['orders'])).text).toMatch(/! orders: 8 of 17 .* it seems to be over/);
});

test('a lock that somebody waits for names both, and who holds it', async () => {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = owner.begin(async (tx) => {
    await tx`lock table catalog.categories in access exclusive mode`;
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const waiter = owner`select count(*) from catalog.categories`.then(() => {});
  await expect
    .poll(async () => (await examine(['transactions'])).text)
    .toMatch(/has waited \d+ seconds for a lock of \d+\.\n {2}→ select pg_terminate_backend\(\d+\)/);
  release.resolve();
  await Promise.all([holder, waiter]);
});

test('migrations and indexes that do not fit are named with their remedy', async () => {
  const [last] =
    await owner`delete from migrations.applied where version = (select max(version) from migrations.applied) returning *`;
  expect((await examine()).text).toMatch(
    /✗ migrations: 1 migration of this release are not applied\.\n {2}→ npm run migrate -- up/,
  );
  await owner`insert into migrations.applied ${owner(last!)}`;
  await owner`update pg_index set indisvalid = false where indexrelid = 'catalog.categories_pkey'::regclass`;
  expect((await examine(['migrations'])).text).toContain('→ drop index concurrently catalog.categories_pkey');
  await owner`update pg_index set indisvalid = true where indexrelid = 'catalog.categories_pkey'::regclass`;
});

test('events that do not get out are counted', async () => {
  // The stack publishes it again before long, which may be before the doctor has looked.
  const heldBack = async () => {
    await owner`update outbox.events set published_at = null, occurred_at = clock_timestamp() - interval '10 minutes'
      where id = (select max(id) from outbox.events)`;
    return (await examine(['events'])).text;
  };
  await expect.poll(heldBack).toMatch(/✗ events: 1 event waits in the outbox, the first for 1\d minutes/);
});

test('an unknown check or option is refused with the usage', async () => {
  expect(await examine(['weather'])).toMatchObject({
    code: 2,
    text: expect.stringContaining('There is no check "weather"'),
  });
  expect((await examine(['--what'])).code).toBe(2);
});
