import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { EventBus } from '../constructs/event-bus.ts';
import type { HandlerFunction, StageContext } from '../constructs/handler-function.ts';
import type { MonitoredResources } from '../monitoring/resources.ts';

/** The bus of domain events and the functions that consume them. */
export class EventsStack extends Stack {
  readonly handlers: readonly HandlerFunction[];
  readonly monitored: Pick<MonitoredResources, 'undeliveredEvents'>;

  constructor(scope: Construct, id: string, { context, ...props }: StackProps & { context: StageContext }) {
    super(scope, id, props);
    const bus = new EventBus(this, 'Events', context);
    this.handlers = Object.values(bus.handlers);
    this.monitored = { undeliveredEvents: bus.undelivered.queueName };
    new CfnOutput(this, 'UndeliveredEvents', { value: bus.undelivered.queueUrl });
  }
}
