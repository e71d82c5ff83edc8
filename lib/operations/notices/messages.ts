import { toTimestamp } from '../../kernel/clock.ts';
import type { Notice } from './notice.ts';

/*
 * What each kind of target is sent. Links appear where there is a runbook.
 */

const headline = ({ alarm, state }: Notice): string => `${state === 'alarm' ? 'ALARM' : 'OK again'}: ${alarm}`;

/** For an incoming webhook of Slack: text for its notifications, blocks for its channel. */
export function slackMessage(notice: Notice) {
  const { means, runbook, reason } = notice;
  const mark = notice.state === 'alarm' ? ':rotating_light:' : ':white_check_mark:';
  const link = runbook === undefined ? '' : `\n<${runbook}|What to do>`;
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
  return {
    text: escaped(headline(notice)),
    blocks: [
      section(`${mark} *${escaped(headline(notice))}*\n${escaped(means)}${link}`),
      ...(reason === '' ? [] : [{ type: 'context', elements: [{ type: 'plain_text', text: shortened(reason) }] }]),
    ],
  };
}

/** What Slack would take for a link or a mention. */
const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]!);

/** For an incoming webhook of a Teams workflow: an Adaptive Card. */
export function teamsMessage(notice: Notice) {
  const { means, runbook, reason, state } = notice;
  const block = (text: string, more: object = {}) => ({ type: 'TextBlock', text, wrap: true, ...more });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(headline(notice), { weight: 'Bolder', color: state === 'alarm' ? 'Attention' : 'Good' }),
      block(means),
      ...(reason === '' ? [] : [block(shortened(reason), { isSubtle: true, size: 'Small' })]),
    ],
    ...(runbook === undefined ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'What to do', url: runbook }] }),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

/** For a webhook of one's own, in the form of Standard Webhooks. */
export const webhookMessage = ({
  changedAt,
  runbook = null,
  ...rest
}: Omit<Notice, 'runbook'> & { runbook?: string | null | undefined }) => ({
  type: rest.state === 'alarm' ? 'alarm.raised' : 'alarm.cleared',
  timestamp: toTimestamp(changedAt),
  data: { ...rest, runbook },
});

/** For people who read mails. */
export const mailMessage = (notice: Notice): { subject: string; text: string } => ({
  subject: headline(notice),
  text: [notice.means, notice.runbook, notice.reason, `Since ${toTimestamp(notice.changedAt)}.`]
    .filter((part) => part !== undefined && part !== '')
    .join('\n\n'),
});

const shortened = (text: string): string => (text.length <= 500 ? text : `${text.slice(0, 499)}…`);
