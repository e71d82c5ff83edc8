import type { Send } from '../../events/webhooks/send.gateway.ts';
import { signatures } from '../../events/webhooks/sign.ts';
import type { Clock } from '../../kernel/clock.ts';
import { mailMessage, slackMessage, teamsMessage, webhookMessage } from './messages.ts';
import type { Notice } from './notice.ts';
import type { NoticeTarget } from './tell.ts';

/** Where notices go. Each address is a secret: whoever has it can write there. */
export type NoticeAddresses = {
  slack?: string | undefined;
  teams?: string | undefined;
  webhook?: { url: string; secret: string } | undefined;
};

type Options = {
  addresses: NoticeAddresses;
  send: Send;
  clock: Clock;
  /** Who gets mails, and what sends them. */
  mail?: { to: string; send(mail: { to: string; subject: string; text: string }): Promise<void> } | undefined;
};

/** The target did not take a notice. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
}

/** The targets that there are addresses for. */
export function noticeTargets({ addresses, send, clock, mail }: Options): NoticeTarget[] {
  const post = async (url: string, body: string, headers: Record<string, string> = {}) => {
    const sent = { 'content-type': 'application/json', 'user-agent': 'Counterfoil-Notices/1', ...headers };
    const { status, error } = await send(url, sent, body);
    if (status === null || status < 200 || status > 299) throw new NotTaken(error ?? `answered ${status}`);
  };
  const { slack, teams, webhook } = addresses;
  const chat = (
    name: 'slack' | 'teams',
    url: string | undefined,
    messageOf: (notice: Notice) => object,
  ): NoticeTarget[] =>
    url === undefined ? [] : [{ name, send: (notice) => post(url, JSON.stringify(messageOf(notice))) }];
  return [
    ...chat('slack', slack, slackMessage),
    ...chat('teams', teams, teamsMessage),
    ...(webhook === undefined
      ? []
      : [
          {
            name: 'webhook' as const,
            send: (notice: Notice) => post(webhook.url, ...signed(webhook.secret, notice, clock)),
          },
        ]),
    ...(mail === undefined
      ? []
      : [{ name: 'mail' as const, send: (notice: Notice) => mail.send({ to: mail.to, ...mailMessage(notice) }) }]),
  ];
}

/** A change has the same id whenever it is sent, by which a receiver notices a second time. */
function signed(secret: string, notice: Notice, clock: Clock): [string, Record<string, string>] {
  const body = JSON.stringify(webhookMessage(notice));
  const seconds = Math.floor(clock.now() / 1000);
  const id = `${notice.alarm}.${notice.changedAt}`;
  return [
    body,
    {
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatures([secret], { id, seconds, body }),
    },
  ];
}
