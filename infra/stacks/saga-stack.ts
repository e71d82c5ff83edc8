import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { HandlerFunction, StageContext } from '../constructs/handler-function.ts';
import { stateMachineArnOf } from '../constructs/names.ts';
import { OrderSaga } from '../constructs/order-saga.ts';

/** The order saga with the functions of its steps. */
export class SagaStack extends Stack {
  readonly handlers: readonly HandlerFunction[];
  /** Derived from its name, so that other stacks need no reference. */
  readonly stateMachineArn: string;

  constructor(scope: Construct, id: string, { context, ...props }: StackProps & { context: StageContext }) {
    super(scope, id, props);
    const saga = new OrderSaga(this, 'OrderSaga', context);
    this.handlers = saga.handlers;
    this.stateMachineArn = stateMachineArnOf(this, context.settings.profile.name);
    new CfnOutput(this, 'StateMachine', { value: saga.stateMachine.stateMachineArn });
  }
}
