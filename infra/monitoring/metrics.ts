import { Duration } from 'aws-cdk-lib';
import { Metric, type MetricProps, SearchExpression } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type MetricName,
  type MetricSpec,
  metricNamespace,
  metrics,
  ownDimensions,
} from '../../lib/contract/deploy/metrics.ts';
import type { AwsMetricName, AwsNamespace } from './aws-metrics.ts';

/** The statistic of a metric, over periods of so many minutes, one by default. */
type Shape = { statistic: string; minutes?: number; label?: string };

/** The metrics of the product, as one stage emits them. */
export type OwnMetrics = {
  /**
   * @param value of its dimension, if it has one
   * @throws TypeError when there is a value without a dimension, or a dimension without a value
   */
  ours(name: MetricName, shape: Shape, value?: string): Metric;
  /** One line for each value of a metric's dimension, where the values are not known at deployment. */
  oursByValue(name: MetricName, shape: Shape): SearchExpression;
};

export const metricsOf = (stage: string): OwnMetrics => ({
  ours(name, shape, value) {
    const { dimension }: MetricSpec = metrics[name];
    if ((dimension === undefined) !== (value === undefined)) {
      throw new TypeError(
        `metric ${name} has ${dimension === undefined ? 'no dimension' : `the dimension ${dimension}`}`,
      );
    }
    return new Metric({
      namespace: metricNamespace,
      metricName: name,
      dimensionsMap: ownDimensions(stage, dimension === undefined ? {} : { [dimension]: value! }),
      ...rendered(shape, value ?? name),
    });
  },
  oursByValue(name, { statistic, minutes = 1 }) {
    const { dimension }: MetricSpec = metrics[name];
    if (dimension === undefined) throw new TypeError(`metric ${name} has no dimension`);
    const schema = [metricNamespace, dimension, ...Object.keys(ownDimensions(stage))];
    return new SearchExpression({
      expression: `SEARCH('{${schema}} MetricName="${name}" stage="${stage}"', '${statistic}', ${minutes * 60})`,
      label: ' ',
      period: Duration.minutes(minutes),
    });
  },
});

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
