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

/** The ARN of a state machine. */
export const machineArn = (machine: StateMachineName): string => config()[stateMachineVariables[machine]];
