import { DescribeExecutionCommand, ExecutionDoesNotExist } from '@aws-sdk/client-sfn';
import { executionName } from '../../lib/saga/execution-name.ts';
import type { SagaInput } from '../../lib/saga/state.ts';
import type { Saga } from './saga.ts';

/** The status of an execution in the test's own Step Functions; `none` when it does not exist. */
export async function describeSaga(
  { sfn, stateMachineArn }: Pick<Saga, 'sfn' | 'stateMachineArn'>,
  of: Pick<SagaInput, 'orderId' | 'intent' | 'part'>,
): Promise<string> {
  const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${executionName(of)}`;
  try {
    return (await sfn.send(new DescribeExecutionCommand({ executionArn }))).status ?? 'RUNNING';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return 'none';
    throw error;
  }
}
