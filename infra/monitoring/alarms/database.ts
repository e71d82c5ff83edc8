import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { dependencies } from '../../../lib/contract/deploy/metrics.ts';
import { maximum, sum } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import type { AlarmSpec } from './spec.ts';

/** What the job check-health sees each minute. */
export function health({ ours }: Monitored): AlarmSpec[] {
  const down = Object.fromEntries(dependencies.map((name) => [name, ours('DependencyDown', maximum(), name)]));
  return [
    {
      name: 'dependency-down',
      runbook: 'dependency-down',
      means:
        'Functions cannot log in to the database or its reader, or DynamoDB or Step Functions do not answer, or the job that asks does not report.',
      metric: new MathExpression({
        expression: 'MAX(METRICS())',
        usingMetrics: down,
        label: 'dependencies that are down',
        period: ours('DependencyDown', maximum(), 'database').period,
      }),
      threshold: 1,
      bad: 3,
      of: 5,
      silenceIsBad: true,
    },
    {
      name: 'connections-used',
      runbook: 'connections-used',
      means: 'Four fifths of the connections that PostgreSQL allows are taken.',
      metric: ours('ConnectionsUsed', maximum()),
      threshold: 80,
      bad: 3,
      of: 5,
    },
    {
      name: 'transaction-long',
      runbook: 'transaction-long',
      means: 'A transaction has been open for ten minutes or longer: it holds locks, and vacuum waits for it.',
      metric: ours('OldestTransaction', maximum()),
      threshold: 600,
      bad: 3,
      of: 5,
    },
    {
      name: 'lock-waits',
      runbook: 'transaction-long',
      means: 'Sessions wait for a lock for five seconds or longer, minute after minute; functions give up after four.',
      metric: ours('LongestLockWait', maximum()),
      threshold: 5,
      bad: 3,
      of: 5,
    },
    {
      name: 'vacuum-behind',
      runbook: 'vacuum-behind',
      means: 'The oldest rows are older than PostgreSQL allows before it forces a vacuum, and none has come.',
      metric: ours('FreezeAge', maximum(60)),
      threshold: 150,
      bad: 2,
      of: 2,
    },
    {
      name: 'tables-unvacuumed',
      runbook: 'vacuum-behind',
      means: 'Autovacuum has not come to a table with many dead rows for hours.',
      metric: ours('TablesUnvacuumed', maximum(60)),
      threshold: 1,
      bad: 3,
      of: 3,
    },
    {
      name: 'slow-statements',
      runbook: 'slow-statements',
      means: 'Within five minutes at least 50 runs were of statements that take half a second or longer on average.',
      metric: ours('SlowStatements', sum(5)),
      threshold: 50,
      bad: 3,
      of: 3,
    },
  ];
}
