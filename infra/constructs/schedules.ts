import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type Job, type JobName, jobs } from '../../functions/jobs.ts';
import { grantsOf } from '../grants.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';
import { pascal } from './names.ts';

/** The schedule table: one function and one EventBridge schedule a row, and a queue for runs that could not start. */
export class Schedules extends Construct {
  readonly handlers: Partial<Record<JobName, HandlerFunction>> = {};
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: { context: StageContext }) {
    super(scope, id);
    const { provider } = props.context.settings.payments;
    this.deadLetters = new sqs.Queue(this, 'DeadLetters', {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(this.deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'This is the dead-letter queue, of schedules; an alarm watches it.',
    });

    for (const [name, job] of Object.entries(jobs) as [JobName, Job][]) {
      if (job.schedule === 'on-deploy') continue;
      const handler = new HandlerFunction(this, pascal(name), {
        ...props.context,
        handler: job.handler,
        description: `Job ${name}, ${job.schedule}`,
        grants: grantsOf({ kind: 'job', row: job }, provider),
        timeoutSeconds: job.timeoutSeconds,
        atOnce: 1,
      });
      // The schedule comes again by itself: a failed run is counted and alarmed on, not repeated in between.
      handler.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
      this.handlers[name] = handler;
      this.schedule(name, job, handler);
    }
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
    // The construct of a higher level would let the role invoke every version and alias as well.
    new scheduler.CfnSchedule(this, `${pascal(name)}Schedule`, {
      description: `Job ${name}`,
      scheduleExpression: job.schedule,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: handler.function.functionArn,
        roleArn: role.roleArn,
        input: '{}',
        deadLetterConfig: { arn: this.deadLetters.queueArn },
        // The next run does the work of one that is late.
        retryPolicy: { maximumEventAgeInSeconds: 120, maximumRetryAttempts: 2 },
      },
    });
  }
}
