import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../functions/jobs/send-reports.ts';
import { routes } from '../../functions/routes.ts';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { sendMails } from '../../lib/accounts/mail/send.ts';
import type { ReportAnswer } from '../../lib/analytics/named-reports.ts';
import {
  type ApplicationItem,
  changeApplication,
  readApplication,
  removeApplication,
} from '../../lib/auth/applications/applications.dynamo.ts';
import type { OperationId } from '../../lib/contract/api/operations.ts';
import { Problem } from '../../lib/contract/api/problems.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { useClock } from '../../lib/platform/clock.ts';
import { runtime } from '../../lib/platform/handlers/lambda.ts';
import { reportSending } from '../../lib/platform/report-sending.ts';
import { reportsAs } from '../../lib/platform/reports.ts';
import { sqlAs } from '../../lib/platform/sql.ts';
import { newServer } from '../support/applications.ts';
import type { Call } from '../support/handlers.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';

let handlers: LiveHandlers;
let owner: { id: string; key: string };
let ahead = 0;
const clock = { now: () => systemClock.now() + ahead };
const hour = 3600_000;
const day = 24 * hour;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '100000' });
  useClock(clock);
});
afterAll(async () => {
  useClock(systemClock);
  await handlers?.close();
});
beforeEach(async () => {
  await handlers.owner`delete from reports.subscriptions`;
  await handlers.owner`delete from customers.mails`;
  owner = await newServer(handlers.applications, 'reports:read', 'reports:schedule', 'catalog:read');
});

const morning = {
  name: 'Every morning',
  report: 'sales',
  range: 'yesterday',
  parameters: { groupBy: 'day' },
  schedule: { every: 'day', hour: 8, zone: 'Europe/Berlin' },
  emails: ['owner@example.com', 'finance@example.com'],
  webhook: true,
};
const call = (operation: OperationId, options: Call = {}, token = owner.key) =>
  handlers.call(operation, { token, ...options });
const create = (changes: object = {}, headers: Record<string, string> = {}) =>
  call('create-report-subscription', { body: { ...morning, ...changes }, headers });
async function subscribe(changes: object = {}) {
  const { status, body } = await create(changes);
  expect(status).toBe(201);
  return { subscriptionId: body.id as string, nextAt: Date.parse(body.nextAt) };
}
const runsOf = async (subscriptionId: string) =>
  (await call('list-report-runs', { parameters: { subscriptionId } })).body.data.toReversed();

/** The job as it is deployed. */
const job = async () => (await import('../../functions/jobs/send-reports.ts')).handler({}, {} as Context);
const sending = () =>
  reportSending(runtime(), reportsAs('reporting', runtime()), routes['create-report-subscription'].scopes);
type Sending = Parameters<typeof run>[0];
/** The job with parts of it replaced. */
const jobWith = (changes: Partial<Sending> | ((usual: Sending) => Partial<Sending>)) => {
  const usual = { ...sending(), sql: () => sqlAs('report_sender'), limitMs: 60_000 };
  return run({ ...usual, ...(typeof changes === 'function' ? changes(usual) : changes) });
};

/** Sends the mails that are due, as the job does; some of them the provider refuses to take at first. */
async function deliver(fails: (mail: Mail) => boolean = () => false): Promise<Mail[]> {
  const sent: Mail[] = [];
  const mailer = {
    async send(mail: Mail) {
      if (fails(mail)) throw new Error('the provider does not answer');
      sent.push(mail);
    },
  };
  await sendMails({ sql: handlers.owner, mailer, clock, stopwatch, budgetSeconds: 60, onError: () => {} });
  return sent;
}
const subjects = (mails: readonly Mail[], to: string) =>
  mails.filter((mail) => mail.to === to).map(({ subject }) => subject);
const events = (subscriptionId: string) =>
  handlers.owner`select occurrence, data from outbox.events where aggregate_id = ${subscriptionId} order by sequence`;

describe('a week that passes', () => {
  test('brings exactly seven reports, in order, however often and by however many the job is run', async () => {
    const { subscriptionId, nextAt } = await subscribe();
    ahead += 7 * day;
    const days = Array.from({ length: 7 }, (_, n) => new Date(nextAt + n * day).toISOString().slice(0, 10));
    const rename = (name: string) =>
      call('update-report-subscription', { parameters: { subscriptionId }, body: { name } });
    const changes = async () => {
      for (let n = 0; n < 20; n++) expect((await rename(n % 2 ? 'Every morning' : 'Other')).status).toBe(200);
    };
    await Promise.all([job(), job(), job(), changes()]);
    await job();
    const runs = await runsOf(subscriptionId);
    expect(runs.map(({ to }: { to: string }) => to)).toEqual(days);
    expect(runs.every((each: object) => 'status' in each && each.status === 'sent')).toBe(true);
    const [first] = runs;
    expect(Date.parse(first.dueAt)).toBe(nextAt);
    expect(first).toMatchObject({ reason: null, stale: false, rows: 0, emails: 2 });

    const stored = await events(subscriptionId);
    expect(stored.map(({ occurrence }) => occurrence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(stored[0]!.data).toMatchObject({
      applicationId: owner.id,
      status: 'sent',
      path: `/reports/sales?groupBy=day&from=${first.from}&to=${first.to}&zone=Europe%2FBerlin`,
    });

    // A provider that fails is asked again, and our own record has each mail once.
    const failedOnce = new Set<Mail['subject']>();
    const firstTry = await deliver(({ subject, to }) => to.startsWith('owner') && !!failedOnce.add(subject));
    expect(subjects(firstTry, 'owner@example.com')).toEqual([]);
    ahead += 2 * 60_000;
    const secondTry = await deliver();
    const expected = runs.map(({ from }: { from: string }) => expect.stringContaining(`${from} to ${from}`));
    expect(subjects(secondTry, 'owner@example.com')).toEqual(expected);
    expect(subjects([...firstTry, ...secondTry], 'finance@example.com')).toEqual(expected);
    expect(await deliver()).toEqual([]);
    expect(await handlers.owner`select from customers.mails where sent_at is not null`).toHaveLength(14);
  });

  test('has nothing doubled or lost when the job dies at any point', async () => {
    const { subscriptionId } = await subscribe();
    ahead += 3 * day;
    let died = 0;
    const dying = (at: 'before' | 'after') => (usual: Sending) => ({
      limitMs: 0,
      writeMails: async (...args: Parameters<Sending['writeMails']>) => {
        if (at === 'after') await usual.writeMails(...args);
        died += 1;
        throw new Error('killed');
      },
    });
    // The transaction of a due time is rolled back whole, and the next run does it.
    await jobWith((usual) => ({ ...dying('before')(usual), limitMs: 60_000 }));
    await jobWith((usual) => ({ ...dying('after')(usual), limitMs: 60_000 }));
    expect(died).toBeGreaterThan(0);
    expect(await runsOf(subscriptionId)).toEqual([]);
    expect(await deliver()).toEqual([]);
    ahead += 2 * 60_000;
    await job();
    await job();
    expect(await runsOf(subscriptionId)).toHaveLength(3);
    expect(await deliver()).toHaveLength(6);
    expect(await events(subscriptionId)).toHaveLength(3);
  });

  test('is cut into what was due before and after a change, and has nothing of a pause', async () => {
    const { subscriptionId, nextAt } = await subscribe();
    const change = (body: object) => call('update-report-subscription', { parameters: { subscriptionId }, body });
    expect((await change({ status: 'paused' })).body).toMatchObject({ status: 'paused', nextAt: null });
    ahead += 3 * day;
    expect(await job()).toMatchObject({ sent: 0 });
    const resumed = await change({ status: 'active' });
    expect(Date.parse(resumed.body.nextAt)).toBe(nextAt + 3 * day);
    ahead = Date.parse(resumed.body.nextAt) - systemClock.now() + 1000;
    // Somebody changes it while the report is being made: it is made again, for whom it is now.
    const usual = sending();
    let changed = false;
    const outcome = await jobWith({
      ask: async (report, query) => {
        if (!changed) await change({ emails: ['new@example.com'] });
        changed = true;
        return usual.ask(report, query);
      },
    });
    expect(outcome).toMatchObject({ taken: 1, sent: 1 });
    expect((await deliver()).map(({ to }) => to)).toEqual(['new@example.com']);
  });
});

describe('an application', () => {
  const stored = async () => (await readApplication(handlers.applications, owner.id))!;
  const changeOwner = async (changes: Partial<Pick<ApplicationItem, 'status' | 'scopes'>>) =>
    changeApplication(handlers.applications, await stored(), changes);

  test('that is suspended gets nothing, also not later, and its runs say so', async () => {
    const { subscriptionId } = await subscribe();
    await changeOwner({ status: 'suspended' });
    ahead += 2 * day;
    expect(await job()).toMatchObject({ skipped: 2, sent: 0 });
    expect(await deliver()).toEqual([]);
    await changeOwner({ status: 'active' });
    expect(await job()).toMatchObject({ skipped: 0, sent: 0 });
    expect(await runsOf(subscriptionId)).toMatchObject([
      { status: 'skipped', reason: 'suspended', emails: 0 },
      { status: 'skipped', reason: 'suspended' },
    ]);
    expect(await events(subscriptionId)).toEqual([]);
  });

  test('that may no longer read reports gets none, and one that is removed loses its subscriptions', async () => {
    const { subscriptionId } = await subscribe();
    await changeOwner({ scopes: ['reports:schedule'] });
    ahead += day;
    expect(await job()).toMatchObject({ skipped: 1 });
    const [run] = await handlers.owner`select reason from reports.runs where subscription_id = ${subscriptionId}`;
    expect(run).toEqual({ reason: 'lacks-scopes' });
    await removeApplication(handlers.applications, await stored());
    ahead += day;
    expect(await job()).toMatchObject({ dropped: 1, sent: 0 });
    expect(await handlers.owner`select from reports.subscriptions`).toHaveLength(0);
    expect(await deliver()).toEqual([]);
  });
});

describe('a report', () => {
  const answer = (asOf: number, changes: Partial<ReportAnswer> = {}): ReportAnswer => ({
    asOf: new Date(asOf).toISOString(),
    lagSeconds: 1,
    stale: false,
    data: [{ key: null, currency: 'EUR', units: 1, sales: 5, refunds: 0, net: 5, name: '=1+1' }],
    parts: [
      {
        source: 'reader',
        from: new Date(asOf - day).toISOString(),
        to: new Date(asOf + day).toISOString(),
        asOf: new Date(asOf).toISOString(),
        lagSeconds: 1,
      },
    ],
    ...changes,
  });

  test('waits until its data are from after what it is of', async () => {
    const { subscriptionId, nextAt } = await subscribe();
    ahead = nextAt - systemClock.now() + 5000;
    expect(await jobWith({ ask: async () => answer(nextAt - 1) })).toMatchObject({ waiting: 1, sent: 0 });
    // It is asked again a minute later, and not before.
    expect(await jobWith({ ask: () => Promise.reject(new Error('asked')) })).toMatchObject({ waiting: 0 });
    ahead += 61_000;
    expect(await jobWith({ ask: async () => answer(nextAt) })).toMatchObject({ sent: 1 });
    expect(await runsOf(subscriptionId)).toHaveLength(1);
    const [mail] = await deliver();
    expect(mail!.text).toMatch(/EUR\nunits: 1\nsales: 0\.05\n/);
    expect(mail!.attachment).toMatchObject({ name: expect.stringMatching(/^sales-[\d-]{21}\.csv$/) });
    expect(mail!.attachment!.text.split('\r\n')).toHaveLength(3);
  });

  test('is sent after two hours though its data are old, and says so', async () => {
    const { nextAt } = await subscribe({ attachment: 'none', webhook: false });
    // Also when nobody tried before: the two hours begin with the first attempt.
    ahead = nextAt - systemClock.now() + 5 * hour;
    const old = answer(nextAt - day, { stale: true, history: 'never-loaded' });
    expect(await jobWith({ ask: async () => old })).toMatchObject({ waiting: 1, sent: 0 });
    ahead += 2 * hour;
    expect(await jobWith({ ask: async () => old })).toMatchObject({ sent: 1 });
    const [mail] = await deliver();
    expect(mail!.text).toMatch(/older than they usually are[\s\S]*never loaded/);
    expect(mail!.attachment).toBeUndefined();
  });

  test('that cannot be made waits two hours, then its recipients and the receiver are told', async () => {
    const { subscriptionId, nextAt } = await subscribe();
    ahead = nextAt - systemClock.now() + 5000;
    const broken = { ask: () => Promise.reject(new Problem('history-broken', 'The file x is missing.')) };
    expect(await jobWith(broken)).toMatchObject({ waiting: 1, failed: 0 });
    ahead += 2 * hour;
    expect(await jobWith(broken)).toMatchObject({ waiting: 0, failed: 1 });
    expect((await deliver())[0]).toMatchObject({
      subject: expect.stringContaining(': failed'),
      text: expect.stringContaining('The file x is missing.'),
    });
    expect(await runsOf(subscriptionId)).toMatchObject([{ status: 'failed', reason: 'history-broken', rows: null }]);
    expect((await events(subscriptionId))[0]!.data).toMatchObject({ status: 'failed', reason: 'history-broken' });
  });

  test('that is too large fails at once, and keeps no other from being sent', async () => {
    await subscribe({ name: 'Too large', parameters: { groupBy: 'product' } });
    const { nextAt } = await subscribe({ name: 'Other' });
    ahead = nextAt - systemClock.now() + 5000;
    const usual = sending();
    const outcome = await jobWith({
      ask: async (report, query) => {
        if (query.groupBy === 'product') throw new Problem('report-too-large', 'It has too many rows.');
        return usual.ask(report, query);
      },
    });
    expect(outcome).toMatchObject({ failed: 1, sent: 1 });
  });
});

describe('a subscription', () => {
  test('is shown to its application alone, changed at its version, and deleted', async () => {
    const { headers, body } = await create({}, { 'idempotency-key': 'one' });
    expect(headers).toMatchObject({ etag: '"1"', location: `/report-subscriptions/${body.id}` });
    const again = await create({}, { 'idempotency-key': 'one' });
    expect(again.body).toEqual(body);
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true' });
    const parameters = { subscriptionId: body.id };
    expect((await call('list-report-subscriptions')).body.data).toEqual([body]);
    const other = await newServer(handlers.applications, 'reports:read', 'reports:schedule');
    expect(await call('get-report-subscription', { parameters }, other.key)).toMatchObject({ status: 404 });
    expect((await call('list-report-subscriptions', {}, other.key)).body.data).toEqual([]);
    const reader = await newServer(handlers.applications, 'reports:read');
    expect(await call('list-report-subscriptions', {}, reader.key)).toMatchObject({ status: 403 });

    const change = (with_: object, version: number) =>
      call('update-report-subscription', { parameters, body: with_, headers: { 'if-match': `"${version}"` } });
    const changed = await change({ name: 'At night', schedule: { every: 'week', hour: 3, weekday: 7 } }, 1);
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(changed.body.schedule).toEqual({ every: 'week', hour: 3, weekday: 7, zone: 'UTC' });
    expect(new Date(changed.body.nextAt).getUTCDay()).toBe(0);
    expect(await change({ name: 'Never' }, 1)).toMatchObject({ status: 412, body: { code: 'version-stale' } });
    expect(await change({ range: null }, 2)).toMatchObject({ status: 422, body: { code: 'range-unknown' } });
    expect((await call('get-report-subscription', { parameters })).body).toEqual(changed.body);
    expect(await call('delete-report-subscription', { parameters })).toMatchObject({ status: 204 });
    expect(await call('delete-report-subscription', { parameters })).toMatchObject({ status: 404 });
  });

  const schedule = morning.schedule;
  test.each<[string, object, string, string]>([
    ['an unknown report', { report: 'profit' }, 'report-unknown', '/report'],
    ['a report that cannot be sent', { report: 'live' }, 'report-unknown', '/report'],
    ['an unknown zone', { schedule: { ...schedule, zone: 'Mars/Base' } }, 'zone-unknown', '/schedule/zone'],
    ['an hour that no day has', { schedule: { ...schedule, hour: 24 } }, 'schedule-invalid', '/schedule/hour'],
    [
      'a day that some months lack',
      { schedule: { every: 'month', hour: 1, day: 31 } },
      'schedule-invalid',
      '/schedule/day',
    ],
    ['a weekday of a day', { schedule: { ...schedule, weekday: 1 } }, 'schedule-invalid', '/schedule/weekday'],
    ['an address that is none', { emails: ['a@example.com', 'nobody'] }, 'recipient-invalid', '/emails/1'],
    ['an address twice', { emails: ['a@example.com', 'A@example.com'] }, 'recipient-invalid', '/emails'],
    ['nobody to send to', { emails: [], webhook: false }, 'recipient-invalid', '/emails'],
    ['an unknown range', { range: 'tomorrow' }, 'range-unknown', '/range'],
    ['no range for a period', { range: null }, 'range-unknown', '/range'],
    ['a range for a report of now', { report: 'stock', parameters: {} }, 'range-unknown', '/range'],
    ['an unknown grouping', { parameters: { groupBy: 'mood' } }, 'grouping-unknown', '/parameters/groupBy'],
    ['a parameter of another report', { parameters: { days: 7 } }, 'invalid-input', '/parameters/days'],
    ['a period of its own', { parameters: { from: '2026-01-01' } }, 'invalid-input', '/parameters/from'],
  ])('with %s is refused', async (_, changes, code, pointer) => {
    const { status, body } = await create(changes);
    expect(body).toMatchObject({ code, errors: [{ pointer }] });
    expect(status).toBe(code === 'invalid-input' ? 400 : 422);
    expect((await call('list-report-subscriptions')).body.data).toEqual([]);
  });

  test('is one of fifty at most', async () => {
    const { subscriptionId } = await subscribe();
    await handlers.owner`
      insert into reports.subscriptions
      select r.* from reports.subscriptions s, generate_series(1, 49) n,
        jsonb_populate_record(s, jsonb_build_object('id', 'rsb_' || lpad(n::text, 32, '0'))) r
      where s.id = ${subscriptionId}`;
    expect(await create()).toMatchObject({ status: 409, body: { code: 'too-many-report-subscriptions' } });
  });
});
