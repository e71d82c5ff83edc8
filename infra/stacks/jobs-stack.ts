import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { AccessRecords } from '../constructs/access-records.ts';
import type { HandlerFunction, StageContext } from '../constructs/handler-function.ts';
import { Schedules } from '../constructs/schedules.ts';
import type { MonitoredResources } from '../monitoring/resources.ts';

/** What runs without a request: scheduled jobs, and the function that stores access records from the log. */
export class JobsStack extends Stack {
  readonly handlers: readonly HandlerFunction[];
  readonly monitored: Pick<MonitoredResources, 'deadLetters' | 'undeliveredAccesses' | 'recordAccess' | 'jobs'>;

  constructor(scope: Construct, id: string, props: StackProps & { context: StageContext; httpLog: logs.LogGroup }) {
    const { context, httpLog, ...rest } = props;
    super(scope, id, rest);
    const schedules = new Schedules(this, 'Schedules', context);
    const records = new AccessRecords(this, 'AccessRecords', { context, from: httpLog });
    this.handlers = [...Object.values(schedules.handlers), ...Object.values(records.handlers)];
    this.monitored = {
      deadLetters: schedules.deadLetters.queueName,
      undeliveredAccesses: records.undelivered.queueName,
      recordAccess: records.handlers['record-access'].functionName,
      jobs: Object.fromEntries(
        Object.entries(schedules.handlers).map(([name, handler]) => [name, handler.functionName]),
      ),
    };
    new CfnOutput(this, 'DeadLetters', { value: schedules.deadLetters.queueUrl });
    new CfnOutput(this, 'UndeliveredAccesses', { value: records.undelivered.queueUrl });
  }
}
