import { Duration } from 'aws-cdk-lib';
import { Metric, type MetricProps, SearchExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, type MetricSpec, metricNamespace, metrics } from '../../lib/contract/deploy/metrics.ts';
import type { AwsMetricName, AwsNamespace } from './aws-metrics.ts';

/** The statistic of a metric, over periods of so many minutes, one by default. */
type Shape = { statistic: string; minutes?: number; label?: string };

/**
 * A metric of the product.
 * @param value of its dimension, if it has one
 * @throws TypeError when there is a value without a dimension, or a dimension without a value
 */
export function ours(name: MetricName, shape: Shape, value?: string): Metric {
  const { dimension }: MetricSpec = metrics[name];
  if ((dimension === undefined) !== (value === undefined)) {
    throw new TypeError(
      `metric ${name} has ${dimension === undefined ? 'no dimension' : `the dimension ${dimension}`}`,
    );
  }
  return new Metric({
    namespace: metricNamespace,
    metricName: name,
    dimensionsMap: { service: 'counterfoil', ...(dimension === undefined ? {} : { [dimension]: value! }) },
    ...rendered(shape, value ?? name),
  });
}

/** One line for each value of a metric's dimension, where the values are not known at deployment. */
export const oursByValue = (name: MetricName, { statistic, minutes = 1 }: Shape): SearchExpression => {
  const { dimension }: MetricSpec = metrics[name];
  if (dimension === undefined) throw new TypeError(`metric ${name} has no dimension`);
  return new SearchExpression({
    expression: `SEARCH('{${metricNamespace},${dimension},service} MetricName="${name}"', '${statistic}', ${minutes * 60})`,
    label: ' ',
    period: Duration.minutes(minutes),
  });
};

/** A metric that AWS publishes. */
export const awsMetric = <N extends AwsNamespace>(
  namespace: N,
  metricName: AwsMetricName<N>,
  dimensionsMap: Record<string, string>,
  shape: Shape,
): Metric =>
  new Metric({
    namespace,
    metricName,
    ...(Object.keys(dimensionsMap).length === 0 ? {} : { dimensionsMap }),
    ...rendered(shape, metricName),
  });

/** How many messages wait in a queue. */
export const waitingIn = (queue: string, shape: Shape): Metric =>
  awsMetric('AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: queue }, shape);

export const sum = (minutes = 1): Shape => ({ statistic: 'Sum', minutes });
export const maximum = (minutes = 1): Shape => ({ statistic: 'Maximum', minutes });

const rendered = ({ statistic, minutes = 1, label }: Shape, otherwise: string): Pick<MetricProps, 'statistic'> => ({
  statistic,
  ...{ period: Duration.minutes(minutes), label: label ?? otherwise },
});
