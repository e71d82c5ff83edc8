import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';

/** Resolves when Step Functions has answered that each state machine exists. */
export async function probeStates(client: SFNClient, stateMachineArns: readonly string[]): Promise<void> {
  await Promise.all(
    stateMachineArns.map((stateMachineArn) => client.send(new DescribeStateMachineCommand({ stateMachineArn }))),
  );
}
