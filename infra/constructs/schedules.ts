import { Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { isScheduled, type Job, type JobName, jobs } from '../../functions/jobs.ts';
import { grantsOf, stands } from '../grants.ts';
import { deadLetterQueue } from './dead-letters.ts';
import { HandlerFunction, onlyLog, type StageContext } from './handler-function.ts';
import { pascal } from './names.ts';

/** The schedule table: a function and an EventBridge schedule for each row, and a queue for runs that could not start. */
export class Schedules extends Construct {
  /** Of every job with a schedule. */
  readonly handlers: Readonly<Partial<Record<JobName, HandlerFunction>>>;
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, context: StageContext) {
    super(scope, id);
    const { provider } = context.settings.payments;
    const { jobsAt } = context.settings.profile;
    // The next run does the work of a lost one, so nothing is kept.
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', { of: 'schedules', keeps: false });

    const handlers: Partial<Record<JobName, HandlerFunction>> = {};
    for (const [name, job] of Object.entries(jobs) as [JobName, Job][]) {
      if (!isScheduled(job)) continue;
      if (!stands(job, context.settings.profile)) {
        onlyLog(this, pascal(name), context.settings.profile, job.handler);
        continue;
      }
      const handler = new HandlerFunction(this, pascal(name), {
        ...context,
        handler: job.handler,
        description: `Job ${name}, ${paced(job.schedule, jobsAt)}`,
        grants: grantsOf({ kind: 'job', row: job }, provider),
        timeoutSeconds: job.timeoutSeconds,
        ...(job.memoryMb === undefined ? {} : { memoryMb: job.memoryMb }),
        atOnce: 1,
      });
      // The schedule runs the job again anyway. A failed run raises an alarm and is not retried.
      handler.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
      handlers[name] = handler;
      this.schedule(name, { ...job, schedule: paced(job.schedule, jobsAt) }, handler);
    }
    this.handlers = handlers;
  }

  private schedule(name: string, job: Job, handler: HandlerFunction): void {
    const role = new iam.Role(this, `${pascal(name)}ScheduleRole`, {
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      inlinePolicies: {
        schedule: new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              actions: ['lambda:InvokeFunction'],
              resources: [handler.function.functionArn],
            }),
            new iam.PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.deadLetters.queueArn] }),
          ],
        }),
      },
    });
    // CDK's higher-level construct would also allow every version and alias of the function.
    new scheduler.CfnSchedule(this, `${pascal(name)}Schedule`, {
      description: `Job ${name}`,
      scheduleExpression: job.schedule,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: handler.function.functionArn,
        roleArn: role.roleArn,
        input: '{}',
        deadLetterConfig: { arn: this.deadLetters.queueArn },
        // The next run does the work of a late one.
        retryPolicy: { maximumEventAgeInSeconds: 120, maximumRetryAttempts: 2 },
      },
    });
  }
}

/** A job's schedule, or the profile's in place of one that is shorter than a day. */
const paced = (schedule: Job['schedule'], jobsAt: Job['schedule'] | undefined): Job['schedule'] =>
  jobsAt === undefined || /^cron\(\d+ \d+ \* \* \? \*\)$/.test(schedule) ? schedule : jobsAt;
