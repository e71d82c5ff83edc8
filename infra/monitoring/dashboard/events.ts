import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { disablingCauses, queues, webhookResults } from '../../../lib/contract/deploy/metrics.ts';
import { maximum, sum, waitingIn } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import { graph } from './widgets.ts';

/** From the outbox to the bus, to read models, webhooks and mails. */
export const events = ({ undeliveredEvents, ours }: Monitored): IWidget[][] => [
  [
    graph('Domain events: published', [ours('EventsPublished', sum())]),
    graph('Domain events: age of the oldest that is not published, s', [ours('OldestUnpublishedEvent', maximum())]),
    graph('Domain events: not taken by a consumer', [waitingIn(undeliveredEvents, maximum())]),
  ],
  [
    graph(
      'Webhooks: attempts, by what came of them',
      webhookResults.map((result) => ours('WebhookAttempts', sum(), result)),
      { stacked: true },
    ),
    graph(
      'Webhook endpoints disabled, by reason',
      disablingCauses.map((cause) => ours('WebhookEndpointsDisabled', sum(), cause)),
    ),
    graph('Read models: age of the oldest event that they lack, s', [ours('ReadModelLag', maximum())]),
  ],
  [
    graph('Mails dropped', [ours('MailsGivenUp', sum())]),
    graph('Mails: age of the oldest that is not sent, s', [ours('OldestUnsentMail', maximum())]),
    graph(
      'What waits in queues; on the right: how long the first webhook has been due, s',
      queues.map((queue) => ours('QueueDepth', maximum(), queue)),
      { right: [ours('OldestDueDelivery', maximum())] },
    ),
  ],
];
