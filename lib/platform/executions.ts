import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { Execution } from '../operations/manual-review/history.ts';
import { executionName } from '../saga/execution-name.ts';
import type { SagaInput } from '../saga/state.ts';
import { config } from './config.ts';
import { states } from './step-functions.ts';

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
export async function describeSaga(of: Pick<SagaInput, 'orderId' | 'intent' | 'attempt'>) {
  const executionArn = arnOf(executionName(of));
  try {
    const { status } = await states().send(new DescribeExecutionCommand({ executionArn }));
    return status ?? 'RUNNING';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return 'none';
    throw error;
  }
}

/** Most events of one history that are read; a saga with every retry there is has about two hundred. */
const longestHistory = 2000;
/** How long Step Functions may take over one execution, in milliseconds: the reader has other things to show. */
const patience = 4000;

/**
 * An execution and its history, without what was handed over; undefined when there is none of this name, or it was
 * closed more than 90 days ago.
 * @throws when Step Functions does not answer in time
 */
export async function readExecution(name: string): Promise<Execution | undefined> {
  const abortSignal = AbortSignal.timeout(patience);
  const executionArn = arnOf(name);
  try {
    const { status, startDate, stopDate } = await states().send(new DescribeExecutionCommand({ executionArn }), {
      abortSignal,
    });
    const events: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await states().send(
        new GetExecutionHistoryCommand({ executionArn, includeExecutionData: false, maxResults: 1000, nextToken }),
        { abortSignal },
      );
      events.push(...(page.events ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined && events.length < longestHistory);
    const complete = nextToken === undefined;
    return { name, status: status ?? 'RUNNING', startedAt: startDate!, endedAt: stopDate, events, complete };
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

const arnOf = (name: string): string =>
  `${config().STATE_MACHINE_ARN.replace(':stateMachine:', ':execution:')}:${name}`;
