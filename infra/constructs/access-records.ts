import { Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type Stream, type StreamName, streams } from '../../functions/streams.ts';
import { grantsOf } from '../grants.ts';
import { deadLetterQueue } from './dead-letters.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';
import { pascal } from './names.ts';

/**
 * The stream table: one function for each row, subscribed to a log group, and a queue for batches that it could not store.
 * The functions log to other groups, or they would receive their own lines.
 */
export class AccessRecords extends Construct {
  readonly handlers: Readonly<Record<StreamName, HandlerFunction>>;
  readonly undelivered: sqs.Queue;

  constructor(scope: Construct, id: string, props: { context: StageContext; from: logs.LogGroup }) {
    super(scope, id);
    const { context, from } = props;
    const { profile, payments } = context.settings;
    this.undelivered = deadLetterQueue(this, 'Undelivered', { of: 'access records', keeps: profile.keeps });

    const handlers: Partial<Record<StreamName, HandlerFunction>> = {};
    for (const [name, stream] of Object.entries(streams) as [StreamName, Stream][]) {
      const handler = new HandlerFunction(this, pascal(name), {
        ...context,
        handler: stream.handler,
        description: `Log lines ${stream.pattern} of the HTTP handlers`,
        grants: grantsOf({ kind: 'stream', row: stream }, payments.provider),
        timeoutSeconds: stream.timeoutSeconds,
        atOnce: stream.atOnce,
        failures: this.undelivered,
      });
      handler.function.configureAsyncInvoke({
        retryAttempts: 2,
        maxEventAge: Duration.hours(6),
        // CDK's SqsDestination would add a second policy to the role.
        onFailure: { bind: () => ({ destination: this.undelivered.queueArn }) },
      });
      handlers[name] = handler;
      this.subscribe(stream, handler, from);
    }
    this.handlers = handlers as Record<StreamName, HandlerFunction>;
  }

  private subscribe({ name, pattern }: Stream, handler: HandlerFunction, from: logs.LogGroup): void {
    const permission = new lambda.CfnPermission(this, `${pascal(name)}Permission`, {
      action: 'lambda:InvokeFunction',
      functionName: handler.function.functionArn,
      principal: 'logs.amazonaws.com',
      sourceAccount: Stack.of(this).account,
      sourceArn: from.logGroupArn,
    });
    const filter = new logs.CfnSubscriptionFilter(this, `${pascal(name)}Subscription`, {
      filterName: name,
      logGroupName: from.logGroupName,
      filterPattern: pattern,
      destinationArn: handler.function.functionArn,
    });
    filter.addResourceDependency(permission);
  }
}
