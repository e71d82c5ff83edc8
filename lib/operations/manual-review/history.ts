import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { attemptResults, StepAttempt } from '../../contract/api/manual-review.ts';
import { redacted } from '../../kernel/redact.ts';

/** An execution as Step Functions tells of it. */
export type Execution = {
  name: string;
  status: string;
  startedAt: Date;
  endedAt: Date | undefined;
  events: readonly HistoryEvent[];
  complete: boolean;
};

type Result = (typeof attemptResults)[number];

/**
 * A history as one line for each call of a step, in order. Nothing of what was handed over is in it, and no secret.
 * The machine runs one state at a time, so an event belongs to the state entered last.
 */
export function attemptsOf(events: readonly HistoryEvent[]): StepAttempt[] {
  const attempts: StepAttempt[] = [];
  const calls = new Map<string, number>();
  let state = '';
  let open: StepAttempt | undefined;
  for (const event of events) {
    const at = (event.timestamp ?? new Date(0)).toISOString();
    state = event.stateEnteredEventDetails?.name ?? state;
    const [, what] = /^(?:LambdaFunction|Task)(Scheduled|Succeeded|\w*Failed|TimedOut)$/.exec(event.type ?? '') ?? [];
    if (what === 'Scheduled') {
      const attempt = (calls.get(state) ?? 0) + 1;
      calls.set(state, attempt);
      open = { state, attempt, startedAt: at, endedAt: null, result: 'under-way', error: null, message: null };
      attempts.push(open);
    } else if (what !== undefined && open !== undefined) {
      Object.assign(open, { endedAt: at, result: resultOf(what), ...failureIn(event) });
      open = undefined;
    }
  }
  return attempts;
}

const resultOf = (what: string): Result =>
  what === 'Succeeded' ? 'succeeded' : what === 'TimedOut' ? 'timed-out' : 'failed';

function failureIn(event: HistoryEvent): Pick<StepAttempt, 'error' | 'message'> {
  const { error, cause } =
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    {};
  return {
    error: error === undefined ? null : redacted(error),
    message: cause === undefined ? null : redacted(messageIn(cause)),
  };
}

/** Lambda's cause is JSON with a stack trace, of which the message alone is worth reading. */
function messageIn(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause;
  }
}
