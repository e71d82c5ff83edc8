import { readFileSync } from 'node:fs';
import { ArnFormat, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Step, type StepName, steps } from '../../functions/steps.ts';
import { grantsOf } from '../grants.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';

const definition = readFileSync(new URL('../saga/order.asl.json', import.meta.url), 'utf8');

/** The order saga: the definition as it stands, with one function a step. */
export class OrderSaga extends Construct {
  readonly stateMachine: sfn.StateMachine;
  readonly handlers: HandlerFunction[];

  constructor(scope: Construct, id: string, context: StageContext) {
    super(scope, id);
    const { profile, payments } = context.settings;
    // Executions live under this name for 90 days, so it must outlast deployments.
    const stateMachineName = `counterfoil-${profile.name}-order`;
    const stateMachineArn = Stack.of(this).formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: stateMachineName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const functions = (Object.entries(steps) as [StepName, Step][]).map(([name, step]) => {
      const handler = new HandlerFunction(this, name, {
        ...context,
        handler: step.handler,
        description: `Order saga: ${name}`,
        grants: grantsOf({ kind: 'step', row: step }, payments.provider),
        timeoutSeconds: patienceFor(name) - 1,
        stateMachineArn,
      });
      return { name, handler };
    });
    this.handlers = functions.map(({ handler }) => handler);

    this.stateMachine = new sfn.StateMachine(this, 'StateMachine', {
      stateMachineName,
      stateMachineType: sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromString(definition),
      definitionSubstitutions: Object.fromEntries(
        functions.map(({ name, handler }) => [name, handler.function.functionArn]),
      ),
      tracingEnabled: profile.traces,
      logs: {
        destination: new logs.LogGroup(this, 'Log', {
          // Groups of this prefix need no room in the account's one resource policy for log delivery.
          logGroupName: `/aws/vendedlogs/states/counterfoil-${profile.name}-order`,
          retention: profile.logDays,
          removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    // grantInvoke would add every version and alias of each function; the definition calls none.
    this.stateMachine.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: functions.map(({ handler }) => handler.function.functionArn),
      }),
    );

    const { role } = this.stateMachine;
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Log delivery (and X-Ray, where traces are on) has no resources to name: AWS documents "*".',
    });
    Validations.of(this.stateMachine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason: 'The history of every execution is kept for 90 days; the log is for errors, without execution data.',
    });
    if (!profile.traces) {
      Validations.of(this.stateMachine).acknowledge({
        id: 'AwsSolutions-SF2',
        reason: 'A dev stage is looked at by its executions’ histories; prod is traced.',
      });
    }
  }
}

/** How long the state waits for its function. The function ends first, so that its own log tells why. */
function patienceFor(step: string): number {
  const states: Record<string, { TimeoutSeconds?: number; TimeoutSecondsPath?: string }> =
    JSON.parse(definition).States;
  const { TimeoutSeconds: own, TimeoutSecondsPath: path } = states[step] ?? {};
  // A state that waits for somebody outside has a time-out of its own making; its function is as quick as the others.
  const seconds = path === undefined ? own : 15;
  if (seconds === undefined) throw new Error(`state ${step} of order.asl.json has no TimeoutSeconds`);
  return seconds;
}
