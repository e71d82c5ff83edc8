import type { JobName } from '../../functions/jobs.ts';
import type { StateMachineName } from '../../lib/contract/deploy/route.ts';
import type { TableName } from '../../lib/contract/deploy/tables.ts';
import type { OwnMetrics } from './metrics.ts';

/** The resources of a stage that alarms and the dashboard look at, by the names that CloudWatch knows. */
export type MonitoredResources = {
  stage: string;
  /** Whether backups are restored by tests. */
  testsRestores: boolean;
  /** Whether every alarm and dashboard exists. */
  isWhole: boolean;
  /** Whether somebody is paged when an error budget burns. */
  watchesObjectives: boolean;
  apiId: string;
  /** ARNs of the saga's state machines. */
  stateMachines: Readonly<Record<StateMachineName, string>>;
  /** Undefined where the database is the shop's, which watches it itself. */
  cluster: string | undefined;
  writer: string | undefined;
  /** The first reader; undefined where there is none. */
  reader: string | undefined;
  /** Undefined in a stage without one. */
  proxy: string | undefined;
  tables: Readonly<Record<TableName, string>>;
  deadLetters: string;
  /** The queue of access records that could not be stored, and the function that stores them. */
  undeliveredAccesses: string;
  recordAccess: string;
  /** The queue of domain events that a consumer did not take. */
  undeliveredEvents: string;
  /** The log group of the HTTP handlers. */
  httpLog: string;
  /** Functions of the schedule table, by the names of their jobs. */
  jobs: Partial<Record<JobName, string>>;
  /** Every function of a handler, by what the dashboard calls it. */
  handlers: Readonly<Record<string, string>>;
};

/** The resources of a stage, and its metrics. */
export type Monitored = MonitoredResources & OwnMetrics;
