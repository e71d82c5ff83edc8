import type { DescribeExecutionOutput, GetExecutionHistoryOutput, HistoryEvent } from '@aws-sdk/client-sfn';
import { correlationId } from '../kernel/correlation.ts';
import { isNamed } from '../kernel/errors.ts';
import type { Execution } from '../operations/manual-review/history.ts';
import {
  capturingExecution,
  compensatingExecution,
  type ExecutionId,
  placingExecution,
  refundingExecution,
} from '../saga/executions.ts';
import type { CapturingInput, CompensatingInput, PlacingInput, RefundingInput } from '../saga/inputs.ts';
import { machineArn, startArn, states } from './step-functions.ts';

/** Starts the saga that places an order. @throws when Step Functions cannot take it now */
export const startPlacing = (input: PlacingInput): Promise<void> => start(placingExecution(input), input);

/** Starts the saga that compensates an order or an orphaned charge. @throws when Step Functions cannot take it now */
export const startCompensating = (input: CompensatingInput): Promise<void> =>
  start(compensatingExecution(input), input);

/** Starts the saga that captures an authorized payment. @throws when Step Functions cannot take it now */
export const startCapturing = (input: CapturingInput): Promise<void> => start(capturingExecution(input), input);

/** Starts the saga that makes a partial refund. @throws when Step Functions cannot take it now */
export const startRefunding = (input: RefundingInput): Promise<void> => start(refundingExecution(input), input);

/** The execution has a name of its own, so starting twice is starting once. Its steps work for whoever this process works for. */
async function start(
  { machine, name }: ExecutionId,
  parameters: { correlationId?: string | undefined },
): Promise<void> {
  const input = { ...parameters, correlationId: parameters.correlationId ?? correlationId() };
  try {
    await states()('StartExecution', { stateMachineArn: startArn(machine), name, input: JSON.stringify(input) });
  } catch (error) {
    if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
  }
}

/** The status of an execution; `none` when there is no such execution. */
export async function describeExecution(execution: ExecutionId): Promise<string> {
  const executionArn = arnOf(execution);
  try {
    const { status } = await states()<Described>('DescribeExecution', { executionArn });
    return status ?? 'RUNNING';
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return 'none';
    throw error;
  }
}

/** Most events of one history that are read; a saga with every possible retry has about two hundred. */
const longestHistory = 2000;
/** How long Step Functions may take over one execution, in milliseconds: the reader has other things to show. */
const patience = 4000;

/**
 * An execution and its history, without inputs and outputs. Undefined when there is no such execution, or it was closed
 * more than 90 days ago.
 * @throws when Step Functions does not answer in time
 */
export async function readExecution(execution: ExecutionId): Promise<Execution | undefined> {
  const abortSignal = AbortSignal.timeout(patience);
  const executionArn = arnOf(execution);
  try {
    const { status, startDate, stopDate } = await states()<Described>(
      'DescribeExecution',
      { executionArn },
      { abortSignal },
    );
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await states()<HistoryPage>(
        'GetExecutionHistory',
        { executionArn, includeExecutionData: false, maxResults: 1000, nextToken },
        { abortSignal },
      );
      events.push(...page.events.map((event) => ({ ...event, timestamp: toDate(event.timestamp) })));
      nextToken = page.nextToken;
    } while (nextToken !== undefined && events.length < longestHistory);
    return {
      name: execution.name,
      status: status ?? 'RUNNING',
      startedAt: toDate(startDate),
      endedAt: stopDate === undefined ? undefined : toDate(stopDate),
      events,
      complete: nextToken === undefined,
    };
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/** As they come: with times in seconds since the epoch. */
type Described = Pick<DescribeExecutionOutput, 'status'> & { startDate: number; stopDate?: number };
type HistoryPage = Pick<GetExecutionHistoryOutput, 'nextToken'> & {
  events: (Omit<HistoryEvent, 'timestamp'> & { timestamp: number })[];
};

const toDate = (seconds: number): Date => new Date(seconds * 1000);

const arnOf = ({ machine, name }: ExecutionId): string =>
  `${machineArn(machine).replace(':stateMachine:', ':execution:')}:${name}`;
