import { Duration } from 'aws-cdk-lib';
import { type IMetric, type IWidget, MathExpression, SingleValueWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { findingKinds } from '../../../lib/contract/api/findings.ts';
import { orderFailureCodes } from '../../../lib/contract/api/orders.ts';
import { invariants } from '../../../lib/contract/deploy/metrics.ts';
import { sagaFailureCodes } from '../../../lib/saga/failures.ts';
import type { AwsMetricName } from '../aws-metrics.ts';
import { awsMetric, maximum, sum, waitingIn } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import { graph } from './widgets.ts';

/** From placed to confirmed: how many orders there are at each end of the saga. */
export function funnel({ ours }: Monitored): IWidget[][] {
  const placed = ours('OrdersPlaced', sum());
  const confirmed = ours('OrdersConfirmed', sum());
  return [
    [
      new SingleValueWidget({
        title: 'Orders, from placed to their end',
        metrics: [
          placed,
          confirmed,
          total(
            'failed',
            sagaFailureCodes.map((reason) => ours('OrdersFailed', sum(), reason)),
          ),
          ours('OrdersCancelled', sum()),
          total(
            'sent to manual review',
            orderFailureCodes.map((reason) => ours('ManualReviewsOpened', sum(), reason)),
          ),
        ],
        setPeriodToTimeRange: true,
        width: 16,
        height: 4,
      }),
      new SingleValueWidget({
        title: 'Share of placed orders that were confirmed, %',
        metrics: [
          new MathExpression({
            expression: '100 * confirmed / placed',
            usingMetrics: { confirmed, placed },
            label: 'confirmed',
            period: placed.period,
          }),
        ],
        setPeriodToTimeRange: true,
        width: 8,
        height: 4,
      }),
    ],
  ];
}

/** One number of several metrics. */
const total = (label: string, metrics: IMetric[]): MathExpression =>
  new MathExpression({
    expression: metrics.map((_, index) => `FILL(${label[0]}${index}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`${label[0]}${index}`, metric])),
    label,
    period: Duration.minutes(1),
  });

/** How orders ended and why, and how long that took. */
export function sales({ stateMachines, ours }: Monitored): IWidget[][] {
  return [
    [
      graph('Orders placed and how they ended', [
        ours('OrdersPlaced', sum()),
        ours('OrdersConfirmed', sum()),
        ours('OrdersCancelled', sum()),
        ours('UnpaidOrdersRefused', sum()),
      ]),
      graph(
        'Failed orders by reason',
        sagaFailureCodes.map((reason) => ours('OrdersFailed', sum(), reason)),
        { stacked: true },
      ),
      graph('Stock-outs', [ours('StockOuts', sum())]),
    ],
    [
      graph('From placed to confirmed, ms', [
        ours('SagaDuration', { statistic: 'p50', label: 'p50' }),
        ours('SagaDuration', { statistic: 'p99', label: 'p99' }),
      ]),
      graph('Captures at shipment', [
        ours('CapturesSettled', sum(), 'succeeded'),
        ours('CapturesSettled', sum(), 'failed'),
      ]),
      graph('Partial refunds', [ours('RefundsSettled', sum(), 'succeeded'), ours('RefundsSettled', sum(), 'failed')]),
    ],
    [
      graph(
        'Orders sent to manual review, by reason',
        orderFailureCodes.map((reason) => ours('ManualReviewsOpened', sum(), reason)),
        { stacked: true },
      ),
      graph('Work of the sweeper', [
        ours('SagasStartedLate', sum()),
        ours('ReservationsExpired', sum()),
        ours('CompensationsRetried', sum()),
      ]),
      graph(
        'Saga executions; on the right: failed, timed out, throttled',
        executions(stateMachines, 'ExecutionsStarted', 'ExecutionsSucceeded'),
        { right: executions(stateMachines, 'ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionThrottled') },
      ),
    ],
  ];
}

const executions = (stateMachines: Monitored['stateMachines'], ...names: AwsMetricName<'AWS/States'>[]) =>
  Object.entries(stateMachines).flatMap(([machine, arn]) =>
    names.map((name) => {
      const label = `${machine}: ${name}`;
      return awsMetric('AWS/States', name, { StateMachineArn: arn }, { ...sum(), label });
    }),
  );

/** Orders, sagas and jobs that are stuck. */
export function stuck({ deadLetters, ours }: Monitored): IWidget[][] {
  return [
    [
      graph('Stuck orders, and orders in manual review', [
        ours('OrdersStuck', maximum()),
        ours('OrdersInManualReview', maximum()),
      ]),
      graph('Age of the oldest of each, s', [
        ours('OldestStuckOrder', maximum()),
        ours('OldestManualReview', maximum()),
        ours('OldestOpenCapture', maximum()),
      ]),
      graph(
        'Broken invariants',
        invariants.map((invariant) => ours('InvariantViolations', maximum(15), invariant)),
      ),
    ],
    [
      graph('Schedules that could not start their job', [waitingIn(deadLetters, maximum())]),
      graph(
        'Reconciliation: open findings, repairs',
        findingKinds.map((kind) => ours('ReconciliationFindings', maximum(60), kind)),
        { right: [ours('ReconciliationRepairs', sum(60))] },
      ),
      graph(
        'Ages, s: the provider’s snapshot, unchecked changes; on the right: unchecked history',
        [ours('ProviderSnapshotAge', maximum(60)), ours('ChecksLag', maximum(60))],
        { right: [ours('OldestUncheckedRow', maximum(60)), ours('RestoreTestAge', maximum(60))] },
      ),
    ],
  ];
}
