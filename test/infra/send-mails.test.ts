import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bundleHandlers } from '../../infra/bundle/bundle.ts';
import { root } from '../../infra/bundle/options.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';
import { type Mail, MailRefused } from '../../lib/accounts/mail/mailer.ts';
import { sesMailer } from '../../lib/accounts/mail/ses.gateway.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { systemClock } from '../../lib/kernel/clock.ts';
import { fieldsOf } from '../support/applications.ts';

type Call = { method: string | undefined; url: string | undefined; body: unknown; authorization: string };

let ses: Server;
let endpoint: string;
let calls: Call[] = [];
let answer = { status: 200, body: '{"MessageId":"1"}' };
const work = mkdtempSync(join(tmpdir(), 'counterfoil-mails-'));

beforeAll(async () => {
  ses = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      calls.push({ method, url, body: JSON.parse(text), authorization: headers.authorization ?? '' });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((listening) => ses.listen(0, '127.0.0.1', listening));
  endpoint = `http://127.0.0.1:${(ses.address() as AddressInfo).port}`;
});
afterAll(async () => {
  ses.closeAllConnections();
  await new Promise((closed) => ses.close(closed));
  rmSync(work, { recursive: true, force: true });
});
beforeEach(() => {
  calls = [];
  answer = { status: 200, body: '{"MessageId":"1"}' };
});

const mail: Mail = { to: 'ada@example.com', subject: 'Ihre Bestätigung', text: 'Grüße\n' };
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const expected = {
  method: 'POST',
  url: '/v2/email/outbound-emails',
  body: {
    FromEmailAddress: 'The Shop <shop@example.com>',
    Destination: { ToAddresses: ['ada@example.com'] },
    Content: {
      Simple: {
        Subject: { Data: 'Ihre Bestätigung', Charset: 'UTF-8' },
        Body: {
          Text: { Data: 'Grüße\n', Charset: 'UTF-8' },
          Html: { Data: expect.stringMatching(/<code [^>]*>Grüße<\/code>/), Charset: 'UTF-8' },
        },
      },
    },
  },
  authorization: expect.stringContaining('/eu-west-1/ses/aws4_request'),
};

test('a mail goes to SES as plain text and HTML in UTF-8, from the sender that is configured', async () => {
  const client = new SESv2Client({ region: 'eu-west-1', endpoint, credentials });
  await sesMailer({ client, from: 'The Shop <shop@example.com>' }).send(mail);
  expect(calls).toEqual([expected]);
});

test('a mail says in its header which API request led to it', async () => {
  const client = new SESv2Client({ region: 'eu-west-1', endpoint, credentials });
  await sesMailer({ client, from: 'shop@example.com' }).send({ ...mail, correlationId: 'req_1' });
  expect(calls[0]).toMatchObject({
    body: { Content: { Simple: { Headers: [{ Name: 'X-Correlation-Id', Value: 'req_1' }] } } },
  });
});

test('a mail that SES refuses is not sent', async () => {
  answer = { status: 400, body: '{"__type":"MessageRejected","message":"Email address is not verified."}' };
  const client = new SESv2Client({ region: 'eu-west-1', endpoint, credentials });
  const rejected = sesMailer({ client, from: 'shop@example.com' }).send(mail);
  await expect(rejected).rejects.toMatchObject({ name: 'MessageRejected', message: 'Email address is not verified.' });
});

test('an address that SES cannot read is refused for good', async () => {
  answer = { status: 400, body: '{"__type":"BadRequestException","message":"Domain contains illegal character"}' };
  const client = new SESv2Client({ region: 'eu-west-1', endpoint, credentials });
  await expect(sesMailer({ client, from: 'shop@example.com' }).send(mail)).rejects.toThrow(MailRefused);
});

test('the bundled handler carries an SES client that works', async () => {
  const file = join(work, 'mailer.ts');
  writeFileSync(
    file,
    `import { mailer } from '${root}/lib/platform/mailer.ts'; export const handler = (mail) => mailer().send(mail);`,
  );
  const bundle = (await bundleHandlers({ 'x/mailer': file }, work)).get('x/mailer')!;
  const script = `const handler = await import('${bundle.directory}/index.mjs'); await handler.handler(${JSON.stringify(mail)});`;
  const env = {
    PATH: process.env.PATH,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_SESV2: endpoint,
    MAIL_FROM: 'The Shop <shop@example.com>',
  };
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
  expect(stderr).toBe('');
  expect(calls).toEqual([expected]);
});

test('on a laptop a mail is shown as soon as the request is answered', async () => {
  const directory = join(work, 'stack');
  const shown: Mail[] = [];
  let arrived: (() => void) | undefined;
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      directory,
      port: 0,
      onMail: (one) => {
        shown.push(one);
        arrived?.();
      },
    });
    const client = DynamoDBDocument.from(stack.inside.dynamo);
    const store = { client, table: 'applications', keysTable: 'appKeys', clock: systemClock };
    const { id } = await registerByHand(store, fieldsOf('web'));
    for (const email of ['ada@example.com', 'bob@example.com']) {
      const came = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const body = JSON.stringify({ email, password: 'correct horse', name: 'Ada' });
      const headers = { 'content-type': 'application/json', 'client-id': id };
      expect((await fetch(`${stack.baseUrl}/customers`, { method: 'POST', headers, body })).status).toBe(202);
      await came;
    }
    expect(shown.map(({ to, subject }) => [to, subject])).toEqual([
      ['ada@example.com', 'Confirm your e-mail address'],
      ['bob@example.com', 'Confirm your e-mail address'],
    ]);
    expect(shown[0]!.text).toMatch(/\ncfe_[\w-]{43}\n/);
  } finally {
    await stack?.stop();
    await resetStack(directory);
  }
});
