import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import {
  budgetShare,
  leastMisses,
  type ObjectiveMiss,
  objectiveMisses,
  objectives,
} from '../../../lib/contract/deploy/objectives.ts';
import { type OwnMetrics, sum } from '../metrics.ts';
import type { Monitored } from '../resources.ts';
import type { AlarmSpec } from './spec.ts';

/**
 * The error budget burns so many times as fast as it may: over a long window, and still over a short one. These are the rates of
 * Google's SRE workbook for an objective of 30 days: 2 % of the budget within an hour, 5 % within six.
 * https://sre.google/workbook/alerting-on-slos/
 */
const rates = [
  { name: 'fast', burn: 14.4, windows: [60, 5] },
  { name: 'slow', burn: 6, windows: [360, 30] },
] as const;

/** Pairs of alarms, both of which ring when a budget burns: `objectives-burning` pages when any pair does. */
export const burnPairs: readonly (readonly [string, string])[] = objectiveMisses.flatMap((miss) =>
  rates.map(({ name, windows: [long, short] }) => [nameOf(miss, name, long), nameOf(miss, name, short)] as const),
);

function nameOf(miss: ObjectiveMiss, rate: string, minutes: number): string {
  return `${miss}-${rate}-${minutes}m`;
}

/** The windows of all objectives. None of them notifies anybody by itself. */
export const burnRates = ({ watchesObjectives, ours }: Monitored): AlarmSpec[] =>
  watchesObjectives
    ? objectiveMisses.flatMap((miss) =>
        rates.flatMap(({ name, burn, windows }) =>
          windows.map((minutes, index) => ({
            name: nameOf(miss, name, minutes),
            runbook: 'objectives-burning',
            means: `The error budget of ${miss} burns ${burn} times too fast over ${minutes} minutes.`,
            metric: missed(ours, miss, minutes, index === 0 ? leastMisses : 1),
            threshold: percent(burn * budgetShare),
            pagesWith: 'objectives-burning' as const,
          })),
        ),
      )
    : [];

const percent = (share: number): number => Math.round(share * 1e6) / 1e4;

/** The misses of an objective in percent of its requests, in a period of so many minutes; 0 for fewer than `least`. */
function missed(ours: OwnMetrics['ours'], miss: ObjectiveMiss, minutes: number, least: number): MathExpression {
  const [name] = miss.split('-') as [keyof typeof objectives];
  const requests = objectives[name].operations.map(
    (operation, index) => [`r${index}`, ours('Requests', sum(minutes), operation)] as const,
  );
  const misses = ours('ObjectiveMisses', sum(minutes), miss);
  const total = requests.map(([id]) => `FILL(${id}, 0)`).join(' + ');
  return new MathExpression({
    expression: `IF(FILL(misses, 0) >= ${least}, 100 * FILL(misses, 0) / (${total}), 0)`,
    usingMetrics: { misses, ...Object.fromEntries(requests) },
    label: `${miss}, misses in %`,
    period: misses.period,
  });
}
