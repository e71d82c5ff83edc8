import type { JobName } from '../../functions/jobs.ts';
import type { StateMachineName, TableName } from '../../lib/contract/deploy/route.ts';

/** What a stage is made of, by the names that CloudWatch knows its resources under. */
export type MonitoredResources = {
  stage: string;
  apiId: string;
  /** ARNs of the saga's state machines. */
  stateMachines: Readonly<Record<StateMachineName, string>>;
  cluster: string;
  writer: string;
  proxy: string;
  tables: Partial<Record<TableName, string>>;
  deadLetters: string;
  /** The queue of what the record of accesses did not take, and its function. */
  undeliveredAccesses: string;
  recordAccess: string;
  /** The log group of the HTTP handlers. */
  httpLog: string;
  /** Functions of the schedule table, by the names of their jobs. */
  jobs: Partial<Record<JobName, string>>;
  /** Every function of a handler, by what the dashboard calls it. */
  handlers: Readonly<Record<string, string>>;
};
