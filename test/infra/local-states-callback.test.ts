import { GetExecutionHistoryCommand, SendTaskSuccessCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';
import { newToken, ownerOf } from '../../infra/local/states/callbacks.ts';
import { arn, awaiting, machine, open } from '../support/local-states.ts';

const minute = 60_000;

/** A service with a function `ask` that collects its tokens. */
async function openAwaiting(definition: object, options: Parameters<typeof open>[2] = {}) {
  const tokens: string[] = [];
  const ask = (payload: { taskToken: string }) => {
    tokens.push(payload.taskToken);
    return 'asked';
  };
  const service = await open(definition, { ask, other: (input) => input }, options);
  const { client } = service;
  return {
    ...service,
    tokens,
    succeed: (taskToken: string, output: unknown) =>
      client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) })),
    /** The execution's token once its function has answered. */
    async submitted(name: string, input: unknown = {}) {
      await service.start(name, input);
      await service.states.idle();
      return tokens.at(-1)!;
    },
  };
}

const gone = { name: 'TaskTimedOut', message: "Task Timed Out: 'Provided task does not exist anymore'" };

describe('a task that waits for a callback', () => {
  test('gives its function a token, ignores the answer, and continues with the output of the callback', async () => {
    const definition = machine({ Await: awaiting('ask', { ResultPath: '$.paid', End: true }) });
    const payloads: unknown[] = [];
    const {
      client,
      calls,
      start,
      states,
      settled,
      describe: look,
      history,
    } = await open(definition, {
      ask: (payload) => {
        payloads.push(payload);
        return { ignored: true };
      },
    });
    await start('a', { id: 7 });
    await states.idle();
    expect(await look('a')).toMatchObject({ status: 'RUNNING' });
    expect(payloads).toEqual([{ taskToken: expect.stringMatching(/^[\w+/]{400,}={0,2}$/), state: { id: 7 } }]);
    const { taskToken } = payloads[0] as { taskToken: string };
    await client.send(new SendTaskSuccessCommand({ taskToken, output: '{"amount": 12}' }));
    expect(await settled('a')).toMatchObject({ status: 'SUCCEEDED', output: '{"id":7,"paid":{"amount":12}}' });
    expect(calls).toEqual(['ask']);

    const service = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
    const whole = { outputDetails: { truncated: false } };
    const details = (await history('a')).slice(2, -2).map(({ id, previousEventId, timestamp, ...rest }) => rest);
    expect(details).toEqual([
      {
        type: 'TaskScheduled',
        taskScheduledEventDetails: {
          ...service,
          region: 'eu-central-1',
          parameters: JSON.stringify({ FunctionName: 'ask', Payload: { taskToken, state: { id: 7 } } }),
        },
      },
      { type: 'TaskStarted', taskStartedEventDetails: service },
      {
        type: 'TaskSubmitted',
        taskSubmittedEventDetails: {
          ...service,
          ...whole,
          output: '{"ExecutedVersion":"$LATEST","Payload":{"ignored":true},"StatusCode":200}',
        },
      },
      { type: 'TaskSucceeded', taskSucceededEventDetails: { ...service, ...whole, output: '{"amount": 12}' } },
    ]);
  });

  test('accepts a callback while its function still runs, whatever the function does then', async () => {
    const gate = Promise.withResolvers<void>();
    const definition = machine({ Await: awaiting('ask', { Next: 'After' }), After: { Type: 'Pass', End: true } });
    const { client, start, settled, history } = await open(definition, {
      async ask({ taskToken }: { taskToken: string }) {
        await client.send(new SendTaskSuccessCommand({ taskToken, output: '"early"' }));
        await gate.promise;
        throw new Error('too late');
      },
    });
    await start('a', {});
    expect(await settled('a')).toMatchObject({ status: 'SUCCEEDED', output: '"early"' });
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    const types = (await history('a')).map(({ type }) => type);
    expect(types).toContain('TaskSucceeded');
    for (const type of ['TaskSubmitted', 'TaskFailed']) expect(types).not.toContain(type);
  });

  test('times out, and a retry has a token of its own', async () => {
    const clock = createClock();
    const Retry = [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }];
    const Catch = [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.failure', Next: 'Caught' }];
    const definition = machine({
      Await: awaiting('ask', { TimeoutSeconds: 60, Retry, Catch, End: true }),
      Caught: { Type: 'Succeed' },
    });
    const { submitted, succeed, states, tokens, settled, history } = await openAwaiting(definition, { clock });
    const first = await submitted('a', { id: 1 });
    clock.advance(minute);
    await states.idle();
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).not.toBe(first);
    await expect(succeed(first, 1)).rejects.toMatchObject(gone);
    clock.advance(minute);
    expect(JSON.parse((await settled('a')).output!)).toEqual({
      id: 1,
      failure: { Error: 'States.Timeout', Cause: '' },
    });
    const timedOut = (await history('a')).filter(({ type }) => type === 'TaskTimedOut');
    expect(timedOut.map((event) => event.taskTimedOutEventDetails)).toMatchObject([
      { resource: 'invoke.waitForTaskToken', resourceType: 'lambda', error: 'States.Timeout' },
      { error: 'States.Timeout' },
    ]);
  });

  test('fails with the error of its function, and is retried by a Retry alone', async () => {
    const Retry = [{ ErrorEquals: ['Busy'] }];
    const tokens: string[] = [];
    const errors = ['Busy', 'Broken'];
    const { start, settled, history } = await open(machine({ Await: awaiting('ask', { Retry, End: true }) }), {
      ask: ({ taskToken }: { taskToken: string }) => {
        tokens.push(taskToken);
        throw Object.assign(new Error('no'), { name: errors.shift() });
      },
    });
    await start('a', {});
    const failed = await settled('a');
    expect(failed).toMatchObject({ status: 'FAILED', error: 'Broken' });
    expect(JSON.parse(failed.cause!)).toMatchObject({ errorType: 'Broken', errorMessage: 'no' });
    expect(new Set(tokens).size).toBe(2);
    const last = (await history('a')).at(-2)!;
    expect(last).toMatchObject({
      type: 'TaskFailed',
      taskFailedEventDetails: { error: 'Broken', cause: failed.cause },
    });
  });
});

describe('the time of a callback', () => {
  test.each([
    { limit: { TimeoutSeconds: 900 }, input: {} },
    { limit: { TimeoutSecondsPath: '$.seconds' }, input: { seconds: 900 } },
  ])('is over after $limit by the clock of the stack', async ({ limit, input }) => {
    const clock = createClock();
    const Catch = [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.failure', Next: 'Caught' }];
    const definition = machine({ Await: awaiting('ask', { ...limit, Catch, End: true }), Caught: { Type: 'Succeed' } });
    const { submitted, succeed, describe: look, states, history } = await openAwaiting(definition, { clock });
    const token = await submitted('a', input);
    clock.advance(14 * minute);
    await states.idle();
    expect(await look('a')).toMatchObject({ status: 'RUNNING' });
    clock.advance(minute);
    await expect(succeed(token, 'late')).rejects.toMatchObject(gone);
    await states.idle();
    const done = await look('a');
    expect(done.status).toBe('SUCCEEDED');
    expect(JSON.parse(done.output!)).toEqual({ ...input, failure: { Error: 'States.Timeout', Cause: '' } });
    await expect(succeed(token, 'late')).rejects.toMatchObject(gone);
    const events = await history('a');
    expect(events.find(({ type }) => type === 'TaskScheduled')!.taskScheduledEventDetails!.timeoutInSeconds).toBe(900);
    expect(events.find(({ type }) => type === 'TaskTimedOut')!.taskTimedOutEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
      error: 'States.Timeout',
    });
  });

  test('also ends while its function still runs', async () => {
    const clock = createClock();
    const called = Promise.withResolvers<void>();
    const { start, settled } = await open(
      machine({ Await: awaiting('ask', { TimeoutSeconds: 60, End: true }) }),
      {
        ask: () => {
          called.resolve();
          return new Promise(() => {});
        },
      },
      { clock },
    );
    await start('a', {});
    await called.promise;
    clock.advance(minute);
    expect(await settled('a')).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });

  test('does not outlast that of the execution', async () => {
    const clock = createClock();
    const definition = { ...machine({ Await: awaiting('ask') }), TimeoutSeconds: 3600 };
    const { submitted, succeed, describe: look, states } = await openAwaiting(definition, { clock });
    const token = await submitted('a');
    clock.advance(60 * minute);
    await states.idle();
    expect(await look('a')).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    await expect(succeed(token, 1)).rejects.toMatchObject(gone);
  });
});

describe('answering', () => {
  test('with a text that is not a token, or a token of no task, is refused as AWS refuses it', async () => {
    const { succeed } = await openAwaiting(machine({ Await: awaiting('ask') }));
    const invalid = { name: 'InvalidToken', message: "Invalid Token: 'Invalid token'" };
    for (const token of ['FakeTaskToken', 'AAAA', `${newToken('orders', 'a')} `])
      await expect(succeed(token, 1)).rejects.toMatchObject(invalid);
    await expect(succeed(newToken('orders', 'never-started'), 1)).rejects.toMatchObject({ name: 'TaskDoesNotExist' });
    await expect(succeed('', 1)).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(succeed('x'.repeat(2049), 1)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('with output that is not JSON or too large is InvalidOutput, and the task stays open', async () => {
    const { client, submitted, succeed, settled } = await openAwaiting(machine({ Await: awaiting('ask') }));
    const taskToken = await submitted('a');
    for (const output of ['{nope', JSON.stringify('x'.repeat(262_143))])
      await expect(client.send(new SendTaskSuccessCommand({ taskToken, output }))).rejects.toMatchObject({
        name: 'InvalidOutput',
      });
    await succeed(taskToken, 'good');
    expect(await settled('a')).toMatchObject({ output: '"good"' });
  });

  test('twenty times at once succeeds once', async () => {
    const { submitted, succeed, settled, history } = await openAwaiting(machine({ Await: awaiting('ask') }));
    const token = await submitted('a');
    const answers = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => succeed(token, index)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject(gone);
    const winner = answers.findIndex(({ status }) => status === 'fulfilled');
    expect(await settled('a')).toMatchObject({ output: String(winner) });
    expect((await history('a')).filter(({ type }) => type === 'TaskSucceeded')).toHaveLength(1);
  });

  test('a stopped execution is too late, and a later task does not accept the token of an earlier one', async () => {
    const definition = machine({ First: awaiting('ask', { Next: 'Second' }), Second: awaiting('ask') });
    const { client, submitted, succeed, states, tokens, describe: look } = await openAwaiting(definition);
    const first = await submitted('a');
    await succeed(first, {});
    await states.idle();
    await expect(succeed(first, {})).rejects.toMatchObject(gone);
    await client.send(new StopExecutionCommand({ executionArn: arn('a') }));
    await expect(succeed(tokens[1]!, {})).rejects.toMatchObject(gone);
    expect(await look('a')).toMatchObject({ status: 'ABORTED' });
  });

  test('a token belongs to its execution', () => {
    expect(ownerOf(newToken('orders', 'ord_1'))).toEqual({ machine: 'orders', execution: 'ord_1' });
    expect(newToken('orders', 'ord_1')).not.toBe(newToken('orders', 'ord_1'));
    expect(newToken('m'.repeat(80), 'x'.repeat(80)).length).toBeLessThanOrEqual(1024);
  });
});

describe('idle', () => {
  test('does not wait for callbacks, but for everything else', async () => {
    const gate = Promise.withResolvers<void>();
    const definition = machine({
      Await: awaiting('ask', { Next: 'Slow' }),
      Slow: { Type: 'Task', Resource: 'slow', Next: 'Again' },
      Again: awaiting('ask'),
    });
    const tokens: string[] = [];
    const { client, start, states, calls } = await open(definition, {
      ask: ({ taskToken }: { taskToken: string }) => void tokens.push(taskToken),
      slow: () => gate.promise,
    });
    await states.idle();
    await start('a', {});
    await start('b', {});
    await states.idle();
    expect(calls).toEqual(['ask', 'ask']);
    await client.send(new SendTaskSuccessCommand({ taskToken: tokens[0]!, output: '{}' }));
    let idle = false;
    const became = states.idle().then(() => {
      idle = true;
    });
    while (!calls.includes('slow')) await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(false);
    gate.resolve();
    await became;
    expect(calls).toEqual(['ask', 'ask', 'slow', 'ask']);
  });
});

test('idle waits for what a moved clock makes due', async () => {
  const clock = createClock();
  const Catch = [{ ErrorEquals: ['States.Timeout'], Next: 'Give up' }];
  const definition = {
    ...machine({
      Await: awaiting('ask', { TimeoutSeconds: 900, Catch, Next: 'Give up' }),
      'Give up': { Type: 'Task', Resource: 'other', Next: 'Await again' },
      'Await again': awaiting('ask'),
    }),
    TimeoutSeconds: 3600,
  };
  const { submitted, calls, states, describe: look } = await openAwaiting(definition, { clock });
  await submitted('a');
  clock.advance(15 * minute);
  await states.idle();
  expect(calls).toEqual(['ask', 'other', 'ask']);
  clock.advance(45 * minute);
  await states.idle();
  expect(await look('a')).toMatchObject({ status: 'TIMED_OUT' });
});

describe('lambda:invoke without a callback', () => {
  const Invoke = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: 'ask', 'Payload.$': '$.order' },
  };

  test('gives the response of Lambda', async () => {
    const definition = machine({ Invoke: { ...Invoke, End: true } });
    const { run, history } = await open(definition, { ask: (payload) => ({ got: payload }) });
    const response = { ExecutedVersion: '$LATEST', Payload: { got: { id: 1 } }, StatusCode: 200 };
    expect(await run('a', { order: { id: 1 } })).toEqual(response);
    const events = (await history('a')).slice(2, 5);
    expect(events.map(({ type }) => type)).toEqual(['TaskScheduled', 'TaskStarted', 'TaskSucceeded']);
    expect(events[2]!.taskSucceededEventDetails).toMatchObject({ resourceType: 'lambda', resource: 'invoke' });
    expect(JSON.parse(events[2]!.taskSucceededEventDetails!.output!)).toEqual(response);
  });

  test('without a Payload sends an empty object, and fails or times out as a task does', async () => {
    const clock = createClock();
    const Parameters = { FunctionName: 'ask' };
    const definition = machine({ Invoke: { ...Invoke, Parameters, TimeoutSeconds: 60, End: true } });
    const payloads: unknown[] = [];
    const answers = [
      () => Promise.reject(Object.assign(new Error('no'), { name: 'Broken' })),
      () => {
        clock.advance(minute);
        return new Promise(() => {});
      },
    ];
    const ask = (payload: unknown) => {
      payloads.push(payload);
      return answers.shift()!();
    };
    const { start, settled, history } = await open(definition, { ask }, { clock });
    for (const [name, error, type] of [
      ['a', 'Broken', 'TaskFailed'],
      ['b', 'States.Timeout', 'TaskTimedOut'],
    ] as const) {
      await start(name, {});
      expect(await settled(name)).toMatchObject({ status: 'FAILED', error });
      expect((await history(name)).map((event) => event.type)).toContain(type);
    }
    expect(payloads).toEqual([{}, {}]);
  });
});

test('the history without execution data contains no token', async () => {
  const { client, submitted, history } = await openAwaiting(machine({ Await: awaiting('ask') }));
  const token = await submitted('a');
  const input = { executionArn: arn('a'), reverseOrder: true, maxResults: 3, includeExecutionData: false };
  const { events, nextToken } = await client.send(new GetExecutionHistoryCommand(input));
  expect(events!.map(({ type }) => type)).toEqual(['TaskSubmitted', 'TaskStarted', 'TaskScheduled']);
  expect(events![2]!.taskScheduledEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke.waitForTaskToken',
    region: 'eu-central-1',
  });
  const rest = await client.send(new GetExecutionHistoryCommand({ ...input, nextToken }));
  expect([rest.events!.map(({ id }) => id), rest.nextToken]).toEqual([[2, 1], undefined]);
  expect(JSON.stringify([events, rest.events])).not.toContain(token);
  expect(JSON.stringify(await history('a'))).toContain(token);
});
