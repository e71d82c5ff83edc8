import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type StateMachineName, stateMachines } from '../../lib/contract/deploy/route.ts';
import type { HandlerFunction, StageContext } from '../constructs/handler-function.ts';
import { machineArnOf, pascal } from '../constructs/names.ts';
import { OrderSaga } from '../constructs/order-saga.ts';

/** The order saga with the functions of its steps. */
export class SagaStack extends Stack {
  readonly handlers: readonly HandlerFunction[];
  /** ARNs, derived from names so that other stacks need no reference. */
  readonly stateMachines: Readonly<Record<StateMachineName, string>>;

  constructor(scope: Construct, id: string, { context, ...props }: StackProps & { context: StageContext }) {
    super(scope, id, props);
    const saga = new OrderSaga(this, 'OrderSaga', context);
    this.handlers = saga.handlers;
    this.stateMachines = Object.fromEntries(
      stateMachines.map((name) => [name, machineArnOf(this, context.settings.profile.stage, name)]),
    ) as Record<StateMachineName, string>;
    for (const [name, machine] of Object.entries(saga.machines)) {
      new CfnOutput(this, `${pascal(name)}StateMachine`, { value: machine.stateMachineArn });
    }
  }
}
