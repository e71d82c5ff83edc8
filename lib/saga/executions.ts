import type { StateMachineName } from '../contract/deploy/route.ts';
import type { CapturingInput, CompensatingInput, PlacingInput, RefundingInput } from './inputs.ts';

/** An execution: which state machine runs it, and its name there. */
export type ExecutionId = { machine: StateMachineName; name: string };

/** An order is placed once, so its id is the execution's name. */
export const placingExecution = ({ orderId }: Pick<PlacingInput, 'orderId'>): ExecutionId => ({
  machine: 'placing',
  name: orderId,
});

/** `<orderId>-cancellation`, `<orderId>-orphaned-charge` or `<orderId>-retry-<attempt>`. */
export const compensatingExecution = ({
  orderId,
  reason,
  attempt,
}: Pick<CompensatingInput, 'orderId' | 'reason' | 'attempt'>): ExecutionId => ({
  machine: 'compensating',
  name: reason === 'retry' ? `${orderId}-retry-${attempt}` : `${orderId}-${reason}`,
});

/** `<paymentId>-<attempt>` */
export const capturingExecution = ({
  paymentId,
  attempt,
}: Pick<CapturingInput, 'paymentId' | 'attempt'>): ExecutionId => ({
  machine: 'capturing',
  name: `${paymentId}-${attempt}`,
});

/** `<refundId>-<attempt>` */
export const refundingExecution = ({
  refundId,
  attempt,
}: Pick<RefundingInput, 'refundId' | 'attempt'>): ExecutionId => ({
  machine: 'refunding',
  name: `${refundId}-${attempt}`,
});

/** The status of an execution as Step Functions names it, or `none` when there is no such execution. */
export type DescribeExecution = (execution: ExecutionId) => Promise<string>;

/** Whether an execution of this status goes on by itself. */
export const isUnderWay = (status: string): boolean => status === 'RUNNING' || status === 'PENDING_REDRIVE';
