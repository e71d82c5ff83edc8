import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { JobName } from '../../functions/jobs.ts';
import type { TableName } from '../../lib/contract/route.ts';

/** What a stage is made of, by the names that CloudWatch knows its parts under. */
export type Parts = {
  stage: string;
  apiId: string;
  stateMachineArn: string;
  cluster: string;
  writer: string;
  proxy: string;
  tables: Partial<Record<TableName, string>>;
  deadLetters: string;
  /** The queue of what the record of accesses did not take, and its function. */
  undeliveredAccesses: string;
  recordAccess: lambda.Function;
  /** The log group of the HTTP doors. */
  httpLog: string;
  jobs: Partial<Record<JobName, lambda.Function>>;
  doors: Readonly<Record<string, lambda.Function>>;
};
