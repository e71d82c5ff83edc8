import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../functions/jobs/send-notices.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { httpSender } from '../../lib/events/webhooks/send.gateway.ts';
import { newSecret } from '../../lib/events/webhooks/sign.ts';
import { stopwatch, systemClock, toTimestamp } from '../../lib/kernel/clock.ts';
import { noticeTargets } from '../../lib/operations/notices/targets.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts';

/* What SNS brings of alarms, to receivers that speak HTTP: Slack, Teams and a webhook of one's own. */

let dynamo: TestDynamo;
let slack: Receiver;
let teams: Receiver;
let own: Receiver;
const secret = newSecret();
const mails: { to: string; subject: string; text: string }[] = [];
const errors: string[] = [];
const start = Date.UTC(2031, 0, 1);
let alarm = '';
let last = 0;

beforeAll(async () => {
  dynamo = await startTestDynamo([{ name: 'notices', ...tables.notices }]);
  [slack, teams, own] = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
});
afterAll(() => Promise.all([slack, teams, own, dynamo].map((part) => part?.stop())));
beforeEach(() => {
  alarm = `counterfoil-test-orders-stuck-${++last}`;
  for (const receiver of [slack, teams, own]) {
    receiver.received.length = 0;
    receiver.behave(() => ({ status: 200 }));
  }
  mails.length = errors.length = 0;
});

const runbook = 'https://example.com/docs/runbooks/orders-stuck.md';

/** What CloudWatch tells SNS of an alarm, some minutes after the start. */
const changed = (to: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA', minutes: number) => ({
  Records: [
    {
      Sns: {
        Message: JSON.stringify({
          AlarmName: alarm,
          AlarmDescription: `An order is stuck & <waits>. What to do: ${runbook}`,
          NewStateValue: to,
          NewStateReason: 'Threshold Crossed: 3 datapoints were greater than the threshold (600.0).',
          StateChangeTime: toTimestamp(start + minutes * 60_000).replace('Z', '+0000'),
        }),
      },
    },
  ],
});

const send = (payload: unknown, { now = Date.now(), allowed = 'any' as 'any' | 'public' } = {}) =>
  run(
    {
      store: { client: dynamo.documents, table: 'notices', clock: { now: () => now } },
      targets: async () =>
        noticeTargets({
          addresses: { slack: slack.url, teams: teams.url, webhook: { url: own.url, secret } },
          send: httpSender({ allowed, elapsed: stopwatch.elapsed, timeoutMs: 2000 }),
          clock: systemClock,
          mail: { to: 'duty@example.com', send: async (mail) => void mails.push(mail) },
        }),
      onError: (target, _, error) => void errors.push(`${target}: ${String(error)}`),
    },
    payload,
  );

const states = ({ received }: Receiver) =>
  received.map(({ body }) => (/ALARM|alarm.raised/.test(body) ? 'alarm' : 'ok'));

describe('what each target is sent', () => {
  test('says what has happened, and links the runbook', async () => {
    expect(await send(changed('ALARM', 0))).toEqual({ alarms: [`${alarm} alarm`], told: 4 });
    const [toSlack, toTeams] = [slack, teams].map(({ received: [got] }) => JSON.parse(got!.body));
    expect(toSlack.text).toBe(`ALARM: ${alarm}`);
    expect(JSON.stringify(toSlack.blocks)).toContain(
      `An order is stuck &amp; &lt;waits&gt;.\\n<${runbook}|What to do>`,
    );
    const [{ contentType, content }] = toTeams.attachments;
    expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
    expect(content.body[1].text).toBe('An order is stuck & <waits>.');
    expect(content.actions).toEqual([{ type: 'Action.OpenUrl', title: 'What to do', url: runbook }]);
    expect(mails).toEqual([
      { to: 'duty@example.com', subject: `ALARM: ${alarm}`, text: expect.stringContaining(`\n\n${runbook}\n\n`) },
    ]);
    const { headers, body } = own.received[0] as Received;
    const verified = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(verified).toEqual({
      type: 'alarm.raised',
      timestamp: toTimestamp(start),
      data: {
        alarm,
        state: 'alarm',
        means: 'An order is stuck & <waits>.',
        reason: expect.any(String),
        runbook,
      },
    });
  });

  test('is nothing for addresses inside a network', async () => {
    await expect(send(changed('ALARM', 0), { allowed: 'public' })).rejects.toMatchObject({ name: 'NotTold' });
    expect(slack.received).toEqual([]);
    expect(errors.length).toBe(3);
    for (const error of errors) expect(error).not.toContain('/hook');
  });
});

describe('each target hears once of each change', () => {
  test('when SNS delivers it several times, also at once', async () => {
    await Promise.all([1, 2, 3].map(() => send(changed('ALARM', 0))));
    await send(changed('ALARM', 0));
    expect([slack, teams, own].map(states)).toEqual([['alarm'], ['alarm'], ['alarm']]);
    expect(mails.length).toBe(1);
    await send(changed('OK', 5));
    await send(changed('ALARM', 9));
    expect(states(slack)).toEqual(['alarm', 'ok', 'alarm']);
    expect(new Set(own.received.map(({ headers }) => headers['webhook-id'])).size).toBe(3);
  });

  test('when one of them failed and the others are not told again', async () => {
    teams.behave(() => ({ status: 500 }));
    await expect(send(changed('ALARM', 0))).rejects.toMatchObject({ name: 'NotTold', message: 'not told: teams' });
    teams.behave(() => ({ status: 202 }));
    expect(await send(changed('ALARM', 0))).toMatchObject({ told: 1 });
    expect([slack, own].map(states)).toEqual([['alarm'], ['alarm']]);
    expect(states(teams)).toEqual(['alarm', 'alarm']);
    expect(errors).toEqual(['teams: NotTaken: answered 500']);
  });

  test('when the function died in the middle: the next one waits, and then takes over', async () => {
    const sending = Promise.withResolvers<void>();
    slack.behave(() => {
      sending.resolve();
      return 'hang';
    });
    const now = Date.now();
    const dying = send(changed('ALARM', 0), { now }).catch(() => {});
    await sending.promise;
    expect(await send(changed('ALARM', 0), { now: now + 1000 })).toMatchObject({ told: 0 });
    // A change that comes meanwhile is not lost: its delivery fails, and is repeated.
    await expect(send(changed('OK', 1), { now: now + 1000 })).rejects.toMatchObject({ name: 'NotTold' });
    slack.behave(() => ({ status: 200 }));
    expect(await send(changed('ALARM', 0), { now: now + 61_000 })).toMatchObject({ told: 1 });
    await dying;
    await send(changed('OK', 1), { now: now + 62_000 });
    expect(states(slack).slice(1)).toEqual(['alarm', 'ok']);
  });
});

test('nobody hears that an alarm is well of which they never heard before, nor of one without data', async () => {
  expect(await send(changed('OK', 0))).toMatchObject({ told: 0 });
  expect(await send(changed('INSUFFICIENT_DATA', 1))).toEqual({ alarms: [], told: 0 });
  expect(await send(changed('ALARM', 2))).toMatchObject({ told: 4 });
});

test('a change that comes after a later one is not told', async () => {
  await send(changed('ALARM', 0));
  await send(changed('ALARM', 9));
  expect(await send(changed('OK', 5))).toMatchObject({ told: 0 });
  expect(states(slack)).toEqual(['alarm']);
});

test('anything else than an alarm is refused', async () => {
  await expect(send({})).rejects.toMatchObject({ name: '$ZodError' });
  await expect(send({ Records: [{ Sns: { Message: '{}' } }] })).rejects.toMatchObject({ name: '$ZodError' });
});
