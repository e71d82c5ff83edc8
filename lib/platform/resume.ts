import { isNamed } from '../kernel/errors.ts';
import { type AwaitedPayments, signal } from '../saga/awaited-payments.dynamo.ts';
import { clock } from './clock.ts';
import { tableName } from './config.ts';
import { dynamo } from './dynamo.ts';
import { states } from './step-functions.ts';

export const awaitedPayments = (): AwaitedPayments => ({ client: dynamo(), table: tableName('awaitedPayments') });

/**
 * Resumes the saga of an order that waits for its payment, now or as soon as it waits: something happened to the payment.
 * @throws when DynamoDB or Step Functions does not take it now; safe to repeat
 */
export async function resumeSaga(orderId: string): Promise<void> {
  const tokens = await signal(awaitedPayments(), { orderId, at: clock.now() });
  await Promise.all(tokens.map(resumeTask));
}

/** Resumes the saga that waits with this task token. Does nothing when it does not wait any more. */
export async function resumeTask(taskToken: string): Promise<void> {
  try {
    await states()('SendTaskSuccess', { taskToken, output: '{}' });
  } catch (error) {
    if (isNamed(error, 'TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken')) return;
    throw error;
  }
}
