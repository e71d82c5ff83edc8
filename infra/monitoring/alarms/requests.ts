import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { OperationId } from '../../../lib/contract/api/operations.ts';
import { disablingCauses } from '../../../lib/contract/deploy/metrics.ts';
import { awsMetric, maximum, sum, waitingIn } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import type { AlarmSpec } from './spec.ts';

/**
 * Operations whose latency has an alarm: at most ten, which is what one alarm may combine. Those that wait for a saga on
 * request are slow on purpose.
 */
const prompt: readonly OperationId[] = [
  'sign-in',
  'get-me',
  'list-products',
  'get-product',
  'create-quote',
  'list-orders',
  'get-order',
  'get-order-timeline',
];

export function requests({ apiId, ours }: Monitored): AlarmSpec[] {
  const api = (name: 'Count' | '5xx') => awsMetric('AWS/ApiGateway', name, { ApiId: apiId }, sum(5));
  return [
    {
      name: 'server-errors',
      runbook: 'server-errors',
      means: 'More than 1 % of the requests failed with a server error.',
      metric: new MathExpression({
        expression: 'IF(requests > 20, 100 * errors / requests, 0)',
        usingMetrics: { requests: api('Count'), errors: api('5xx') },
        label: 'server errors in %',
        period: api('Count').period,
      }),
      threshold: 1,
      bad: 2,
      of: 3,
    },
    {
      name: 'slow-requests',
      runbook: 'slow-requests',
      means: 'The p99 latency of an operation is two seconds or more.',
      metric: new MathExpression({
        expression: 'MAX(METRICS())',
        usingMetrics: Object.fromEntries(
          prompt.map((operation, index) => [`m${index}`, ours('Latency', { statistic: 'p99', minutes: 5 }, operation)]),
        ),
        label: 'p99 of the slowest operation',
        period: ours('Latency', { statistic: 'p99', minutes: 5 }, 'get-order').period,
      }),
      threshold: 2000,
      bad: 3,
      of: 3,
    },
    {
      name: 'limiter-fallback',
      runbook: 'limiter-fallback',
      means: 'Each function instance limits requests on its own, because DynamoDB does not answer.',
      metric: ours('LimiterFallback', sum()),
      threshold: 1,
      bad: 3,
      of: 5,
    },
    {
      name: 'sign-ins-failing',
      runbook: 'sign-ins-failing',
      means:
        'More than 200 sign-ins with a wrong password failed in five minutes: somebody may try passwords on many accounts.',
      metric: ours('SignInsFailed', sum(5)),
      threshold: 200,
      bad: 2,
      of: 3,
    },
    {
      name: 'functions-throttled',
      runbook: 'functions-throttled',
      means: 'Lambda throttles functions: the account’s concurrency is used up.',
      metric: awsMetric('AWS/Lambda', 'Throttles', {}, sum(5)),
      threshold: 5,
    },
  ];
}

export const identityProvider = ({ ours }: Monitored): AlarmSpec[] => [
  {
    name: 'issuer-keys-stale',
    runbook: 'issuer-keys-stale',
    means:
      'The identity provider’s keys were last fetched more than half an hour ago, or the job that fetches them does not run.',
    metric: ours('IssuerKeysAge', maximum(15)),
    threshold: 1800,
    bad: 2,
    of: 2,
    silenceIsBad: true,
  },
];

export const mails = ({ ours }: Monitored): AlarmSpec[] => [
  {
    name: 'mails-given-up',
    runbook: 'mails-given-up',
    means: 'Mails to customers could not be sent for a day and were dropped.',
    metric: ours('MailsGivenUp', sum(60)),
    threshold: 1,
  },
  {
    name: 'mails-late',
    runbook: 'mails-given-up',
    means: 'A mail to a customer has waited for an hour: it is tried again until a day has passed.',
    metric: ours('OldestUnsentMail', maximum()),
    threshold: 3600,
    bad: 3,
    of: 5,
  },
];

export const domainEvents = ({ undeliveredEvents, ours }: Monitored): AlarmSpec[] => [
  {
    name: 'events-late',
    runbook: 'events-late',
    means:
      'A domain event has waited for five minutes to be published, or the job that publishes them does not report.',
    metric: ours('OldestUnpublishedEvent', maximum(5)),
    threshold: 300,
    silenceIsBad: true,
  },
  {
    name: 'read-models-behind',
    runbook: 'read-models-behind',
    means: 'The copies that the back office reads lack events of five minutes, or what keeps them does not report.',
    metric: ours('ReadModelLag', maximum(5)),
    threshold: 300,
    silenceIsBad: true,
  },
  {
    name: 'webhooks-late',
    runbook: 'webhooks-late',
    means: 'An event has been due at a webhook endpoint for a quarter of an hour, and nobody has sent it.',
    metric: ours('OldestDueDelivery', maximum()),
    threshold: 900,
    bad: 3,
    of: 5,
  },
  {
    name: 'webhook-endpoint-disabled',
    runbook: 'webhook-endpoint-disabled',
    means: 'A webhook endpoint was disabled: it answered 410, or took nothing for three days.',
    metric: new MathExpression({
      expression: 'SUM(METRICS())',
      usingMetrics: Object.fromEntries(
        disablingCauses.map((reason) => [reason, ours('WebhookEndpointsDisabled', sum(15), reason)]),
      ),
      label: 'endpoints disabled',
      period: ours('WebhookEndpointsDisabled', sum(15), 'gone').period,
    }),
    threshold: 1,
  },
  {
    name: 'events-undelivered',
    runbook: 'events-undelivered',
    means: 'A consumer did not take a domain event, which waits in the queue.',
    metric: waitingIn(undeliveredEvents, maximum(5)),
    threshold: 1,
  },
];

export function accessRecords({ apiId, undeliveredAccesses, recordAccess, ours }: Monitored): AlarmSpec[] {
  const requests = awsMetric('AWS/ApiGateway', 'Count', { ApiId: apiId }, sum(15));
  return [
    {
      name: 'audit-undelivered',
      runbook: 'audit-undelivered',
      means: 'Records of accesses could not be stored and wait in a queue.',
      metric: waitingIn(undeliveredAccesses, maximum(5)),
      threshold: 1,
    },
    {
      name: 'audit-unreadable',
      runbook: 'audit-undelivered',
      means: 'Lines of the log that should be records of accesses cannot be parsed.',
      metric: ours('AccessLinesUnreadable', sum(5)),
      threshold: 1,
    },
    {
      name: 'audit-late',
      runbook: 'audit-undelivered',
      means: 'Records of accesses are stored a quarter of an hour late or later.',
      metric: awsMetric('AWS/Lambda', 'AsyncEventAge', { FunctionName: recordAccess }, maximum(5)),
      threshold: 15 * 60_000,
      bad: 2,
      of: 2,
    },
    {
      name: 'audit-silent',
      runbook: 'audit-undelivered',
      means: 'Requests are answered, but no access is recorded.',
      metric: new MathExpression({
        expression: 'IF(FILL(requests, 0) > 100 AND FILL(recorded, 0) < 1, 1, 0)',
        usingMetrics: { requests, recorded: ours('AccessesRecorded', sum(15)) },
        label: 'requests without a record',
        period: requests.period,
      }),
      threshold: 1,
      bad: 2,
      of: 2,
    },
  ];
}
