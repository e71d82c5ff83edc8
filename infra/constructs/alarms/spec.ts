import { ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';

/** One alarm: what is measured, when that is too much, and which page of docs/runbooks says what to do. */
export type AlarmSpec = {
  /** Kebab-case, unique. */
  name: string;
  runbook: string;
  /** What has happened when it rings. */
  means: string;
  metric: IMetric;
  threshold: number;
  /** Rings at or above the threshold, unless below is said. */
  below?: true;
  /** How many of the last periods must be bad. */
  bad?: number;
  of?: number;
  /** Silence is as bad: for what must be reported all the time. */
  silenceIsBad?: true;
};

export const comparison = ({ below }: AlarmSpec) =>
  below ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;

export const silence = ({ silenceIsBad }: AlarmSpec) =>
  silenceIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING;
