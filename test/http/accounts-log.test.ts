import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Mail } from '../../lib/accounts/mail/mailer.ts';
import { useMailer } from '../../lib/platform/mailer.ts';
import { type LiveHandlers, openLiveHandlers } from '../support/live-handlers.ts';
import { mailsSentTo } from '../support/mailbox.ts';

/** Values that no line may contain. Each is unique. */
const canaries = {
  email: 'canary-mail@example.com',
  other: 'canary-other@example.com',
  name: 'Canary Nameworth',
  password: 'canary password one',
  newPassword: 'canary password two',
  wrongPassword: 'canary password wrong',
  street: '17 Canary Wharf',
};
const { email, other, name, password, newPassword, wrongPassword } = canaries;
const tokens = new Set<string>();
let handlers: LiveHandlers;
let printed = '';

beforeAll(async () => {
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk: string | Uint8Array) => {
      printed += chunk.toString();
      return true;
    });
  }
  handlers = await openLiveHandlers({
    RATE_LIMIT_PER_MINUTE: '1000',
    POWERTOOLS_LOG_LEVEL: 'DEBUG',
    POWERTOOLS_METRICS_DISABLED: 'false',
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await handlers.close();
});

const call: LiveHandlers['call'] = async (operation, options) => {
  const answer = await handlers.call(operation, options);
  if (answer.body?.token !== undefined) tokens.add(answer.body.token);
  return answer;
};
/** Sends the mails and collects their tokens. @returns the newest */
async function mailed(to: string): Promise<string> {
  const found = (await mailsSentTo(handlers.owner, to)).flatMap(({ text }) => /cfe_[\w-]{43}/.exec(text) ?? []);
  for (const token of found) tokens.add(token);
  return found.at(-1)!;
}

test('no log line of the handlers and the mailing job contains a password, a token, an e-mail address, a name or an IP address', async () => {
  const credentials = { email, password };
  await call('sign-up', { body: { ...credentials, name }, headers: { 'idempotency-key': 'canary-key' } });
  await call('sign-up', { body: { ...credentials, name: `${name} II` } });
  await call('confirm-email', { body: { token: await mailed(email), password } });
  for (let i = 0; i < 6; i++) await call('sign-in', { body: { email: other, password: wrongPassword } });
  await call('sign-in', { body: { email, password: 7, canary: wrongPassword } });
  await call('sign-in', { body: `{"email":"${email}","password":"${wrongPassword}` });
  const { token } = (await call('sign-in', { body: credentials })).body;
  const address = { line1: canaries.street, city: 'London', postalCode: 'E14', country: 'GB' };
  expect((await call('update-me', { token, body: { address } })).status).toBe(200);
  await call('update-me', { token, body: { address: { ...address, country: canaries.street } } });
  await call('request-email-change', { token, body: { email: other, password: wrongPassword } });
  await call('request-email-change', { token, body: { email: other, password } });
  const change = await mailed(other);
  await call('change-password', { token, body: { password, newPassword } });
  await call('change-email', { body: { token: change } });
  await call('request-password-reset', { body: { email } });
  const reset = await mailed(email);
  await call('reset-password', { body: { token: `${reset}x`, password: newPassword } });
  await call('get-me', { token: `${token}x` });

  await handlers.owner`revoke insert on customers.mails from customers_api`;
  await handlers.owner`revoke update on customers.customers from customers_api`;
  try {
    const broken = [
      call('sign-up', { body: { email: `new-${email}`, password, name } }),
      call('request-password-reset', { body: { email: `lost-${email}` } }),
      call('reset-password', { body: { token: reset, password: newPassword } }),
      call('update-me', { token, body: { name } }),
    ];
    for (const { status } of await Promise.all(broken)) expect(status).toBe(500);
  } finally {
    await handlers.owner`grant insert on customers.mails to customers_api`;
    await handlers.owner`grant update on customers.customers to customers_api`;
  }
  expect((await call('reset-password', { body: { token: reset, password: newPassword } })).status).toBe(204);

  for (let n = 0; n < 5; n++) {
    await call('sign-up', { body: { email: `more-${n}-${email}`, password, name } });
  }
  const carried: Mail[] = [];
  useMailer({
    async send(mail) {
      carried.push(mail);
      for (const made of mail.text.match(/cfe_[\w-]{43}/g) ?? []) tokens.add(made);
      throw new Error(`MessageRejected: ${mail.to} is not verified`);
    },
  });
  const { handler } = await import('../../functions/jobs/send-mails.ts');
  const counts = await handler({}, undefined);
  expect(counts.failed).toBe(carried.length);
  expect(carried.length).toBeGreaterThan(4);

  printed += handlers.accessLines.join('\n');
  expect(tokens.size).toBeGreaterThan(3);
  expect(printed.split('\n').length).toBeGreaterThan(30);
  for (const kind of [
    '"message":"request"',
    '"message":"request failed"',
    '"message":"mail not sent"',
    'SignInsLocked',
  ]) {
    expect(printed).toContain(kind);
  }
  const secrets = [...Object.values(canaries), ...[...tokens].flatMap((each) => [each, each.slice(4, 30)]), 'canary-'];
  expect(secrets.filter((secret) => printed.includes(secret))).toEqual([]);
});
