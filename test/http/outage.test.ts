import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { openSession } from '../../lib/auth/sessions/sessions.dynamo.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { newId } from '../../lib/kernel/ids.ts';
import { fieldsOf } from '../support/applications.ts';
import type { Answer, Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

/* DynamoDB fails while 32 callers read and write, each as fast as it gets answers. */
let handlers: LiveHandlers;
let lines: string[];
/** Credentials that were verified before the outage, and credentials that were not used yet. */
let known: { session: string; key: string };
let late: { session: string; key: string; clientId: string };
let customerId: string;

const email = 'ada@example.com';

beforeAll(async () => {
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '100000',
    POWERTOOLS_METRICS_DISABLED: 'false',
    POWERTOOLS_DEV: 'true',
  });
  lines = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  const body = { email, password: 'correct horse battery', name: 'Ada' };
  expect((await handlers.call('sign-up', { body })).status).toBe(202);
  const [{ id }] = await handlers.owner<[{ id: string }]>`select id from customers.customers where email = ${email}`;
  customerId = id;
  known = { session: await sessionToken(), key: await handlers.appKey('catalog:read', 'catalog:write', 'stock:read') };
});

beforeEach(async () => {
  late = {
    session: await sessionToken(),
    key: await handlers.appKey('catalog:read', 'catalog:write'),
    clientId: (await registerByHand(handlers.applications, fieldsOf('web'))).id,
  };
});

afterAll(async () => {
  vi.restoreAllMocks();
  await handlers.close();
});

async function sessionToken(): Promise<string> {
  const store = { client: handlers.dynamo.documents, table: 'sessions', idleSeconds: 86_400, maxSeconds: 86_400 };
  const opened = await openSession(
    { ...store, clock: systemClock },
    { customerId, applicationId: handlers.clientId, address: '192.0.2.1' },
  );
  return opened.token;
}

type Ask = { name: string; operation: OperationId; call: () => Call; kind: 'read' | 'write' | 'unknown' };

const product = () => ({ sku: newId('product', systemClock), name: 'Thing', price: { amount: 100, currency: 'EUR' } });
const asks: Ask[] = [
  { name: 'session reads', operation: 'get-me', call: () => ({ token: known.session }), kind: 'read' },
  { name: 'key reads', operation: 'list-products', call: () => ({ token: known.key }), kind: 'read' },
  { name: 'Client-Id reads', operation: 'list-products', call: () => ({}), kind: 'read' },
  {
    name: 'session writes',
    operation: 'update-me',
    call: () => ({ token: known.session, body: { name: `Ada ${newId('order', systemClock)}` } }),
    kind: 'write',
  },
  {
    name: 'key writes',
    operation: 'create-product',
    call: () => ({ token: known.key, body: product() }),
    kind: 'write',
  },
  { name: 'new session reads', operation: 'get-me', call: () => ({ token: late.session }), kind: 'unknown' },
  {
    name: 'new key writes',
    operation: 'create-product',
    call: () => ({ token: late.key, body: product() }),
    kind: 'unknown',
  },
  {
    name: 'new Client-Id reads',
    operation: 'list-products',
    call: () => ({ headers: { 'client-id': late.clientId } }),
    kind: 'unknown',
  },
];

/** Milliseconds. */
const longest = 2500;

/** Total delay of a timer in this process: the time that it was busy, not waiting. */
let stalledMs: () => number;
beforeAll(() => {
  const everyMs = 20;
  let stalled = 0;
  let last = performance.now();
  const late = () => Math.max(0, performance.now() - last - everyMs);
  const timer = setInterval(() => {
    stalled += late();
    last = performance.now();
  }, everyMs);
  stalledMs = () => stalled + late();
  return () => clearInterval(timer);
});

/** How long work takes, in milliseconds, without the time that the process was busy. */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const [began, before] = [performance.now(), stalledMs()];
  const result = await work();
  return [result, performance.now() - began - (stalledMs() - before)];
}

type Got = { ask: Ask; answer: Answer; milliseconds: number };

/** 32 callers, four of each kind, until `enough`. */
async function callAll(kinds: readonly Ask[], enough: (got: readonly Got[]) => boolean): Promise<Got[]> {
  const got: Got[] = [];
  const caller = async (ask: Ask) => {
    do {
      const call = { ...ask.call(), address: '198.51.100.7' };
      const [answer, milliseconds] = await timed(() => handlers.call(ask.operation, call));
      got.push({ ask, answer, milliseconds });
    } while (!enough(got));
  };
  await Promise.all(Array.from({ length: 32 }, (_, i) => caller(kinds[i % kinds.length]!)));
  return got;
}

const good: Record<string, number> = { 'create-product': 201 };
const contents = async () => ({
  customers: await handlers.owner`select * from customers.customers`,
  products: await handlers.owner`select * from catalog.products order by id`,
});
const verified = asks.filter(({ kind }) => kind !== 'unknown');

test.each(['refuse', 'pause', 'mute'] as const)(
  '(%s) verified credentials can still read, nothing is written, no others are accepted, and everything recovers at once',
  async (way) => {
    // A machine that has much else to do lets a call time out now and then.
    await expect
      .poll(async () =>
        (await callAll(verified, (got) => got.length >= 40))
          .filter(({ ask, answer }) => answer.status !== (good[ask.operation] ?? 200))
          .map(({ ask, answer }) => `${ask.name}: ${answer.text}`),
      )
      .toEqual([]);
    const before = await contents();
    lines.length = 0;
    handlers.dynamo[way]();
    let got: Got[];
    try {
      const each = (one: readonly Got[], ask: Ask) => one.filter((g) => g.ask === ask).length;
      // Every reader has called many times, and every other caller at least twice.
      const enough = (one: readonly Got[]) => asks.every((ask) => each(one, ask) >= (ask.kind === 'read' ? 40 : 8));
      got = await handlers.impatiently(() => callAll(asks, enough));
    } finally {
      await handlers.dynamo.resume();
    }
    for (const { ask, answer } of got) {
      const said = `${ask.name}: ${answer.status} ${answer.text}`;
      if (ask.kind === 'read') expect(answer.status, said).toBe(200);
      else {
        expect(answer, said).toMatchObject({ status: 503, body: { code: 'unavailable' } });
        expect(Number(answer.headers['retry-after']), said).toBeGreaterThan(0);
      }
    }
    expect(await contents()).toEqual(before);
    expect(lines.some((line) => line.includes('"LimiterFallback"'))).toBe(true);
    const waits = (kind: Ask['kind']) =>
      got
        .filter(({ ask }) => ask.kind === kind)
        .map(({ milliseconds }) => milliseconds)
        .sort((a, b) => a - b);
    const [reads, writes] = [waits('read'), waits('write')];
    process.stdout.write(
      `${way}: ${reads.length} reads, median ${Math.round(reads[reads.length >> 1]!)} ms, longest ${Math.round(reads.at(-1)!)} ms; ${writes.length} writes, longest ${Math.round(writes.at(-1)!)} ms\n`,
    );
    // A request waits for DynamoDB once, for two attempts of 0.8 s, and not once for each lookup.
    expect(reads.at(-1)).toBeLessThan(longest);
    expect(writes.at(-1)).toBeLessThan(longest);

    for (const { ask, answer } of await callAll(asks, (back) => back.length >= 64)) {
      expect(answer.status, `${ask.name}: ${answer.text}`).toBe(good[ask.operation] ?? 200);
    }
  },
);

test('while DynamoDB hangs, one read waits for it once, and later reads do not wait', async () => {
  const get = () => handlers.call('get-me', { token: known.session });
  expect((await get()).status).toBe(200);
  vi.useFakeTimers({ toFake: ['Date'] });
  // The application is cached for a second only, so that everything would be looked up.
  vi.setSystemTime(Date.now() + 1500);
  handlers.dynamo.pause();
  try {
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      const [{ status }, milliseconds] = await timed(() => handlers.impatiently(get));
      expect(status).toBe(200);
      waits.push(Math.round(milliseconds));
    }
    process.stdout.write(`reads one after another: ${waits.join(', ')} ms\n`);
    expect(waits[0]).toBeLessThan(longest);
    expect(Math.max(...waits.slice(1))).toBeLessThan(500);
  } finally {
    await handlers.dynamo.resume();
    vi.useRealTimers();
  }
  expect((await get()).status).toBe(200);
});
