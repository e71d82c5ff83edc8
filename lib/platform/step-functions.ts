import { SFNClient } from '@aws-sdk/client-sfn';
import { type StateMachineName, stateMachineVariables } from '../contract/deploy/route.ts';
import { awsCredentials, config } from './config.ts';

let client: SFNClient | undefined;

/** The process's Step Functions client. */
export function states(): SFNClient {
  client ??= new SFNClient({
    region: config().AWS_REGION,
    credentials: awsCredentials(),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
  return client;
}

/** What an execution is started by: the state machine's alias, which chooses the version, or the state machine itself. */
export function startArn(machine: StateMachineName): string {
  const { STATE_MACHINE_ALIAS: alias } = config();
  return alias === undefined ? machineArn(machine) : `${machineArn(machine)}:${alias}`;
}

/** The ARN of a state machine. Its executions are named under it, whatever alias they were started by. */
export const machineArn = (machine: StateMachineName): string => config()[stateMachineVariables[machine]];
