import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { claimMails } from '../../lib/accounts/mail/outbox.sql.ts';
import { sendMails } from '../../lib/accounts/mail/send.ts';
import type { AccountMailKind } from '../../lib/accounts/mail/texts.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { mailedToken, mailsSentTo } from '../support/mailbox.ts';

// Hashing dozens of passwords at full cost would take most of a minute.
vi.mock('../../lib/accounts/customers/passwords.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../lib/accounts/customers/passwords.ts')>()),
  passwordCost: { ln: 5, r: 8, p: 1 },
}));

const password = 'correct horse';
const newPassword = 'battery staple';
let handlers: LiveHandlers;
let people = 0;
let email: string;

beforeAll(async () => {
  handlers = await openLiveHandlers({ RATE_LIMIT_PER_MINUTE: '1000', CONFIRM_EMAIL: 'required' });
});
afterAll(() => handlers.close());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  email = `ada-${++people}@example.com`;
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const signUp = (more: object = {}) => handlers.call('sign-up', { body: { email, password, name: 'Ada', ...more } });
const signIn = (more: object = {}) => handlers.call('sign-in', { body: { email, password, ...more } });
const confirm = (token: string, more: object = {}) =>
  handlers.call('confirm-email', { body: { token, password, ...more } });
const askForReset = (of = email) => handlers.call('request-password-reset', { body: { email: of } });
const reset = (token: string, to = newPassword) => handlers.call('reset-password', { body: { token, password: to } });
const getMe = (token: string) => handlers.call('get-me', { token });
const tokenInvalid = { status: 400, body: { code: 'token-invalid' } };
const wrong = { status: 401, body: { code: 'invalid-credentials' } };

/** The mails to an address, newest last. */
const mailsTo = (to: string) =>
  handlers.owner<{ kind: string; body: string | null }[]>`
    select kind, body from customers.mails where recipient = ${to} order by id`;
const kindsTo = async (to: string) => (await mailsTo(to)).map(({ kind }) => kind);
/** The token in the latest mail of a kind. */
const mailed = (kind: AccountMailKind, to = email) => mailedToken(handlers.owner, to, kind);
/** Signs in a customer with a confirmed address. */
async function customer(): Promise<string> {
  await signUp();
  await confirm(await mailed('confirm'));
  return (await signIn()).body.token;
}

describe('signing up', () => {
  test('opens the account once the e-mail address is confirmed; before that, signing in is refused like a wrong password', async () => {
    expect(await signUp()).toMatchObject({ status: 202, body: { email } });
    const [early, unknown] = [await signIn(), await signIn({ email: `nobody-${email}` })];
    expect(early).toMatchObject(wrong);
    expect({ ...early.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    const token = await mailed('confirm');
    expect(await confirm(token)).toMatchObject({ status: 204, text: '' });
    expect((await signIn()).status).toBe(201);
    expect(await confirm(token)).toMatchObject(tokenInvalid);
  });

  test('with an address that has an account gets the same answer, and the owner gets a mail', async () => {
    const token = await customer();
    const fresh = await handlers.call('sign-up', { body: { email: `new-${email}`, password, name: 'Eve' } });
    const taken = await signUp({ password: 'evil password', name: 'Eve', email: email.toUpperCase() });
    expect(taken.status).toBe(fresh.status);
    expect(taken.body).toEqual({ email });
    expect(Object.keys(taken.headers)).toEqual(Object.keys(fresh.headers));
    expect(await kindsTo(email)).toEqual(['confirm', 'sign-up-again']);
    expect(await signIn({ password: 'evil password' })).toMatchObject(wrong);
    expect((await getMe(token)).body).toMatchObject({ name: 'Ada', email, version: 1 });
  });

  test.each([
    ['before the owner', ['evil', 'own']],
    ['after the owner', ['own', 'evil']],
    ['before and after the owner', ['evil', 'own', 'evil']],
  ])('with a foreign address %s gives nobody else the account', async (_, order) => {
    for (const who of order) await signUp(who === 'evil' ? { password: 'evil password', name: 'Eve' } : {});
    expect((await confirm(await mailed('confirm'), { name: 'Ada' })).status).toBe(204);
    expect(await signIn({ password: 'evil password' })).toMatchObject(wrong);
    expect((await getMe((await signIn()).body.token)).body).toMatchObject({ name: 'Ada' });
  });

  test('twice at the same moment: the mail that comes last opens the account, however slow the first one is', async () => {
    await Promise.all([signUp(), signUp()]);
    const arrived: string[] = [];
    let begun = 0;
    await sendMails({
      sql: handlers.owner,
      mailer: {
        async send({ to, text }) {
          if (to !== email) return;
          if (begun++ === 0) await new Promise((resolve) => setTimeout(resolve, 100));
          arrived.push(/cfe_[\w-]{43}/.exec(text)?.[0] ?? '');
        },
      },
      clock: systemClock,
      stopwatch,
      budgetSeconds: 60,
      onError: (_, error) => {
        throw error;
      },
    });
    expect(arrived).toHaveLength(2);
    expect((await confirm(arrived[1]!)).status).toBe(204);
  });

  test('five times with a foreign address does not keep the owner out: the latest mail opens the account', async () => {
    for (let i = 0; i < 6; i++) await signUp({ password: 'evil password', name: 'Eve' });
    await signUp({ password: undefined });
    expect(await mailsTo(email)).toHaveLength(5);
    expect((await confirm(await mailed('confirm'))).status).toBe(204);
    expect((await signIn()).status).toBe(201);
  });

  test('twice before confirming creates one account, with the name and the token of the latest sign-up', async () => {
    await signUp({ name: 'Eve' });
    const first = await mailed('confirm');
    await signUp();
    expect(await confirm(first)).toMatchObject(tokenInvalid);
    expect((await confirm(await mailed('confirm'))).status).toBe(204);
    expect((await getMe((await signIn()).body.token)).body.name).toBe('Ada');
  });

  test('mails an address at most five times an hour, and the answer does not show it', async () => {
    for (let i = 0; i < 8; i++) expect(await signUp()).toMatchObject({ status: 202, body: { email } });
    expect(await mailsTo(email)).toHaveLength(5);
    pass(3601);
    await signUp();
    expect(await mailsTo(email)).toHaveLength(6);
  });

  test('stores no token, neither before nor after it is mailed, but its hash; it is valid for a day', async () => {
    await signUp();
    const stored = async () =>
      JSON.stringify([
        await handlers.owner`select * from customers.email_tokens`,
        await handlers.owner`select * from customers.mails`,
      ]);
    expect(await stored()).not.toContain('cfe_');
    const token = await mailed('confirm');
    expect(await stored()).not.toContain(token.slice(4));
    pass(24 * 3600 - 1);
    expect((await confirm(token)).status).toBe(204);
    await signUp({ email: `late-${email}` });
    const late = await mailed('confirm', `late-${email}`);
    pass(24 * 3600 + 1);
    expect(await confirm(late)).toMatchObject(tokenInvalid);
  });
});

describe('mails that anybody can request', () => {
  test('have a budget for each kind: sign-ups do not use up that of resets', async () => {
    await customer();
    for (let i = 0; i < 6; i++) await signUp();
    await askForReset();
    expect((await kindsTo(email)).at(-1)).toBe('reset');
    expect((await reset(await mailed('reset'))).status).toBe(204);
  });

  test('are counted exactly: of forty concurrent resets five are mailed', async () => {
    await customer();
    await Promise.all(Array.from({ length: 40 }, () => askForReset()));
    expect((await kindsTo(email)).filter((kind) => kind === 'reset')).toHaveLength(5);
  });

  test('for sub-addresses of one mailbox count together for a network, and not for another', async () => {
    const [local, domain] = email.split('@');
    const ask = (n: number, address: string) =>
      handlers.call('sign-up', { body: { email: `${local}+${n}@${domain}`, password, name: 'Ada' }, address });
    for (let n = 0; n < 7; n++) await ask(n, '192.0.2.1');
    const count = async () =>
      (await handlers.owner`select from customers.mails where recipient like ${`${local}+%`}`).length;
    expect(await count()).toBe(5);
    await ask(8, '198.51.100.1');
    expect(await count()).toBe(6);
  });

  test('are sent with the resets first', async () => {
    await customer();
    await signUp({ email: `early-${email}` });
    pass(60);
    await askForReset();
    await handlers.owner`
      update customers.mails set sent_at = now(), subject = null, body = null
      where body is not null and recipient not in (${email}, ${`early-${email}`})`;
    const [first] = await claimMails(handlers.owner, 1, { now: () => Date.now() });
    expect(first).toMatchObject({ kind: 'reset', to: email });
  });
});

describe('a new password', () => {
  const easy = ['password', '12345678', 'Password1', '        ', 'aaaaaaaa', 'counterfoil1', 'Iloveyou!!'];

  test.each(easy)('%j is refused wherever one is chosen, and nothing changes', async (tooEasy) => {
    const refusal = (pointer: string) => ({ status: 400, body: { code: 'invalid-input', errors: [{ pointer }] } });
    expect(await signUp({ password: tooEasy })).toMatchObject(refusal('/password'));
    expect(await mailsTo(email)).toEqual([]);
    await signUp();
    expect(await confirm(await mailed('confirm'), { password: tooEasy })).toMatchObject(refusal('/password'));
    expect((await confirm(await mailed('confirm'))).status).toBe(204);
    const { token } = (await signIn()).body;
    const change = { token, body: { password, newPassword: tooEasy } };
    expect(await handlers.call('change-password', change)).toMatchObject(refusal('/newPassword'));
    await askForReset();
    expect(await reset(await mailed('reset'), tooEasy)).toMatchObject(refusal('/password'));
    expect((await signIn()).status).toBe(201);
  });

  test('that is the customer’s e-mail or name is refused', async () => {
    const long = { email: `augusta.king-${email}`, name: 'Augusta Lovelace' };
    for (const about of [long.email, 'augusta1', 'AugustaLovelace', 'lovelace!']) {
      expect(await signUp({ ...long, password: about })).toMatchObject({
        status: 400,
        body: { code: 'invalid-input' },
      });
    }
    expect((await signUp({ ...long, password: 'augusta met babbage in 1833' })).status).toBe(202);
  });
});

describe('guessing a password from many networks', () => {
  const guess = (n: number) =>
    handlers.call('sign-in', {
      body: { email, password: `guess ${n}` },
      address: `198.51.${Math.floor(n / 250)}.${n % 250}`,
    });

  test('ends at fifty in a day, and the owner hears of it', async () => {
    await customer();
    let checked = 0;
    for (let n = 0; n < 400; n++) {
      if ((await guess(n)).status === 401) checked++;
      pass(120);
    }
    expect(checked).toBeLessThanOrEqual(50);
    expect(checked).toBeGreaterThan(20);
    expect((await kindsTo(email)).filter((kind) => kind === 'sign-ins-failed').length).toBeGreaterThan(0);
    expect((await signIn()).status, 'from a network of the owner’s').toBe(201);
    pass(24 * 3600);
    expect((await guess(401)).status).toBe(401);
  });
});

describe('the audit', () => {
  test('has every change of credentials and every failed sign-in under the customer', async () => {
    handlers.accessLines.length = 0;
    const token = await customer();
    const { id } = (await getMe(token)).body;
    await signIn({ password: 'wrong horse' });
    await handlers.call('request-email-change', { token, body: { email: `new-${email}`, password } });
    await handlers.call('change-email', { body: { token: await mailed('change', `new-${email}`) } });
    await askForReset(`new-${email}`);
    await reset(await mailed('reset', `new-${email}`));
    const lines = handlers.accessLines.map((line) => JSON.parse(line));
    const found = lines.filter(({ customerId }) => customerId === id);
    expect(found.map(({ operation, status }) => `${operation} ${status}`)).toEqual([
      'sign-up 202',
      'confirm-email 204',
      'sign-in 201',
      'get-me 200',
      'sign-in 401',
      'request-email-change 202',
      'change-email 204',
      'request-password-reset 202',
      'reset-password 204',
    ]);
  });
});

describe('resetting a password', () => {
  test('sets the new one, and ends every session and every other token', async () => {
    const [one, two] = [await customer(), (await signIn()).body.token];
    await handlers.call('request-email-change', { token: one, body: { email: `new-${email}`, password } });
    expect(await askForReset()).toMatchObject({ status: 202, body: { email } });
    expect(await reset(await mailed('reset'))).toMatchObject({ status: 204, text: '' });
    for (const bearer of [one, two]) expect((await getMe(bearer)).status).toBe(401);
    expect(await signIn()).toMatchObject(wrong);
    expect((await signIn({ password: newPassword })).status).toBe(201);
    const change = await mailed('change', `new-${email}`);
    expect(await handlers.call('change-email', { body: { token: change } })).toMatchObject(tokenInvalid);
    expect((await kindsTo(email)).at(-1)).toBe('password-changed');
  });

  test('of an unknown address gets the same answer, and sends no mail', async () => {
    await customer();
    const [known, unknown] = [await askForReset(), await askForReset(`nobody-${email}`)];
    expect(unknown).toMatchObject({ status: known.status, body: { email: `nobody-${email}` } });
    expect(Object.keys(unknown.headers)).toEqual(Object.keys(known.headers));
    expect(await mailsTo(`nobody-${email}`)).toEqual([{ kind: 'nobody', body: null }]);
  });

  test('confirms the e-mail', async () => {
    await signUp();
    await askForReset();
    await reset(await mailed('reset'));
    expect((await signIn({ password: newPassword })).status).toBe(201);
  });

  test('works once, within an hour, and only with the latest token', async () => {
    await customer();
    await askForReset();
    const first = await mailed('reset');
    await askForReset();
    const second = await mailed('reset');
    for (const token of [first, 'cfe_', 'x'.repeat(200), await mailed('confirm')]) {
      expect(await reset(token), token).toMatchObject(tokenInvalid);
    }
    expect(await confirm(second)).toMatchObject(tokenInvalid);
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => reset(second, `new password ${i}`)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 204) expect(answer).toMatchObject(tokenInvalid);
    const winner = answers.findIndex(({ status }) => status === 204);
    expect((await signIn({ password: `new password ${winner}` })).status).toBe(201);
    await askForReset();
    pass(3601);
    expect(await reset(await mailed('reset'))).toMatchObject(tokenInvalid);
  });

  test('lets the owner sign in from the same network, however many attempts others have made', async () => {
    await customer();
    for (let i = 0; i < 25; i++) {
      const body = { email, password: 'wrong horse' };
      await handlers.call('sign-in', { body, address: `203.0.113.${i}` });
    }
    const away = { address: '198.51.100.4' };
    const body = { email, password: newPassword };
    await askForReset();
    const token = await mailed('reset');
    expect((await handlers.call('sign-in', { body, ...away })).status).toBe(429);
    await handlers.call('reset-password', { body: { token, password: newPassword }, ...away });
    expect((await handlers.call('sign-in', { body, ...away })).status).toBe(201);
  });

  test('while sessions cannot be ended is 503, changes nothing and leaves the token valid', async () => {
    const bearer = await customer();
    await askForReset();
    const token = await mailed('reset');
    handlers.dynamo.refuse();
    try {
      expect(await reset(token)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    } finally {
      await handlers.dynamo.resume();
    }
    expect((await signIn()).status).toBe(201);
    expect((await reset(token)).status).toBe(204);
    expect((await getMe(bearer)).status).toBe(401);
  });
});

describe('a signed-in customer', () => {
  test('changes the password with the current one; other sessions end, this one stays', async () => {
    const [mine, other] = [await customer(), (await signIn()).body.token];
    await askForReset();
    const asked = await mailed('reset');
    await askForReset();
    const change = (body: object) => handlers.call('change-password', { token: mine, body });
    expect(await change({ password: 'wrong horse', newPassword })).toMatchObject(wrong);
    expect(await change({ password, newPassword: 'short' })).toMatchObject({ status: 400 });
    expect(await change({ password, newPassword })).toMatchObject({ status: 204, text: '' });
    expect((await getMe(mine)).status).toBe(200);
    expect((await getMe(other)).status).toBe(401);
    expect(await signIn()).toMatchObject(wrong);
    expect((await signIn({ password: newPassword })).status).toBe(201);
    expect(await reset(asked)).toMatchObject(tokenInvalid);
    // The second mail has not been sent yet. Its token is void, so it never is.
    const resets = (await mailsSentTo(handlers.owner, email)).filter(
      ({ subject }) => subject === 'Reset your password',
    );
    expect(resets).toHaveLength(1);
  });

  test('has wrong current passwords counted like failed sign-ins', async () => {
    const mine = await customer();
    for (let i = 0; i < 5; i++) {
      const loginAttempt = { password: `wrong ${i}`, newPassword };
      expect(await handlers.call('change-password', { token: mine, body: loginAttempt })).toMatchObject(wrong);
    }
    const body = { email: `new-${email}`, password };
    const locked = { status: 429, body: { code: 'sign-in-locked' } };
    expect(await handlers.call('request-email-change', { token: mine, body })).toMatchObject(locked);
    expect(await signIn()).toMatchObject(locked);
  });

  test('changes the e-mail address with the token sent to the new one, and gets a notice at the old one', async () => {
    const mine = await customer();
    const wanted = `new-${email}`;
    const ask = (more: object = {}) =>
      handlers.call('request-email-change', { token: mine, body: { email: wanted, password, ...more } });
    expect(await ask({ password: 'wrong horse' })).toMatchObject(wrong);
    expect(await ask()).toMatchObject({ status: 202, body: { email: wanted } });
    expect((await getMe(mine)).body.email).toBe(email);
    const token = await mailed('change', wanted);
    expect(await handlers.call('change-email', { body: { token } })).toMatchObject({ status: 204, text: '' });
    expect((await getMe(mine)).status).toBe(401);
    expect(await signIn()).toMatchObject(wrong);
    const again = (await signIn({ email: wanted })).body.token;
    expect((await getMe(again)).body).toMatchObject({ email: wanted, version: 2 });
    expect(await kindsTo(email)).toEqual(['confirm', 'change-asked', 'email-changed']);
    expect(await handlers.call('change-email', { body: { token } })).toMatchObject(tokenInvalid);
  });

  test('does not learn that the address they want has an account; its owner gets a mail', async () => {
    const mine = await customer();
    const theirs = `their-${email}`;
    await signUp({ email: theirs });
    const body = { email: theirs, password };
    expect(await handlers.call('request-email-change', { token: mine, body })).toMatchObject({
      status: 202,
      body: { email: theirs },
    });
    expect(await kindsTo(theirs)).toEqual(['confirm', 'change-taken']);
    expect(await kindsTo(email)).toEqual(['confirm', 'change-asked']);
  });

  test('does not get an address that was taken before the token was used', async () => {
    const mine = await customer();
    const wanted = `new-${email}`;
    await handlers.call('request-email-change', { token: mine, body: { email: wanted, password } });
    const token = await mailed('change', wanted);
    await signUp({ email: wanted });
    expect(await handlers.call('change-email', { body: { token } })).toMatchObject(tokenInvalid);
    expect((await getMe(mine)).body.email).toBe(email);
  });
});
