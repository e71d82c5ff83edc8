import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { findingKinds } from '../../../lib/contract/api/findings.ts';
import { type Invariant, invariants } from '../../../lib/contract/deploy/metrics.ts';
import { failureCodes } from '../../../lib/saga/failures.ts';
import type { AwsMetricName } from '../aws-metrics.ts';
import { awsMetric, maximum, ours, sum, waitingIn } from '../metric.ts';
import type { MonitoredResources } from '../monitored-resources.ts';
import type { AlarmSpec } from './spec.ts';

const invariantMeaning: Readonly<Record<Invariant, string>> = {
  'stock-never-oversold': 'A stock level is not the sum of its movements, or more is reserved than there is.',
  'charged-at-most-once': 'An order ended failed or cancelled with its money kept.',
  'confirmed-is-complete': 'A confirmed order has no payment of its total, or stock that is not committed.',
  'every-order-ends': 'An order has not ended within an hour.',
};

export const brokenInvariants = (): AlarmSpec[] =>
  invariants.map((invariant) => ({
    name: `invariant-${invariant}`,
    runbook: `invariant-${invariant}`,
    means: invariantMeaning[invariant],
    metric: ours('InvariantViolations', maximum(15), invariant),
    threshold: 1,
  }));

export function stuckOrders({ stateMachines, deadLetters }: MonitoredResources): AlarmSpec[] {
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
      name: 'orders-unended',
      runbook: 'orders-unended',
      means: 'An order has been open for more than ten minutes, or nobody looks.',
      metric: ours('OldestUnendedOrder', maximum()),
      threshold: 600,
      bad: 3,
      of: 5,
      silenceIsBad: true,
    },
    {
      name: 'orders-in-manual-review',
      runbook: 'orders-in-manual-review',
      means: 'An order could not be compensated by itself and waits in manual review.',
      metric: ours('OrdersInManualReview', maximum()),
      threshold: 1,
      // While its compensation runs again an order is away for a minute.
      bad: 1,
      of: 3,
    },
    {
      name: 'manual-review-overdue',
      runbook: 'orders-in-manual-review',
      means: 'An order has been waiting in manual review for four hours or longer; compensating it again did not help.',
      metric: ours('OldestManualReview', maximum()),
      threshold: 4 * 3600,
      bad: 3,
      of: 5,
    },
    {
      name: 'manual-review-opened',
      runbook: 'orders-in-manual-review',
      means: 'One more order was put into manual review.',
      metric: new MathExpression({
        expression: 'SUM(METRICS())',
        usingMetrics: Object.fromEntries(
          failureCodes.map((reason, index) => [`m${index}`, ours('ManualReviewsOpened', sum(5), reason)]),
        ),
        label: 'orders put into manual review',
        period: ours('ManualReviewsOpened', sum(5), 'compensated').period,
      }),
      threshold: 1,
    },
    {
      name: 'saga-failed',
      runbook: 'saga-failed',
      means: 'Executions of the order saga failed, timed out or were aborted.',
      // Three metrics of three state machines are nine; an alarm takes ten.
      metric: executions('executions that did not succeed', [
        'ExecutionsFailed',
        'ExecutionsTimedOut',
        'ExecutionsAborted',
      ]),
      threshold: 1,
    },
    {
      name: 'saga-throttled',
      runbook: 'saga-failed',
      means: 'Step Functions holds back executions of the order saga.',
      metric: executions('throttled state transitions', ['ExecutionThrottled']),
      threshold: 1,
      bad: 3,
      of: 3,
    },
    {
      name: 'sagas-started-late',
      runbook: 'sagas-started-late',
      means: 'Orders were placed whose saga had to be started by the sweeper.',
      metric: ours('SagasStartedLate', sum(15)),
      threshold: 5,
    },
    {
      name: 'schedules-undelivered',
      runbook: 'jobs-not-running',
      means: 'A schedule could not start its job.',
      metric: waitingIn(deadLetters, maximum(5)),
      threshold: 1,
    },
  ];
}

export function disagreements(): AlarmSpec[] {
  const hourly = maximum(60);
  return [
    {
      name: 'reconciliation-findings',
      runbook: 'reconciliation',
      means: 'Provider, orders and stock ledger disagree somewhere.',
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
      means: 'The provider’s transactions were not copied whole for three hours, or nobody compares them.',
      metric: ours('ProviderSnapshotAge', hourly),
      threshold: 3 * 3600,
      bad: 2,
      of: 2,
      silenceIsBad: true,
    },
  ];
}
