import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/*
 * Names of our own. Another stack can use them without an export, which CloudFormation would not remove as long as that
 * stack imports it.
 */

/** `place-order` as a construct's id: `PlaceOrder`. */
export const pascal = (name: string): string =>
  name.replace(/(^|[-/])([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());

/** The name of a handler's function. */
export const functionNameOf = (stage: string, handler: string): string =>
  `counterfoil-${stage}-${handler.replaceAll('/', '-')}`;

/** The name of the log group of a handler, or of handlers that share one. */
export const logGroupNameOf = (stage: string, handler: string): string => `/counterfoil/${stage}/${handler}`;

/** The name of the order saga. Executions live under it for 90 days, so it must outlast deployments. */
export const stateMachineNameOf = (stage: string): string => `counterfoil-${stage}-order`;

/** The ARN of the order saga. */
export const stateMachineArnOf = (scope: Construct, stage: string): string =>
  statesArn(scope, 'stateMachine', stateMachineNameOf(stage));

/** The ARN of all executions of the order saga. They are named after their orders. */
export const executionsOf = (scope: Construct, stage: string): string =>
  statesArn(scope, 'execution', `${stateMachineNameOf(stage)}:*`);

const statesArn = (scope: Construct, resource: string, resourceName: string): string =>
  Stack.of(scope).formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
