import { Duration } from 'aws-cdk-lib';
import { type IWidget, LogQueryWidget, MathExpression, SingleValueWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { customerParts } from '../../../lib/contract/api/customer-search.ts';
import { operations } from '../../../lib/contract/api/operations.ts';
import { orderParts } from '../../../lib/contract/api/order-parts.ts';
import {
  budgetShare,
  type ObjectiveMiss,
  type ObjectiveName,
  objectiveMisses,
  objectives,
} from '../../../lib/contract/deploy/objectives.ts';
import { type CacheAnswer, cacheAnswers } from '../../../lib/kernel/cache-aside.ts';
import { awsMetric, maximum, sum, waitingIn } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import { graph } from './widgets.ts';

/** Requests, errors and latency by operation, and what the handlers depend on. */
export function working({ apiId, ours }: Monitored): IWidget[][] {
  const byOperation = (name: 'Requests' | 'ClientErrors' | 'ServerErrors' | 'Latency', statistic: string) =>
    Object.keys(operations).map((operation) => ours(name, { statistic }, operation));
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
      graph('Age of the identity provider’s keys, s', [ours('IssuerKeysAge', maximum(5))]),
      graph(
        'Parts missing in answers',
        [...orderParts, ...customerParts].map((part) => ours('PartsMissing', sum(), part)),
      ),
    ],
  ];
}

/** What is missed of the objectives, and what remains of their error budgets in the time that is shown. */
export function burning({ ours }: Monitored): IWidget[] {
  const remaining = (miss: ObjectiveMiss, index: number) => {
    const [name] = miss.split('-') as [ObjectiveName];
    const requests = objectives[name].operations.map(
      (operation, of) => [`${name}${index}of${of}`, ours('Requests', sum(), operation)] as const,
    );
    const missed = `missed${index}`;
    const total = requests.map(([id]) => `FILL(${id}, 0)`).join(' + ');
    return new MathExpression({
      expression: `100 - 100 * FILL(${missed}, 0) / (${budgetShare} * (${total}))`,
      usingMetrics: { ...Object.fromEntries(requests), [missed]: ours('ObjectiveMisses', sum(), miss) },
      label: miss,
      period: Duration.minutes(1),
    });
  };
  return [
    new SingleValueWidget({
      title: 'What remains of the error budget, %',
      metrics: objectiveMisses.map(remaining),
      setPeriodToTimeRange: true,
      width: 8,
      height: 6,
    }),
    graph(
      'Requests that missed an objective',
      objectiveMisses.map((miss) => ours('ObjectiveMisses', sum(), miss)),
      { stacked: true },
    ),
  ];
}

/** Where reads of the catalogue found their answer. */
export function cached({ ours }: Monitored): IWidget[] {
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

/** The same by application. */
export function callers({ httpLog, oursByValue }: Monitored): IWidget[][] {
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
  ];
}

/** Whether each access is recorded. */
export const accesses = ({ undeliveredAccesses, recordAccess, ours }: Monitored): IWidget[][] => [
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
];
