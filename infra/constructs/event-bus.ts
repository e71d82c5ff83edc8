import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as eventschemas from 'aws-cdk-lib/aws-eventschemas';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import * as z from 'zod/mini';
import { type Consumer, type ConsumerName, consumers } from '../../functions/consumers.ts';
import { envelopeOf, eventSource, personalFieldsOf } from '../../lib/contract/events/define-event.ts';
import { domainEvents } from '../../lib/contract/events/domain-events.ts';
import { isActive, patternOf } from '../events.ts';
import { grantsOf } from '../grants.ts';
import { deadLetterQueue } from './dead-letters.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';
import { ownBusNameOf, pascal } from './names.ts';

/** EventBridge and Lambda try as long as this before an event goes to the queue of undelivered ones. */
const deliverFor = Duration.hours(6);

/**
 * The bus of domain events with an archive of 30 days, the consumer table (a function and a rule for each row), and a queue for
 * events that a consumer did not take.
 */
export class EventBus extends Construct {
  readonly handlers: Readonly<Record<ConsumerName, HandlerFunction>>;
  readonly undelivered: sqs.Queue;

  constructor(scope: Construct, id: string, context: StageContext) {
    super(scope, id);
    const { profile, payments } = context.settings;
    const { eventBus } = context.settings.brought;
    // The stage's own is there in any case: a bus that rules of another stack are still on cannot be deleted.
    const own = new events.EventBus(this, 'Bus', { eventBusName: ownBusNameOf(profile.stage) });
    // In the strictest mode of TypeScript, CDK's class does not fit its own interface.
    const bus =
      eventBus === undefined ? (own as events.IEventBus) : events.EventBus.fromEventBusName(this, 'ShopBus', eventBus);
    // What names a person is replayed from the outbox, which forgets them when they are erased.
    const named = domainEvents.filter((definition) => personalFieldsOf(definition).length > 0).map(({ type }) => type);
    new events.CfnArchive(this, 'Archive', {
      sourceArn: bus.eventBusArn,
      description: 'Domain events of the last 30 days without personal data, for replays',
      eventPattern: { source: [eventSource], 'detail-type': [{ 'anything-but': named }] },
      retentionDays: 30,
    });
    describeEvents(this, profile.stage);
    this.undelivered = deadLetterQueue(this, 'Undelivered', { of: 'consumers', keeps: profile.keeps });

    const handlers: Partial<Record<ConsumerName, HandlerFunction>> = {};
    for (const [name, consumer] of Object.entries(consumers) as [ConsumerName, Consumer][]) {
      const handler = new HandlerFunction(this, pascal(name), {
        ...context,
        handler: consumer.handler,
        description: `Consumer ${name} of ${consumer.source}`,
        grants: grantsOf({ kind: 'consumer', row: consumer }, payments.provider),
        timeoutSeconds: consumer.timeoutSeconds,
        atOnce: consumer.atOnce,
        failures: this.undelivered,
      });
      handler.function.configureAsyncInvoke({
        retryAttempts: 2,
        maxEventAge: deliverFor,
        onFailure: { bind: () => ({ destination: this.undelivered.queueArn }) },
      });
      handlers[name] = handler;
      // The function is there in any case: a change of settings must not delete its log.
      this.subscribe(consumer, handler, { bus, state: isActive(consumer, context.settings) ? 'ENABLED' : 'DISABLED' });
    }
    this.handlers = handlers as Record<ConsumerName, HandlerFunction>;
  }

  private subscribe(
    consumer: Consumer,
    handler: HandlerFunction,
    { bus, state }: { bus: events.IEventBus; state: 'ENABLED' | 'DISABLED' },
  ): void {
    const rule = new events.CfnRule(this, `${pascal(consumer.name)}Rule`, {
      eventBusName: bus.eventBusName,
      description: `Events for ${consumer.name}`,
      eventPattern: patternOf(consumer),
      state,
      targets: [
        {
          id: 'function',
          arn: handler.function.functionArn,
          deadLetterConfig: { arn: this.undelivered.queueArn },
          retryPolicy: { maximumEventAgeInSeconds: deliverFor.toSeconds(), maximumRetryAttempts: 185 },
        },
      ],
    });
    invokedBy(this, `${pascal(consumer.name)}Permission`, handler, rule.attrArn);
    this.undelivered.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.undelivered.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': rule.attrArn } },
      }),
    );
  }
}

/** The schemas of the domain events in a registry of EventBridge, as its consumers on AWS look for them. */
function describeEvents(scope: Construct, stage: string): void {
  const registry = new eventschemas.CfnRegistry(scope, 'Schemas', {
    registryName: `counterfoil-${stage}`,
    description: 'Domain events, each as the detail of an event on the bus',
  });
  for (const definition of domainEvents) {
    new eventschemas.CfnSchema(scope, `${pascal(definition.type.replace(/[._]/g, '-'))}Schema`, {
      registryName: registry.attrRegistryName,
      schemaName: `${eventSource}@${definition.type}`,
      description: definition.description.slice(0, 256),
      type: 'JSONSchemaDraft4',
      content: JSON.stringify(z.toJSONSchema(envelopeOf(definition), { target: 'draft-4' })),
    });
  }
}

/** Lets a rule invoke a function. */
export const invokedBy = (scope: Construct, id: string, handler: HandlerFunction, ruleArn: string) =>
  new lambda.CfnPermission(scope, id, {
    action: 'lambda:InvokeFunction',
    functionName: handler.function.functionArn,
    principal: 'events.amazonaws.com',
    sourceAccount: Stack.of(scope).account,
    sourceArn: ruleArn,
  });
