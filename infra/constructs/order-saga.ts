import { readFileSync } from 'node:fs';
import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Step, type StepName, steps } from '../../functions/steps.ts';
import { type StateMachineName, stateMachines } from '../../lib/contract/deploy/route.ts';
import { grantsOf } from '../grants.ts';
import type { Profile } from '../profiles.ts';
import { liveMachine } from './canary.ts';
import { HandlerFunction, type StageContext } from './handler-function.ts';
import { machineNameOf, pascal } from './names.ts';

type State = { TimeoutSeconds?: number; TimeoutSecondsPath?: string };
type Definition = { text: string; placeholders: StepName[]; states: Record<string, State> };

const definitions = Object.fromEntries(
  stateMachines.map((name) => {
    const text = readFileSync(new URL(`../saga/${name}.asl.json`, import.meta.url), 'utf8');
    const found = [...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] as StepName);
    return [name, { text, placeholders: [...new Set(found)].toSorted(), states: JSON.parse(text).States }];
  }),
) as Record<StateMachineName, Definition>;

/** The order saga: its state machines, exactly as infra/saga defines them, and one function for each step. */
export class OrderSaga extends Construct {
  readonly machines: Readonly<Record<StateMachineName, sfn.StateMachine>>;
  readonly handlers: HandlerFunction[];

  constructor(scope: Construct, id: string, context: StageContext) {
    super(scope, id);
    const { profile, payments } = context.settings;
    const functions = Object.fromEntries(
      (Object.entries(steps) as [StepName, Step][]).map(([name, step]) => [
        name,
        new HandlerFunction(this, name, {
          ...context,
          handler: step.handler,
          description: `Order saga: ${name}`,
          grants: grantsOf({ kind: 'step', row: step }, payments.provider),
          timeoutSeconds: timeoutOf(name) - 1,
          keepsVersions: true,
        }),
      ]),
    ) as Record<StepName, HandlerFunction>;
    this.handlers = Object.values(functions);
    this.machines = Object.fromEntries(
      stateMachines.map((name) => [name, this.#machine(name, functions, profile)]),
    ) as Record<StateMachineName, sfn.StateMachine>;
  }

  #stackIdOf = (fn: lambda.Function): string => Stack.of(this).getLogicalId(fn.node.defaultChild as lambda.CfnFunction);

  #machine(name: StateMachineName, functions: Record<StepName, HandlerFunction>, profile: Profile): sfn.StateMachine {
    const { text, placeholders } = definitions[name];
    // Executions live under this name for 90 days, so it must outlast deployments.
    const stateMachineName = machineNameOf(profile.stage, name);
    const called = placeholders.map((step) => [step, functions[step].function] as const);
    const machine = new sfn.StateMachine(this, pascal(name), {
      stateMachineName,
      stateMachineType: sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromString(text),
      // By version: an execution that is under way finishes with the steps that it began with.
      definitionSubstitutions: Object.fromEntries(called.map(([step, fn]) => [step, fn.currentVersion.functionArn])),
      tracingEnabled: profile.traces,
      logs: {
        destination: new logs.LogGroup(this, `${pascal(name)}Log`, {
          // Groups of this prefix need no room in the account's one resource policy for log delivery.
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: profile.logDays,
          removalPolicy: profile.keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    // Every version, because executions of older definitions call older ones; and not the function itself, which nobody calls.
    machine.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: called.map(([, fn]) => `${fn.functionArn}:*`),
      }),
    );
    for (const [, fn] of called) {
      Validations.of(machine.role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::<${this.#stackIdOf(fn)}.Arn>:*]`,
        reason: 'Executions under way call the versions of their steps that they began with.',
      });
    }
    liveMachine(this, pascal(name), machine, profile.canary);
    Validations.of(machine.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Log delivery (and X-Ray, where traces are on) has no resources to name: AWS documents "*".',
    });
    Validations.of(machine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason: 'The history of every execution is kept for 90 days; the log is for errors, without execution data.',
    });
    if (!profile.traces) {
      Validations.of(machine).acknowledge({
        id: 'AwsSolutions-SF2',
        reason: 'Histories of executions say what X-Ray would; -c traces=on adds it.',
      });
    }
    return machine;
  }
}

/** How long a state waits for its function, in seconds. The function ends first, so that its own log says why. */
function timeoutOf(step: StepName): number {
  const state = stateMachines.map((name) => definitions[name].states[step]).find((found) => found !== undefined);
  // A state that waits for a callback takes its time-out from the input; its function is as quick as the others.
  const seconds = state?.TimeoutSecondsPath === undefined ? state?.TimeoutSeconds : 15;
  if (seconds === undefined) throw new Error(`no state ${step} of infra/saga has TimeoutSeconds`);
  return seconds;
}
