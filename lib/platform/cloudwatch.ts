import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { awsCredentials, config } from './config.ts';

let client: CloudWatchClient | undefined;

/** The process's client of CloudWatch, for what reads metrics. Functions write theirs to their logs. */
export function cloudWatch(): CloudWatchClient {
  client ??= new CloudWatchClient({
    region: config().AWS_REGION,
    credentials: awsCredentials,
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 8000, throwOnRequestTimeout: true },
  });
  return client;
}
