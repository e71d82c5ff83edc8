import { createHash } from 'node:crypto';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run as purge } from '../../functions/jobs/purge-expired.ts';
import { forgetFeedEntries } from '../../lib/accounts/customers/feeds.sql.ts';
import { stopwatch } from '../../lib/kernel/clock.ts';
import { runtime } from '../../lib/platform/handlers/lambda.ts';
import { reportDeps } from '../../lib/platform/reports.ts';
import { sessionStore } from '../../lib/platform/stores.ts';
import { documentsThat } from '../support/dynamo.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

const password = 'correct horse battery';
let handlers: LiveHandlers;
let sender: string;
let owner: string;
const people: Record<'ada' | 'grace', { id: string; token: string }> = {} as never;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  sender = await handlers.appKey('feeds:write');
  owner = await handlers.appKey('reports:read');
  for (const name of ['ada', 'grace'] as const) {
    const headers = { 'idempotency-key': `sign-up-${name}` };
    await handlers.call('sign-up', { body: { email: emailOf(name), password, name }, headers });
    const { token, customerId } = (await handlers.call('sign-in', { body: { email: emailOf(name), password } })).body;
    people[name] = { id: customerId, token };
  }
});
afterAll(() => handlers?.close());

const emailOf = (name: string) => `${name}@example.com`;
const hash = (name: string) => createHash('sha256').update(emailOf(name)).digest('hex');
const send = (source: string, file: string, type = 'application/x-ndjson', token = sender) =>
  handlers.call('load-customer-feed', { token, parameters: { source }, body: file, headers: { 'content-type': type } });
const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const report = async (name: 'ada' | 'grace') =>
  (await handlers.call('get-customer-report', { token: owner, parameters: { customerId: people[name].id } })).body;

const ago = (days: number) => new Date(Date.now() - days * 24 * 3600_000).toISOString();
const ticket = { id: 't-1', kind: 'ticket', emailHash: hash('ada'), at: ago(3), topic: 'delivery', status: 'open' };

test('what is right of a file is loaded, and each row that is not is named', async () => {
  const { status, body } = await send(
    'support',
    lines(
      ticket,
      { ...ticket, id: 't-2', emailHash: hash('nobody') },
      { ...ticket, id: 't-3', status: 'lost' },
      { ...ticket, id: 't-4', at: ago(800) },
      ticket,
      { id: 'c-1', kind: 'interaction', emailHash: hash('ada'), at: ago(2), channel: 'chat' },
      { id: 'c-2', kind: 'interaction', emailHash: hash('ada'), at: ago(1), status: 'open', email: 'ada@example.com' },
    ).concat('\nhalf a row {'),
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({ source: 'support', rows: { total: 8, loaded: 2, unchanged: 0, failed: 6 } });
  expect(body.errors.map(({ row, code }: { row: number; code: string }) => `${row} ${code}`)).toEqual([
    '2 unknown-customer',
    '3 invalid-input',
    '4 too-old',
    '5 id-repeated',
    '7 invalid-input',
    '7 invalid-input',
    '8 malformed',
  ]);
  expect(await report('ada')).toMatchObject({
    interactions: 1,
    tickets: 1,
    openTickets: 1,
    entries: [
      { source: 'support', kind: 'interaction', channel: 'chat', status: null },
      { source: 'support', kind: 'ticket', topic: 'delivery', status: 'open', endedAt: null },
    ],
    sources: [{ source: 'support', rows: 8, failed: 6 }],
  });
  expect((await report('grace')).entries).toEqual([]);
});

test('a file that comes again changes nothing but its age, and a later one brings entries up to date', async () => {
  const before = await report('ada');
  const closed = { ...ticket, status: 'closed', endedAt: ago(1) };
  expect((await send('support', lines(ticket))).body.rows).toEqual({ total: 1, loaded: 0, unchanged: 1, failed: 0 });
  expect((await report('ada')).entries).toEqual(before.entries);
  const csv = `id,kind,emailHash,at,topic,status,endedAt\n${Object.values(closed).join(',')}\n`;
  expect((await send('support', csv, 'text/csv')).body.rows).toMatchObject({ loaded: 1, failed: 0 });
  const now = await report('ada');
  expect(now).toMatchObject({ tickets: 1, openTickets: 0, sources: [{ rows: 1, failed: 0 }] });
  expect(now.sources[0].ageSeconds).toBeLessThan(600);
  expect(Date.parse(now.sources[0].receivedAt)).toBeGreaterThan(Date.parse(before.sources[0].receivedAt));
  // The list has the same.
  const { body } = await handlers.call('get-customers-report', { token: owner, query: {} });
  expect(body).toMatchObject({ sources: [{ source: 'support' }], data: [] });
});

test('a file that is none, another scope and another name are refused, and change nothing', async () => {
  for (const file of ['', 'id,id\n1,2', 'id,kind\n"1']) {
    expect((await send('shop', file, 'text/csv')).body).toMatchObject({ code: 'invalid-input', status: 400 });
  }
  expect((await send('Sup port', lines(ticket))).status).toBe(404);
  expect((await send('shop', lines(ticket), 'application/json')).status).toBe(415);
  expect((await send('shop', lines(ticket), 'text/csv', owner)).body.code).toBe('forbidden');
  expect((await report('ada')).sources).toHaveLength(1);
});

test('a report of a customer has their active sessions by application, and nothing that a token could be found by', async () => {
  expect(await report('grace')).toMatchObject({ sessions: { active: 1 } });
  const { token } = (await handlers.call('sign-in', { body: { email: emailOf('grace'), password } })).body;
  const { sessions } = await report('grace');
  const [application, ...others] = sessions.applications;
  expect(others).toEqual([]);
  expect(application).toEqual({
    applicationId: expect.stringMatching(/^app_[0-9a-f]{32}$/),
    active: 2,
    lastSignInAt: sessions.lastSignInAt,
  });
  expect(Date.now() - Date.parse(sessions.lastSignInAt)).toBeLessThan(600_000);
  expect(Date.now() - Date.parse(sessions.asOf)).toBeLessThan(600_000);
  expect((await handlers.call('sign-out', { token })).status).toBe(204);
  expect((await report('grace')).sessions.active).toBe(1);
});

test('a report is there while sessions cannot be read', async () => {
  const { run: read } = await import('../../functions/http/get-customer-report.ts');
  const client = documentsThat(() => Promise.reject(new Error('connect ECONNREFUSED')));
  const sessions = { ...sessionStore(), client: client as never };
  const request = { path: { customerId: people.grace.id }, format: 'json' } as Parameters<typeof read>[0];
  const { body } = await read(request, { ...reportDeps(runtime()), sessions });
  expect(body).toMatchObject({ customerId: people.grace.id, sessions: null, sources: [{ source: 'support' }] });
});

test('the customer gets it in their export, and it ends with its time', async () => {
  const old = { ...ticket, id: 't-9', emailHash: hash('grace'), at: ago(729), status: 'waiting' };
  await send('support', lines(old));
  const { body } = await handlers.call('export-me', { token: people.grace.token });
  expect(body.feedEntries).toMatchObject([{ source: 'support', kind: 'ticket', status: 'waiting' }]);
  const clock = { now: () => Date.now() + 2 * 24 * 3600_000 };
  const sleep = () => Promise.resolve();
  const jobs = { sql: () => handlers.owner, clock, mustConfirm: false, stopwatch, sleep };
  expect(await purge(jobs)).toMatchObject({ feedEntries: 1 });
  expect((await report('grace')).entries).toEqual([]);
});

test('an erased customer leaves nothing, also of a feed that comes meanwhile', async () => {
  await send('support', lines({ ...ticket, id: 'g-1', emailHash: hash('grace') }));
  const of = (sql: Sql) => sql`select id from customers.feed_entries where customer_id = ${people.grace.id}`;
  expect(await of(handlers.owner)).toHaveLength(1);
  let late: ReturnType<typeof send> | undefined;
  // An erasure that is under way has deleted the entries already.
  await handlers.owner.begin(async (tx) => {
    await tx`select id from customers.customers where id = ${people.grace.id} for update`;
    await forgetFeedEntries(tx, people.grace.id);
    late = send('support', lines({ ...ticket, id: 'g-2', emailHash: hash('grace') }));
    for (let waiting = 0; waiting === 0; ) {
      const [row] = await tx`
        select count(*)::int as waiting from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.usename = 'customer_feeds' and a.datname = current_database()`;
      waiting = row!.waiting;
    }
    await tx`
      update customers.customers set email = null, name = null, password_hash = null, confirmed_at = null, erased_at = now()
      where id = ${people.grace.id}`;
  });
  expect((await late!).status).toBe(200);
  expect(await of(handlers.owner)).toEqual([]);
  expect((await send('support', lines({ ...ticket, id: 'g-3', emailHash: hash('grace') }))).body).toMatchObject({
    rows: { loaded: 0, failed: 1 },
    errors: [{ code: 'unknown-customer' }],
  });

  expect((await handlers.call('erase-me', { token: people.ada.token })).status).toBe(204);
  expect(await report('ada')).toMatchObject({
    erased: true,
    sessions: { active: 0, lastSignInAt: null, applications: [] },
  });
  const [row] = await handlers.owner`select count(*)::int as n from customers.feed_entries`;
  expect(row!.n).toBe(0);
});
