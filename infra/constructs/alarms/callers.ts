import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { OperationId } from '../../../lib/contract/api/operations.ts';
import { awsMetric, maximum, ours, sum, waitingIn } from '../metric.ts';
import type { MonitoredResources } from '../monitored-resources.ts';
import type { AlarmSpec } from './spec.ts';

/** Requests that wait for a saga on request are slow on purpose, and stay out; ten are what an alarm may combine. */
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

export function requests({ apiId }: MonitoredResources): AlarmSpec[] {
  const api = (name: 'Count' | '5xx') => awsMetric('AWS/ApiGateway', name, { ApiId: apiId }, sum(5));
  return [
    {
      name: 'server-errors',
      runbook: 'server-errors',
      means: 'More than one request in a hundred was answered with a server error.',
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
      means: 'The slowest hundredth of the requests of an operation takes two seconds or more.',
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
      means: 'Requests are limited by each process for itself, because DynamoDB does not answer.',
      metric: ours('LimiterFallback', sum()),
      threshold: 1,
      bad: 3,
      of: 5,
    },
    {
      name: 'functions-throttled',
      runbook: 'functions-throttled',
      means: 'Lambda refused to run functions: the account’s concurrency is used up.',
      metric: awsMetric('AWS/Lambda', 'Throttles', {}, sum(5)),
      threshold: 5,
    },
  ];
}

export const identityProvider = (): AlarmSpec[] => [
  {
    name: 'issuer-keys-stale',
    runbook: 'issuer-keys-stale',
    means: 'The identity provider’s keys were not fetched for half an hour, or nobody fetches them.',
    metric: ours('IssuerKeysAge', maximum(15)),
    threshold: 1800,
    bad: 2,
    of: 2,
    silenceIsBad: true,
  },
];

export const lostMails = (): AlarmSpec[] => [
  {
    name: 'mails-given-up',
    runbook: 'mails-given-up',
    means: 'Mails to customers could not be sent for a day and were given up.',
    metric: ours('MailsGivenUp', sum(60)),
    threshold: 1,
  },
];

export function audit({ apiId, undeliveredAccesses, recordAccess }: MonitoredResources): AlarmSpec[] {
  const requests = awsMetric('AWS/ApiGateway', 'Count', { ApiId: apiId }, sum(15));
  return [
    {
      name: 'audit-undelivered',
      runbook: 'audit-undelivered',
      means: 'Records of accesses were given up on and wait in a queue.',
      metric: waitingIn(undeliveredAccesses, maximum(5)),
      threshold: 1,
    },
    {
      name: 'audit-unreadable',
      runbook: 'audit-undelivered',
      means: 'Lines of the log that should be records of accesses cannot be read.',
      metric: ours('AccessLinesUnreadable', sum(5)),
      threshold: 1,
    },
    {
      name: 'audit-late',
      runbook: 'audit-undelivered',
      means: 'Records of accesses wait for a quarter of an hour until they are taken.',
      metric: awsMetric('AWS/Lambda', 'AsyncEventAge', { FunctionName: recordAccess }, maximum(5)),
      threshold: 15 * 60_000,
      bad: 2,
      of: 2,
    },
    {
      name: 'audit-silent',
      runbook: 'audit-undelivered',
      means: 'Requests are answered, and no access is recorded.',
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
