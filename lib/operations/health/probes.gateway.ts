import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';

/** Settles once Step Functions has answered that the state machine is there. */
export async function probeStates(client: SFNClient, stateMachineArn: string): Promise<void> {
  await client.send(new DescribeStateMachineCommand({ stateMachineArn }));
}
