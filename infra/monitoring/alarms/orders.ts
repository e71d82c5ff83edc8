import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { findingKinds } from '../../../lib/contract/api/findings.ts';
import { orderFailureCodes } from '../../../lib/contract/api/orders.ts';
import { type Invariant, invariants } from '../../../lib/contract/deploy/metrics.ts';
import type { AwsMetricName } from '../aws-metrics.ts';
import { awsMetric, maximum, sum } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import type { AlarmSpec } from './spec.ts';

const invariantMeaning: Readonly<Record<Invariant, string>> = {
  'stock-never-oversold': 'A stock level is not the sum of its movements, or more is reserved than is on hand.',
  'charged-at-most-once': 'An order is failed or cancelled, and its money was not refunded.',
  'confirmed-is-complete': 'A confirmed order lacks a payment of its total, or its stock is not committed.',
  'every-order-ends': 'An order is still open after an hour.',
  'lines-add-up':
    'A line of an order does not add up: more is fulfilled than was ordered, returned than shipped, or refunded than paid.',
  'coupons-within-limits': 'A coupon counts other orders than those that use it, or more than its limit.',
};

export const brokenInvariants = ({ ours }: Monitored): AlarmSpec[] =>
  invariants.map((invariant) => ({
    name: `invariant-${invariant}`,
    runbook: `invariant-${invariant}`,
    means: invariantMeaning[invariant],
    metric: ours('InvariantViolations', maximum(15), invariant),
    threshold: 1,
  }));

/** Whether the checks of invariants and reconciliation keep up with the shop. */
export const checksBehind = ({ ours }: Monitored): AlarmSpec[] => [
  {
    name: 'checks-behind',
    runbook: 'checks-behind',
    means: 'What changed two hours ago is not checked yet: the checks of invariants or reconciliation run out of time.',
    metric: ours('ChecksLag', maximum(60)),
    threshold: 2 * 3600,
  },
  {
    name: 'history-unchecked',
    runbook: 'checks-behind',
    means: 'Some row of the history has not been checked for two weeks: a pass over everything should take one.',
    metric: ours('OldestUncheckedRow', maximum(60)),
    threshold: 14 * 24 * 3600,
  },
];

/** Whether backups are known to restore. */
export const backups = ({ testsRestores, ours }: Monitored): AlarmSpec[] =>
  testsRestores
    ? [
        {
          name: 'backup-not-tested',
          runbook: 'restore',
          means: 'No backup was restored and found sound for a month, though a test should do so each week.',
          metric: ours('RestoreTestAge', maximum(60)),
          threshold: 31 * 24 * 3600,
        },
      ]
    : [];

export function openOrders({ ours }: Monitored): AlarmSpec[] {
  return [
    {
      name: 'orders-stuck',
      runbook: 'orders-stuck',
      means: 'An order has been open for more than ten minutes, or the job that looks for such orders does not report.',
      metric: ours('OldestStuckOrder', maximum()),
      threshold: 600,
      bad: 3,
      of: 5,
      silenceIsBad: true,
    },
    {
      name: 'orders-in-manual-review',
      runbook: 'orders-in-manual-review',
      means: 'An order could not be compensated automatically and waits in manual review.',
      metric: ours('OrdersInManualReview', maximum()),
      threshold: 1,
      // An order leaves manual review for a minute while its compensation is retried.
      bad: 1,
      of: 3,
    },
    {
      name: 'manual-review-overdue',
      runbook: 'orders-in-manual-review',
      means: 'An order has waited in manual review for four hours or longer; retrying its compensation did not help.',
      metric: ours('OldestManualReview', maximum()),
      threshold: 4 * 3600,
      bad: 3,
      of: 5,
    },
    {
      name: 'manual-review-opened',
      runbook: 'orders-in-manual-review',
      means: 'An order went to manual review.',
      metric: new MathExpression({
        expression: 'SUM(METRICS())',
        usingMetrics: Object.fromEntries(
          orderFailureCodes.map((reason, index) => [`m${index}`, ours('ManualReviewsOpened', sum(5), reason)]),
        ),
        label: 'orders sent to manual review',
        period: ours('ManualReviewsOpened', sum(5), 'compensated').period,
      }),
      threshold: 1,
    },
    {
      name: 'captures-open',
      runbook: 'captures-open',
      means: 'The capture of a payment was requested an hour ago or longer, and has not succeeded.',
      metric: ours('OldestOpenCapture', maximum()),
      threshold: 3600,
      bad: 3,
      of: 5,
    },
    {
      name: 'sagas-started-late',
      runbook: 'sagas-started-late',
      means: 'Placing an order did not start its saga; the sweeper did.',
      metric: ours('SagasStartedLate', sum(15)),
      threshold: 5,
    },
  ];
}

export const stock = ({ ours }: Monitored): AlarmSpec[] => [
  {
    name: 'stock-outs',
    runbook: 'stock-outs',
    means: 'At least 10 orders failed within 15 minutes because products are out of stock.',
    metric: ours('StockOuts', sum(15)),
    threshold: 10,
  },
];

export function sagaExecutions({ stateMachines }: Monitored): AlarmSpec[] {
  /** The sum over all state machines. */
  const executions = (label: string, names: readonly AwsMetricName<'AWS/States'>[]) => {
    const metrics = Object.entries(stateMachines).flatMap(([machine, arn]) =>
      names.map(
        (name) => [`${machine}${name}`, awsMetric('AWS/States', name, { StateMachineArn: arn }, sum(5))] as const,
      ),
    );
    return new MathExpression({
      expression: metrics.map(([id]) => `FILL(${id}, 0)`).join(' + '),
      usingMetrics: Object.fromEntries(metrics),
      label,
      period: metrics[0]![1].period,
    });
  };
  return [
    {
      name: 'saga-failed',
      runbook: 'saga-failed',
      means: 'Executions of the order saga failed or timed out.',
      // Two metrics of four state machines are eight; an alarm takes ten.
      metric: executions('executions that did not succeed', ['ExecutionsFailed', 'ExecutionsTimedOut']),
      threshold: 1,
    },
    {
      name: 'saga-aborted',
      runbook: 'saga-failed',
      means: 'Somebody aborted executions of the order saga.',
      metric: executions('aborted executions', ['ExecutionsAborted']),
      threshold: 1,
    },
    {
      name: 'saga-throttled',
      runbook: 'saga-failed',
      means: 'Step Functions throttles executions of the order saga.',
      metric: executions('throttled state transitions', ['ExecutionThrottled']),
      threshold: 1,
      bad: 3,
      of: 3,
    },
  ];
}

export function reconciliation({ ours }: Monitored): AlarmSpec[] {
  const hourly = maximum(60);
  return [
    {
      name: 'reconciliation-findings',
      runbook: 'reconciliation',
      means: 'The payment provider, the orders and the stock ledger disagree.',
      metric: new MathExpression({
        expression: 'MAX(METRICS())',
        usingMetrics: Object.fromEntries(
          findingKinds.map((kind, index) => [`m${index}`, ours('ReconciliationFindings', hourly, kind)]),
        ),
        label: 'open findings',
        period: ours('ReconciliationFindings', hourly, 'orphaned-charge').period,
      }),
      threshold: 1,
    },
    {
      name: 'provider-snapshot-old',
      runbook: 'reconciliation',
      means:
        'The last complete snapshot of the payment provider’s transactions is three hours old, or reconciliation does not run.',
      metric: ours('ProviderSnapshotAge', hourly),
      threshold: 3 * 3600,
      bad: 2,
      of: 2,
      silenceIsBad: true,
    },
  ];
}
