import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { type MetricName, metricNamespace, ownDimensions } from '../../lib/contract/deploy/metrics.ts';
import {
  budgetShare,
  leastMisses,
  type ObjectiveMiss,
  type ObjectiveName,
  objectiveMisses,
  objectives,
} from '../../lib/contract/deploy/objectives.ts';

/** What was asked of an objective in 30 days, and what it missed. */
export type Spent = { objective: ObjectiveMiss; requests: number; misses: number };

/** The error budgets of a stage, and whether one burns now. */
export type Budgets = { spent: Spent[]; burning: boolean };

const days = 30;
const daySeconds = 86_400;

/** What remains of an error budget in percent; below 0 when more was missed than it allows. */
export const remainingOf = ({ requests, misses }: Spent): number =>
  requests === 0 ? 100 : 100 - (100 * misses) / (requests * budgetShare);

const isUsedUp = (each: Spent): boolean => each.misses > 0 && remainingOf(each) <= 0;

/** Why a release should wait; nothing when no error budget is used up by more than a few misses, and none burns. */
export function whyWait({ spent, burning }: Budgets): string[] {
  return [
    ...spent
      .filter((each) => isUsedUp(each) && each.misses >= leastMisses)
      .map(
        ({ objective, requests, misses }) =>
          `The error budget of ${objective} is used up: ${misses} of ${requests} requests missed it in ${days} days.`,
      ),
    ...(burning ? ['An error budget burns now: the alarm objectives-burning rings.'] : []),
  ];
}

/** One line for each error budget. */
export const shown = ({ spent }: Budgets): string[] =>
  spent.map((each) => {
    const { objective, requests, misses } = each;
    return isUsedUp(each) && misses < leastMisses
      ? `${objective}: ${misses} of ${requests} requests missed it in ${days} days, too few to hold a release back`
      : `${objective}: ${Math.floor(remainingOf(each))} % of the error budget of ${days} days is left`;
  });

/** Reads the error budgets of a stage from CloudWatch, with the credentials and the region of the environment. */
export async function readBudgets(stage: string, client = new CloudWatchClient(), now = new Date()): Promise<Budgets> {
  const counted = new Map<string, number>();
  const asked = objectiveMisses.flatMap((miss, index) => [
    { id: `misses${index}`, metric: metric(stage, 'ObjectiveMisses', 'objective', miss) },
    ...operationsOf(miss).map((operation, of) => ({
      id: `requests${index}of${of}`,
      metric: metric(stage, 'Requests', 'operation', operation),
    })),
  ]);
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new GetMetricDataCommand({
        StartTime: new Date(now.getTime() - days * daySeconds * 1000),
        EndTime: now,
        MetricDataQueries: asked.map(({ id, metric }) => ({
          Id: id,
          MetricStat: { Metric: metric, Period: daySeconds, Stat: 'Sum' },
        })),
        NextToken,
      }),
    );
    for (const { Id, Values = [] } of page.MetricDataResults ?? [])
      counted.set(
        Id!,
        Values.reduce((sum, value) => sum + value, counted.get(Id!) ?? 0),
      );
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  const { CompositeAlarms = [] } = await client.send(
    new DescribeAlarmsCommand({
      AlarmTypes: ['CompositeAlarm'],
      AlarmNames: [`counterfoil-${stage}-objectives-burning`],
    }),
  );
  const of = (id: string): number => counted.get(id) ?? 0;
  return {
    spent: objectiveMisses.map((objective, index) => ({
      objective,
      misses: of(`misses${index}`),
      requests: operationsOf(objective).reduce((sum, _, each) => sum + of(`requests${index}of${each}`), 0),
    })),
    burning: CompositeAlarms.some(({ StateValue }) => StateValue === 'ALARM'),
  };
}

const operationsOf = (miss: ObjectiveMiss): readonly string[] =>
  objectives[miss.slice(0, miss.indexOf('-')) as ObjectiveName].operations;

const metric = (stage: string, name: MetricName, dimension: string, value: string) => ({
  Namespace: metricNamespace,
  MetricName: name,
  Dimensions: Object.entries(ownDimensions(stage, { [dimension]: value })).map(([Name, Value]) => ({ Name, Value })),
});
