import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';

/** One alarm: what is measured, when that is too much, and which page of docs/runbooks says what to do. */
export type AlarmSpec = {
  /** Kebab-case, unique. */
  name: string;
  runbook: string;
  /** What has happened when it rings, in one sentence. */
  means: string;
  metric: IMetric;
  threshold: number;
  /** Rings below the threshold. Without it, at the threshold or above. */
  below?: true;
  /** Rings when `bad` of the last `of` periods are bad; all of them without `bad`, the last one without `of`. */
  bad?: number;
  of?: number;
  /** Notifies nobody itself: the composite alarm of that name does. */
  pagesWith?: 'objectives-burning';
  /** Missing data counts as bad: for what must be reported all the time. */
  silenceIsBad?: true;
};
