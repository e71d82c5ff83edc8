import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { jobs } from '../../functions/jobs.ts';
import { outboxDue, outboxSource } from '../../lib/contract/events/define-event.ts';
import { AccessRecords } from '../constructs/access-records.ts';
import { invokedBy } from '../constructs/event-bus.ts';
import { HandlerFunction, onlyLog, type StageContext } from '../constructs/handler-function.ts';
import { addPath, callerOf } from '../constructs/http-path.ts';
import { busNameOf } from '../constructs/names.ts';
import { Schedules } from '../constructs/schedules.ts';
import { grantsOf } from '../grants.ts';
import type { MonitoredResources } from '../monitoring/resources.ts';
import type { Settings } from '../settings.ts';

/**
 * Starts the publisher when a saga begins, which is after its order was committed, and when it has ended. Step Functions tells
 * EventBridge of both without charge, so no function has to.
 */
const wokenBySagas = (scope: Construct, publisher: HandlerFunction, stateMachineArn: string[]): void =>
  wokenBy(scope, 'Publisher', publisher, {
    description: 'Domain events of a saga are published as it goes',
    eventPattern: {
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { stateMachineArn },
    },
  });

/** Starts the publisher when a handler says that it has written an event. */
const wokenByHandlers = (scope: Construct, publisher: HandlerFunction, settings: Settings): void =>
  wokenBy(scope, 'Outbox', publisher, {
    eventBusName: busNameOf(settings),
    description: 'Domain events that no saga announces are published at once',
    eventPattern: { source: [outboxSource], 'detail-type': [outboxDue] },
  });

function wokenBy(
  scope: Construct,
  id: string,
  publisher: HandlerFunction,
  on: Pick<events.CfnRuleProps, 'eventBusName' | 'description' | 'eventPattern'>,
): void {
  const rule = new events.CfnRule(scope, `${id}Rule`, {
    ...on,
    targets: [
      {
        id: 'function',
        arn: publisher.function.functionArn,
        input: '{}',
        // The schedule does what a lost message leaves.
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 2 },
      },
    ],
  });
  invokedBy(scope, `${id}Permission`, publisher, rule.attrArn);
}

/** A job that something else than the schedule calls. */
const unscheduled = (
  scope: Construct,
  id: string,
  context: StageContext,
  { row, description }: { row: (typeof jobs)['send-notices' | 'serve-metrics']; description: string },
): HandlerFunction =>
  new HandlerFunction(scope, id, {
    ...context,
    handler: row.handler,
    description,
    grants: grantsOf({ kind: 'job', row }, context.settings.payments.provider),
    timeoutSeconds: row.timeoutSeconds,
  });

/** What SNS calls when an alarm has changed. */
function noticesSender(scope: Construct, context: StageContext): HandlerFunction {
  const sender = unscheduled(scope, 'SendNotices', context, {
    row: jobs['send-notices'],
    description: 'Tells chats and webhooks of alarms',
  });
  // A target that does not answer gets another two chances, a minute and two minutes later.
  sender.function.configureAsyncInvoke({ retryAttempts: 2, maxEventAge: Duration.hours(1) });
  return sender;
}

/** What answers Prometheus, where the stage has a token for it: the API calls it for one path, and it asks for the token. */
function metricsServer(
  scope: Construct,
  context: StageContext,
  apiId: string,
): Partial<Record<'serve-metrics', HandlerFunction>> {
  const { metricsSecretArn, profile } = context.settings;
  if (metricsSecretArn === undefined) {
    onlyLog(scope, 'ServeMetrics', profile, jobs['serve-metrics'].handler);
    return {};
  }
  const server = unscheduled(scope, 'ServeMetrics', context, {
    row: jobs['serve-metrics'],
    description: 'GET /metrics for Prometheus',
  });
  const { functionArn } = server.function;
  addPath(scope, 'ServeMetrics', {
    apiId,
    routeKey: 'GET /metrics',
    functionArn,
    caller: callerOf(scope, 'ServeMetricsCaller', [functionArn]),
    reason: 'The function itself asks for a token, which is a secret of the stage.',
  });
  return { 'serve-metrics': server };
}

/** What runs without a request of the API: scheduled jobs, and the function that stores access records from the log. */
export class JobsStack extends Stack {
  readonly handlers: readonly HandlerFunction[];
  readonly monitored: Pick<MonitoredResources, 'deadLetters' | 'undeliveredAccesses' | 'recordAccess' | 'jobs'>;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { context: StageContext; httpLog: logs.LogGroup } & Pick<
        MonitoredResources,
        'stateMachines' | 'apiId'
      >,
  ) {
    const { context, httpLog, stateMachines, apiId, ...rest } = props;
    super(scope, id, rest);
    const schedules = new Schedules(this, 'Schedules', context);
    wokenBySagas(this, schedules.handlers['publish-events']!, Object.values(stateMachines));
    wokenByHandlers(this, schedules.handlers['publish-events']!, context.settings);
    const records = new AccessRecords(this, 'AccessRecords', { context, from: httpLog });
    const asked = { 'send-notices': noticesSender(this, context), ...metricsServer(this, context, apiId) };
    this.handlers = [schedules.handlers, asked, records.handlers].flatMap((each) => Object.values(each));
    this.monitored = {
      deadLetters: schedules.deadLetters.queueName,
      undeliveredAccesses: records.undelivered.queueName,
      recordAccess: records.handlers['record-access'].functionName,
      jobs: Object.fromEntries(
        Object.entries({ ...schedules.handlers, ...asked }).map(([name, handler]) => [name, handler.functionName]),
      ),
    };
    new CfnOutput(this, 'DeadLetters', { value: schedules.deadLetters.queueUrl });
    new CfnOutput(this, 'UndeliveredAccesses', { value: records.undelivered.queueUrl });
  }
}
