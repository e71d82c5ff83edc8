import { type StateMachineName, stateMachineVariables } from '../contract/deploy/route.ts';
import { type AwsCall, awsCaller } from './aws/caller.ts';
import { awsCredentials, awsEndpoint, config } from './config.ts';

let call: AwsCall | undefined;

/** The process's caller of Step Functions. Times in its answers are in seconds since the epoch. */
export function states(): AwsCall {
  call ??= awsCaller({
    region: config().AWS_REGION,
    service: 'states',
    target: 'AWSStepFunctions',
    jsonVersion: '1.0',
    endpoint: awsEndpoint('SFN'),
    credentials: awsCredentials,
    attempts: 3,
    timeouts: { connectMs: 1000, answerMs: 3000 },
  });
  return call;
}

/** @throws when Step Functions does not answer that there is such a state machine */
export const describeMachine = (stateMachineArn: string): Promise<object> =>
  states()('DescribeStateMachine', { stateMachineArn });

/** What an execution is started by: the state machine's alias, which chooses the version, or the state machine itself. */
export function startArn(machine: StateMachineName): string {
  const { STATE_MACHINE_ALIAS: alias } = config();
  return alias === undefined ? machineArn(machine) : `${machineArn(machine)}:${alias}`;
}

/** The ARN of a state machine. Its executions are named under it, whatever alias they were started by. */
export const machineArn = (machine: StateMachineName): string => config()[stateMachineVariables[machine]];
