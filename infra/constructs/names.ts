import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StateMachineName } from '../../lib/contract/deploy/route.ts';
import type { Settings } from '../settings.ts';

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

/** The name of a state machine. Executions live under it for 90 days, so it must outlast deployments. */
export const machineNameOf = (stage: string, machine: StateMachineName): string =>
  `counterfoil-${stage}-order-${machine}`;

export const ownBusNameOf = (stage: string): string => `counterfoil-${stage}`;

/** The name of the bus that the stage's events go to, its own or the shop's. */
export const busNameOf = ({ profile, brought }: Pick<Settings, 'profile' | 'brought'>): string =>
  brought.eventBus ?? ownBusNameOf(profile.stage);

/** The name of the secret by which the stage's CDN proves that a request comes from it. */
export const edgeKeyNameOf = (stage: string): string => `counterfoil/${stage}/edge-key`;

/** That secret, as a reference that CloudFormation resolves when it deploys. */
export const edgeKeyOf = (stage: string): string => `{{resolve:secretsmanager:${edgeKeyNameOf(stage)}}}`;

/** The name of a reader of the stage's own database, of which the first is 1. */
export const readerNameOf = (stage: string, index: number): string => `counterfoil-${stage}-reader${index}`;

/**
 * The parameter that holds what functions reach the readers by. An export would keep the last reader: CloudFormation takes none away that
 * functions import.
 */
export const readerHostNameOf = (stage: string): string => `/counterfoil/${stage}/reader`;

/** The name of the bucket of the stage's warehouse. Names of buckets are unique in the world. */
export function warehouseBucketOf(scope: Construct, stage: string): string {
  const { account, region } = Stack.of(scope);
  return `counterfoil-${stage}-warehouse-${account}-${region}`;
}

/** The name of the Glue database of the stage's warehouse. */
export const warehouseDatabaseOf = (stage: string): string => `counterfoil_${stage}`;

/** The name of a workgroup of Athena. */
export const warehouseWorkgroupOf = (stage: string, asker: 'reports' | 'analysts'): string =>
  `counterfoil-${stage}-${asker}`;

/** The ARN of a state machine of the stage. */
export const machineArnOf = (scope: Construct, stage: string, machine: StateMachineName): string =>
  statesArn(scope, 'stateMachine', machineNameOf(stage, machine));

/** The ARN of all executions of a state machine of the stage. */
export const executionsArnOf = (scope: Construct, stage: string, machine: StateMachineName): string =>
  statesArn(scope, 'execution', `${machineNameOf(stage, machine)}:*`);

const statesArn = (scope: Construct, resource: string, resourceName: string): string =>
  Stack.of(scope).formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });

/** The bucket of exported reports. Names of buckets are the world's, so it has account and region in it. */
export const reportBucketOf = (scope: Construct, stage: string): string => {
  const { account, region } = Stack.of(scope);
  return `counterfoil-${stage}-reports-${account}-${region}`;
};
