import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { arn, chain, machine, open } from '../support/local-states.ts';

describe('the history', () => {
  test('has the events of AWS, numbered and chained', async () => {
    const definition = machine({
      Reserve: { Type: 'Task', Resource: 'reserve', TimeoutSeconds: 5, Next: 'Enough?' },
      'Enough?': {
        Type: 'Choice',
        Choices: [{ Variable: '$.ok', BooleanEquals: true, Next: 'Done' }],
        Default: 'Done',
      },
      Done: { Type: 'Succeed' },
    });
    const { run, history } = await open(definition, { reserve: () => ({ ok: true }) });
    await run('a', { id: 1 });
    const events = await history('a');
    expect(events.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionSucceeded',
      'TaskStateExited',
      'ChoiceStateEntered',
      'ChoiceStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ previousEventId }) => previousEventId)).toEqual([0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(events[0]!.executionStartedEventDetails!.input).toBe('{"id":1}');
    expect(events[1]!.stateEnteredEventDetails).toMatchObject({ name: 'Reserve', input: '{"id":1}' });
    expect(events[2]!.lambdaFunctionScheduledEventDetails).toMatchObject({
      resource: 'reserve',
      input: '{"id":1}',
      timeoutInSeconds: 5,
    });
    expect(events[4]!.lambdaFunctionSucceededEventDetails!.output).toBe('{"ok":true}');
    expect(events[5]!.stateExitedEventDetails).toMatchObject({ name: 'Reserve', output: '{"ok":true}' });
    expect(events[10]!.executionSucceededEventDetails!.output).toBe('{"ok":true}');
    expect(events[0]!.timestamp).toBeInstanceOf(Date);
  });

  test('is read page by page, forwards and backwards, with or without data', async () => {
    const { client, run } = await open(chain('a', 'b', 'c'), { a: () => 1, b: () => 2, c: () => 3 });
    await run('x', {});
    const read = async (more: object) => {
      const ids: number[] = [];
      let nextToken: string | undefined;
      do {
        const page = await client.send(
          new GetExecutionHistoryCommand({ executionArn: arn('x'), maxResults: 7, nextToken, ...more }),
        );
        ids.push(...page.events!.map(({ id }) => id!));
        nextToken = page.nextToken;
      } while (nextToken);
      return ids;
    };
    const all = Array.from({ length: 17 }, (_, index) => index + 1);
    expect(await read({})).toEqual(all);
    expect(await read({ reverseOrder: true })).toEqual(all.toReversed());
    const bare = await client.send(
      new GetExecutionHistoryCommand({ executionArn: arn('x'), includeExecutionData: false }),
    );
    expect(bare.events![1]!.stateEnteredEventDetails!.name).toBe('a');
    expect(bare.events![1]!.stateEnteredEventDetails!.input).toBeUndefined();
  });

  test('of an endless loop ends the execution at 25,000 events', async () => {
    const definition = machine({
      Again: { Type: 'Choice', Choices: [{ Variable: '$.stop', IsPresent: true, Next: 'End' }], Default: 'Again' },
      End: { Type: 'Succeed' },
    });
    const { start, settled, client } = await open(definition, {});
    await start('loop', {});
    expect(await settled('loop')).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining('25000'),
    });
    const { events } = await client.send(
      new GetExecutionHistoryCommand({ executionArn: arn('loop'), reverseOrder: true, maxResults: 1 }),
    );
    expect(events![0]).toMatchObject({ id: 25_000, type: 'ExecutionFailed' });
  });
});
