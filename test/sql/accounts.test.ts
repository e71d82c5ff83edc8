import { scrypt } from 'node:crypto';
import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { run as requestReset } from '../../functions/http/request-password-reset.ts';
import { run as signUp } from '../../functions/http/sign-up.ts';
import { checkPassword } from '../../lib/accounts/customers/check-password.ts';
import { hashPassword } from '../../lib/accounts/customers/passwords.ts';
import { type Mail, MailRefused } from '../../lib/accounts/mail/mailer.ts';
import { oldestUnsent } from '../../lib/accounts/mail/outbox.sql.ts';
import { sendMails } from '../../lib/accounts/mail/send.ts';
import { accountMailKinds, mailOf } from '../../lib/accounts/mail/texts.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';
import { poolOptions } from '../support/handlers.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>();
  return { ...original, scrypt: vi.fn(original.scrypt) };
});

const cost = { ln: 5, r: 8, p: 1 };
const day = 24 * 3600_000;
let database: TestDatabase;
let dynamo: TestDynamo;
let sql: Sql;
let mailer: Sql;
let owner: Sql;
let statements: string[] = [];
let now = Date.UTC(2026, 0, 1);
const clock = { now: () => now };

beforeAll(async () => {
  [database, dynamo] = await Promise.all([createDatabase(), startTestDynamo([{ name: 'limits', ...tables.limits }])]);
  const debug = (_: number, query: string) => statements.push(query.replace(/\s+/g, ' ').trim());
  sql = database.connect('customers_api', { ...poolOptions, debug }) as unknown as Sql;
  mailer = database.connect('mailer', { ...poolOptions, max: 4 }) as unknown as Sql;
  owner = database.connect('migrator', poolOptions) as unknown as Sql;
});
afterAll(async () => {
  await Promise.all([sql.end(), mailer.end(), owner.end(), dynamo.stop()]);
  await database.drop();
});
beforeEach(async () => {
  now = Date.UTC(2026, 0, 1);
  await owner`delete from customers.mails`;
  await owner`delete from customers.email_tokens`;
  await owner`delete from customers.customers`;
  await owner`
    insert into customers.customers (id, email, name, password_hash, created_at, updated_at, confirmed_at)
    values (
      ${`cus_${'1'.repeat(32)}`}, 'known@example.com', 'Known', ${await hashPassword('correct horse', cost)},
      now(), now(), now()
    )`;
});
afterEach(() => {
  vi.mocked(scrypt).mockClear();
});

const rules = { clock, mustConfirm: true, pagesUrl: undefined };
const request = (body: object) =>
  ({ body, caller: { kind: 'anonymous', address: '192.0.2.1' }, concerns: () => {} }) as never;

/** The statements and hashes that `work` needs. */
async function workOf(work: () => Promise<unknown>): Promise<{ statements: string[]; hashes: unknown[] }> {
  statements = [];
  vi.mocked(scrypt).mockClear();
  await work().catch(() => {});
  return { statements, hashes: vi.mocked(scrypt).mock.calls.map(([, , length, options]) => [length, options]) };
}

describe('the same work is done for an e-mail with an account and for one without', () => {
  const emails = ['known@example.com', 'unknown@example.com'];

  test.for([true, false])('at sign-up (must confirm: %s)', async (mustConfirm) => {
    const keys = { table: 'customers.idempotency_keys', clock, keepSeconds: 86_400 } as const;
    const deps = { sql: () => sql, rules: { ...rules, mustConfirm }, keys, cost };
    const works = [];
    for (const email of emails) {
      works.push(await workOf(() => signUp(request({ email, password: 'some password', name: 'Eve' }), deps)));
    }
    expect(works[0]).toEqual(works[1]);
    // Where the mailbox must be confirmed, its owner chooses the password then.
    expect(works[0]!.hashes).toHaveLength(mustConfirm ? 0 : 1);
    expect(works[0]!.statements.filter((statement) => /^insert/.test(statement))).toHaveLength(3);
    const [{ mails }] = (await owner`select count(*)::integer as mails from customers.mails`) as unknown as [
      { mails: number },
    ];
    expect(mails).toBe(2);
  });

  test('at password reset', async () => {
    const works = [];
    for (const email of emails)
      works.push(await workOf(() => requestReset(request({ email }), { sql: () => sql, rules })));
    expect(works[0]).toEqual(works[1]);
    expect(works[0]!.statements.filter((statement) => /^insert/.test(statement))).toHaveLength(2);
    const rows = await owner`select recipient, kind, body is not null as waits from customers.mails order by 1`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { recipient: 'known@example.com', kind: 'reset', waits: true },
      { recipient: 'unknown@example.com', kind: 'nobody', waits: false },
    ]);
  });

  test('at sign-in, with a wrong password and with an e-mail that is not confirmed', async () => {
    await owner`
      insert into customers.customers (id, email, name, password_hash, created_at, updated_at, confirmed_at)
      select ${`cus_${'2'.repeat(32)}`}::text, 'early@example.com', name, password_hash, now(), now(), null
      from customers.customers`;
    const lockout = { client: dynamo.documents, table: 'limits', clock };
    const meter = { count: () => {} };
    const works = [];
    for (const [email, password] of [
      ['known@example.com', 'wrong horse'],
      ['unknown@example.com', 'correct horse'],
      ['early@example.com', 'correct horse'],
    ]) {
      const before = { ...dynamo.calls() };
      const loginAttempt = { email: email!, password: password!, address: '192.0.2.1' };
      const work = await workOf(() =>
        checkPassword({ sql: () => sql, lockout, cost, clock, mustConfirm: true }, loginAttempt, {
          meter,
          concerns: () => {},
        }),
      );
      const after = dynamo.calls();
      const calls = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]);
      works.push({ ...work, calls: calls.filter(([, count]) => count !== 0) });
    }
    expect(works[1]).toEqual(works[0]);
    expect(works[2]).toEqual(works[0]);
    expect(works[0]!.hashes).toHaveLength(1);
  });
});

describe('mails', () => {
  const write = (kind = 'reset', to = 'known@example.com') => owner`
    insert into customers.mails (id, kind, recipient, subject, body, created_at, next_attempt_at, keep_until)
    values (
      ${`eml_${crypto.randomUUID().replaceAll('-', '')}`}, ${kind}, ${to}, 'Hello', 'cfe_secret', ${new Date(now)}, ${new Date(now)},
      ${new Date(now + 30 * 24 * 3600_000)}
    )`;
  const send = (carrier: ((mail: Mail) => Promise<void>) | undefined) =>
    sendMails({
      sql: mailer,
      mailer: carrier && { send: carrier },
      clock,
      stopwatch: { elapsed: () => now },
      budgetSeconds: 30,
      onError: () => {},
    });
  const refuse = () => Promise.reject(new Error('SES is away'));
  const state = async () => {
    const [row] = await owner`select subject, body, attempts, sent_at, given_up_at from customers.mails`;
    return { ...row };
  };

  test('are sent, and their text is deleted', async () => {
    await write();
    const sent: Mail[] = [];
    expect(await send(async (mail) => void sent.push(mail))).toEqual({
      sent: 1,
      failed: 0,
      refused: 0,
      givenUp: 0,
      dropped: 0,
    });
    expect(sent).toEqual([{ to: 'known@example.com', subject: 'Hello', text: 'cfe_secret' }]);
    expect(await state()).toEqual({
      subject: null,
      body: null,
      attempts: 1,
      sentAt: new Date(now),
      givenUpAt: null,
    });
    expect((await send(async (mail) => void sent.push(mail))).sent).toBe(0);
  });

  test('that cannot be sent are tried again after one minute, two, four, and given up after a day', async () => {
    await write();
    const tries: number[] = [];
    let givenUp = 0;
    const start = now;
    for (; now <= start + day + 3600_000; now += 60_000) {
      const counts = await send(() => {
        tries.push((now - start) / 60_000);
        return refuse();
      });
      givenUp += counts.givenUp;
    }
    expect(tries.slice(0, 8)).toEqual([0, 1, 3, 7, 15, 31, 63, 123]);
    expect(tries.at(-1)).toBeLessThan(24 * 60);
    expect(givenUp).toBe(1);
    expect(await state()).toMatchObject({ subject: null, body: null, sentAt: null, givenUpAt: expect.any(Date) });
  });

  test('that wait are measured by the oldest, and those that were sent or given up are not', async () => {
    expect(await oldestUnsent(mailer, clock)).toBe(0);
    await write();
    now += 90_500;
    await write('confirm', 'nobody@-');
    expect(await oldestUnsent(mailer, clock)).toBe(90);
    await send(async ({ to }) => {
      if (to === 'nobody@-') throw new MailRefused();
    });
    expect(await oldestUnsent(mailer, clock)).toBe(0);
  });

  test('are sent once by two concurrent jobs', async () => {
    for (let i = 0; i < 30; i++) await write();
    const sent: Mail[] = [];
    const carry = async (mail: Mail) => void sent.push(mail);
    await Promise.all([send(carry), send(carry), send(carry)]);
    expect(sent).toHaveLength(30);
  });

  test('whose sender died after sending are sent again: at least once', async () => {
    await write();
    const { claimMails } = await import('../../lib/accounts/mail/outbox.sql.ts');
    expect(await claimMails(mailer, 10, clock)).toHaveLength(1);
    expect(await claimMails(mailer, 10, clock)).toHaveLength(0);
    now += 60_000;
    expect((await send(async () => {})).sent).toBe(1);
  });

  test('to an invalid address are not tried again, and raise no alarm', async () => {
    await write('confirm', 'nobody@-');
    expect(await send(() => Promise.reject(new MailRefused()))).toMatchObject({ refused: 1, failed: 0, givenUp: 0 });
    expect(await state()).toMatchObject({ body: null, sentAt: null, givenUpAt: new Date(now) });
    now += day;
    expect((await send(async () => {})).sent).toBe(0);
  });

  test('without a sender are dropped, and their text is deleted', async () => {
    await write();
    expect(await send(undefined)).toMatchObject({ sent: 0, dropped: 1 });
    expect(await state()).toMatchObject({ body: null, sentAt: null });
  });

  test('to one address that fail do not delay others', async () => {
    await write('reset', 'bad@example.com');
    await write('reset', 'good@example.com');
    const counts = await send(async ({ to }) => (to.startsWith('bad') ? refuse() : undefined));
    expect(counts).toMatchObject({ sent: 1, failed: 1 });
  });

  test.each(accountMailKinds)('of kind %s show their token, if they have one, alone or in a link', (kind) => {
    const token = 'cfe_abc';
    const [plain, linked] = [mailOf(kind, { token }), mailOf(kind, { token, pagesUrl: 'https://shop.example.com/a/' })];
    const holds = ['confirm', 'reset', 'change'].includes(kind);
    expect(plain.text.includes(`\n${token}\n`)).toBe(holds);
    expect(/\nhttps:\/\/shop\.example\.com\/a\/[a-z-]+#token=cfe_abc\n/.test(linked.text)).toBe(holds);
    expect(plain.subject === '').toBe(kind === 'nobody');
  });
});
