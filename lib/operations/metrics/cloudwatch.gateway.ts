import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  ListMetricsCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  type MetricName,
  type MetricSpec,
  metricNamespace,
  metrics,
  serviceName,
} from '../../contract/deploy/metrics.ts';

/** A metric of a stage that CloudWatch has, with the value of its dimension if it has one. */
export type Published = { name: MetricName; value?: string };

/** One number to ask for: a statistic over periods of so many seconds. */
export type Wanted = { of: Published; statistic: string; seconds: number };

/** Where the metrics of a stage are read. */
export type MetricSource = {
  /** What the stage has published within the last two weeks; of metrics that the code no longer emits, nothing. */
  list(): Promise<Published[]>;
  /**
   * The newest value of each between two times in milliseconds since the epoch, in the order in which they are asked for; undefined
   * where nothing was measured.
   */
  newest(wanted: readonly Wanted[], from: number, to: number): Promise<(number | undefined)[]>;
};

/** The metrics of a stage in CloudWatch. Both calls throw when it does not answer. */
export const metricSource = (client: CloudWatchClient, stage: string): MetricSource => ({
  list: () => listPublished(client, stage),
  newest: (wanted, from, to) => readNewest(client, { stage, wanted, from, to }),
});

/** CloudWatch answers so many in one call. */
const mostAtOnce = 500;

async function listPublished(client: CloudWatchClient, stage: string): Promise<Published[]> {
  const found: Published[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new ListMetricsCommand({
        Namespace: metricNamespace,
        Dimensions: [{ Name: 'stage', Value: stage }],
        ...(NextToken === undefined ? {} : { NextToken }),
      }),
    );
    for (const { MetricName: name = '', Dimensions = [] } of page.Metrics ?? []) {
      if (!Object.hasOwn(metrics, name)) continue;
      const { dimension }: MetricSpec = metrics[name as MetricName];
      const own = Dimensions.filter(({ Name }) => Name !== 'service' && Name !== 'stage');
      if (own.map(({ Name }) => Name).join() !== (dimension ?? '')) continue;
      found.push({ name: name as MetricName, ...(own[0] === undefined ? {} : { value: own[0].Value! }) });
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

async function readNewest(
  client: CloudWatchClient,
  { stage, wanted, from, to }: { stage: string; wanted: readonly Wanted[]; from: number; to: number },
): Promise<(number | undefined)[]> {
  const values: (number | undefined)[] = wanted.map(() => undefined);
  for (let first = 0; first < wanted.length; first += mostAtOnce) {
    const input: GetMetricDataCommandInput = {
      StartTime: new Date(from),
      EndTime: new Date(to),
      ScanBy: 'TimestampDescending',
      MetricDataQueries: wanted
        .slice(first, first + mostAtOnce)
        .map((one, index) => queryOf(one, stage, first + index)),
    };
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new GetMetricDataCommand({ ...input, ...(NextToken === undefined ? {} : { NextToken }) }),
      );
      for (const { Id, Values } of page.MetricDataResults ?? []) values[Number(Id!.slice(1))] ??= Values?.[0];
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
  }
  return values;
}

const queryOf = ({ of: { name, value }, statistic, seconds }: Wanted, stage: string, index: number) => {
  const { dimension }: MetricSpec = metrics[name];
  return {
    Id: `m${index}`,
    MetricStat: {
      Metric: {
        Namespace: metricNamespace,
        MetricName: name,
        Dimensions: Object.entries({
          service: serviceName,
          stage,
          ...(dimension === undefined ? {} : { [dimension]: value! }),
        }).map(([Name, Value]) => ({ Name, Value })),
      },
      Stat: statistic,
      Period: seconds,
    },
  };
};
