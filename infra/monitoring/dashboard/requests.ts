import { Duration } from 'aws-cdk-lib';
import { type IWidget, LogQueryWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { customerParts } from '../../../lib/contract/api/customer-search.ts';
import { operations } from '../../../lib/contract/api/operations.ts';
import { orderParts } from '../../../lib/contract/api/order-parts.ts';
import { disablingCauses, webhookResults } from '../../../lib/contract/deploy/metrics.ts';
import { type CacheAnswer, cacheAnswers } from '../../../lib/kernel/cache-aside.ts';
import { awsMetric, maximum, ours, oursByValue, sum, waitingIn } from '../metrics.ts';
import type { MonitoredResources } from '../resources.ts';
import { graph } from './widgets.ts';

/** Requests, errors and latency by operation, and what the handlers depend on. */
export function working({ apiId }: MonitoredResources): IWidget[][] {
  const api = (name: 'Count' | '4xx' | '5xx' | 'Latency', statistic: string, label?: string) =>
    awsMetric('AWS/ApiGateway', name, { ApiId: apiId }, { statistic, ...(label === undefined ? {} : { label }) });
  return [
    [
      graph('Requests by operation', byOperation('Requests', 'Sum'), { stacked: true }),
      graph('Server errors by operation', byOperation('ServerErrors', 'Sum'), { stacked: true }),
      graph('Client errors by operation', byOperation('ClientErrors', 'Sum'), { stacked: true }),
    ],
    [
      graph('Median latency by operation, ms', byOperation('Latency', 'p50')),
      graph('p99 latency by operation, ms', byOperation('Latency', 'p99')),
      graph('HTTP API', [api('Count', 'Sum'), api('4xx', 'Sum'), api('5xx', 'Sum')], {
        right: [api('Latency', 'p50', 'p50 ms'), api('Latency', 'p99', 'p99 ms')],
      }),
    ],
    [
      graph('Requests over a limit, and limits without DynamoDB', [
        ours('RateLimited', sum()),
        ours('ConcurrencyRefused', sum()),
        ours('LimiterFallback', sum()),
        ours('SignInsFailed', sum()),
        ours('SignInsLocked', sum()),
      ]),
      graph('Age of the identity provider’s keys, and of the reader’s data, s', [
        ours('IssuerKeysAge', maximum(5)),
        ours('ReaderLag', maximum()),
      ]),
      graph('Mails dropped, and parts missing in answers', [
        ours('MailsGivenUp', sum()),
        ...[...orderParts, ...customerParts].map((part) => ours('PartsMissing', sum(), part)),
      ]),
    ],
    cached(),
  ];
}

/** Where reads of the catalogue found their answer. */
function cached(): IWidget[] {
  const from = (answers: readonly CacheAnswer[]) => answers.map((answer) => ours('CacheReads', sum(), answer));
  const withoutSource = ['memory', 'table', 'waited', 'stale'] as const;
  const total = (answers: readonly CacheAnswer[]) => answers.map((answer) => `FILL(${answer}, 0)`).join(' + ');
  return [
    graph('Catalogue reads, by where the answer came from', from(cacheAnswers), { stacked: true }),
    graph('Catalogue reads without a read of the database, %', [
      new MathExpression({
        expression: `100 * (${total(withoutSource)}) / (${total(cacheAnswers)})`,
        usingMetrics: Object.fromEntries(cacheAnswers.map((answer) => [answer, ours('CacheReads', sum(), answer)])),
        label: 'hit ratio',
        period: Duration.minutes(1),
      }),
    ]),
    graph('Catalogue: loads; on the right: stale answers, reads without DynamoDB', from(['loaded']), {
      right: from(['stale', 'unreachable']),
    }),
  ];
}

/** The same by application, and whether each access is recorded. */
export function callers({
  httpLog,
  undeliveredAccesses,
  undeliveredEvents,
  recordAccess,
}: MonitoredResources): IWidget[][] {
  const queryLines = [
    'filter ispresent(accessId)',
    'fields floor(status / 400) as isError, floor(status / 500) as isServerError',
    'stats count(*) as requests, sum(isError) as errors, sum(isServerError) as serverErrors, pct(milliseconds, 50) as p50, pct(milliseconds, 99) as p99 by applicationId, operation',
    'sort requests desc',
    'limit 100',
  ];
  return [
    [graph('Server errors of versions side by side', [oursByValue('VersionErrors', sum())], { stacked: true })],
    [
      graph('Requests by application', [oursByValue('ApplicationRequests', sum())], { stacked: true }),
      graph('Failed requests by application', [oursByValue('ApplicationErrors', sum())], { stacked: true }),
      graph('p99 latency by application, ms', [oursByValue('ApplicationLatency', { statistic: 'p99' })]),
    ],
    [
      new LogQueryWidget({
        title: 'Requests by application and operation',
        logGroupNames: [httpLog],
        queryLines,
        width: 24,
        height: 8,
      }),
    ],
    [
      graph('Access records: stored, not readable', [
        ours('AccessesRecorded', sum()),
        ours('AccessLinesUnreadable', sum()),
      ]),
      graph('Access records: delay, ms', [
        awsMetric('AWS/Lambda', 'AsyncEventAge', { FunctionName: recordAccess }, maximum()),
      ]),
      graph('Access records: failed batches', [waitingIn(undeliveredAccesses, maximum())]),
    ],
    [
      graph('Domain events: published', [ours('EventsPublished', sum())]),
      graph('Domain events: age of the oldest that is not published, s', [ours('OldestUnpublishedEvent', maximum())]),
      graph('Read models: age of the oldest event that they lack, s', [ours('ReadModelLag', maximum())]),
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
    ],
  ];
}

const byOperation = (name: 'Requests' | 'ClientErrors' | 'ServerErrors' | 'Latency', statistic: string) =>
  Object.keys(operations).map((operation) => ours(name, { statistic }, operation));
