import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { attemptsOf } from '../../lib/operations/manual-review/history.ts';

let count = 0;
const event = (type: string, details: Partial<HistoryEvent> = {}): HistoryEvent =>
  ({ id: ++count, type, timestamp: new Date(1000 * count), ...details }) as HistoryEvent;
const entered = (name: string) => event('TaskStateEntered', { stateEnteredEventDetails: { name } });
const at = (n: number) => new Date(1000 * n).toISOString();

test('each call of a step is one line, with its error and without what was handed over', () => {
  count = 0;
  const cause = JSON.stringify({ errorType: 'OutcomeUnknown', errorMessage: 'no answer', trace: ['at x'] });
  const lines = attemptsOf([
    event('ExecutionStarted'),
    event('ChoiceStateEntered', { stateEnteredEventDetails: { name: 'OrphanedCharge' } }),
    event('ChoiceStateExited'),
    entered('RefundPayment'),
    event('LambdaFunctionScheduled', { lambdaFunctionScheduledEventDetails: { resource: 'x', input: 'SECRET' } }),
    event('LambdaFunctionStarted'),
    event('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: { error: 'OutcomeUnknown', cause } }),
    event('LambdaFunctionScheduled'),
    event('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: { error: 'States.Timeout' } }),
    event('LambdaFunctionScheduled'),
    event('LambdaFunctionSucceeded', { lambdaFunctionSucceededEventDetails: { output: 'SECRET' } }),
    event('TaskStateExited'),
    entered('ReleaseStock'),
    event('LambdaFunctionScheduled'),
  ]);
  const quiet = { error: null, message: null };
  const refund = { state: 'RefundPayment' };
  expect(lines).toEqual([
    {
      ...refund,
      attempt: 1,
      startedAt: at(5),
      endedAt: at(7),
      result: 'failed',
      error: 'OutcomeUnknown',
      message: 'no answer',
    },
    {
      ...refund,
      attempt: 2,
      startedAt: at(8),
      endedAt: at(9),
      result: 'timed-out',
      error: 'States.Timeout',
      message: null,
    },
    { ...refund, attempt: 3, startedAt: at(10), endedAt: at(11), result: 'succeeded', ...quiet },
    { state: 'ReleaseStock', attempt: 1, startedAt: at(14), endedAt: null, result: 'under-way', ...quiet },
  ]);
});

test('a step that waits for its token is told the same way', () => {
  count = 0;
  const task = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
  const lines = attemptsOf([
    entered('Waits'),
    event('TaskScheduled'),
    event('TaskStarted'),
    event('TaskSubmitted'),
    event('TaskFailed', { taskFailedEventDetails: { ...task, error: 'Declined', cause: 'token=abc' } }),
    event('TaskScheduled'),
    event('TaskStartFailed', { taskStartFailedEventDetails: { ...task, error: 'Lambda.Unknown', cause: 'x' } }),
  ]);
  expect(lines).toMatchObject([
    { state: 'Waits', attempt: 1, result: 'failed', error: 'Declined', message: '[redacted]' },
    { state: 'Waits', attempt: 2, result: 'failed', error: 'Lambda.Unknown' },
  ]);
});
