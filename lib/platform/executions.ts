import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { SagaInput } from '../contract/saga.ts';
import { executionName } from '../orders/execution-name.ts';
import { config } from './config.ts';
import { states } from './states.ts';

/**
 * Starts the saga of an order, or of its cancellation. The execution is named after the order, so starting twice is
 * starting once.
 * @throws when Step Functions does not take it now
 */
export async function startSaga(input: SagaInput): Promise<void> {
  try {
    await states().send(
      new StartExecutionCommand({
        stateMachineArn: config().STATE_MACHINE_ARN,
        name: executionName(input),
        input: JSON.stringify(input),
      }),
    );
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
  }
}

/** Where the saga of an order stands; `none` when it was never started. */
export async function describeSaga(of: { orderId: string; intent: SagaInput['intent'] }) {
  const { STATE_MACHINE_ARN } = config();
  const executionArn = `${STATE_MACHINE_ARN.replace(':stateMachine:', ':execution:')}:${executionName(of)}`;
  try {
    const { status } = await states().send(new DescribeExecutionCommand({ executionArn }));
    return status ?? 'RUNNING';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return 'none';
    throw error;
  }
}
