import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  ListTagsForResourceCommand,
  RedriveExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import validateAsl from 'asl-validator';
import { StateMachine } from 'aws-local-stepfunctions';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type StatesOptions, startStates } from '../../infra/local/states/start.ts';

const stateMachineArn = 'arn:aws:states:eu-central-1:123456789012:stateMachine:orders';
const arn = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:orders:${name}`;
const day = 86_400_000;

type Handler = (payload: never) => unknown;
type Options = Partial<Omit<StatesOptions, 'invoke'>>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('an execution', () => {
  test('runs to its end, and is described with input, output and times', async () => {
    const { start, settled } = await open(chain('first', 'second'), {
      first: () => ({ a: 1 }),
      second: (input) => ({ got: input }),
    });
    const { executionArn, startDate } = await start('ord_1', { id: 7 });
    expect(executionArn).toBe(arn('ord_1'));
    const done = await settled('ord_1');
    expect(done).toMatchObject({
      status: 'SUCCEEDED',
      name: 'ord_1',
      stateMachineArn,
      input: '{"id":7}',
      output: '{"got":{"a":1}}',
    });
    expect(done.startDate).toEqual(startDate);
    expect(done.stopDate!.getTime()).toBeGreaterThanOrEqual(startDate!.getTime());
  });

  test('without a name gets a uuid, without input an empty object', async () => {
    const { client, states } = await open(chain('only'), { only: (input) => input });
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn }));
    expect(executionArn).toMatch(/:execution:orders:[0-9a-f-]{36}$/);
    await states.idle();
    expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'SUCCEEDED',
      output: '{}',
    });
  });

  test('gets its payload by value, so a handler cannot change the input of the state', async () => {
    const definition = machine({ Task: { Type: 'Task', Resource: 'change', ResultPath: '$.result', End: true } });
    const change = (input: { list: number[] }) => {
      input.list.push(2);
      return input.list.length;
    };
    const { run } = await open(definition, { change });
    expect(await run('a', { list: [1] })).toEqual({ list: [1], result: 2 });
  });

  test('that answers nothing yields null', async () => {
    const { run } = await open(chain('only'), { only: () => undefined });
    expect(await run('a', {})).toBeNull();
  });

  test('reads the context object', async () => {
    const Parameters = {
      'id.$': '$$.Execution.Id',
      'name.$': '$$.Execution.Name',
      'input.$': '$$.Execution.Input.x',
      'start.$': '$$.Execution.StartTime',
      'state.$': '$$.State.Name',
      'machine.$': '$$.StateMachine.Name',
    };
    const { run } = await open(
      machine({ Look: { Type: 'Pass', Parameters, End: true } }),
      {},
      { clock: { now: () => 0 } },
    );
    const start = '1970-01-01T00:00:00.000Z';
    expect(await run('n', { x: 1 })).toEqual({
      id: arn('n'),
      name: 'n',
      input: 1,
      start,
      state: 'Look',
      machine: 'orders',
    });
  });
});

describe('starting', () => {
  test('the same name with the same input while it runs answers the same execution', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, settled, calls } = await open(chain('slow'), { slow: () => gate.promise });
    const first = await start('ord_1', { a: 1 });
    const again = await start('ord_1', { a: 1 });
    expect([again.executionArn, again.startDate]).toEqual([first.executionArn, first.startDate]);
    gate.resolve();
    await settled('ord_1');
    expect(calls).toEqual(['slow']);
  });

  test('the same name with another input, or after the end, is ExecutionAlreadyExists', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, settled } = await open(chain('slow'), { slow: () => gate.promise });
    await start('ord_1', { a: 1 });
    await expect(start('ord_1', { a: 2 })).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
      $metadata: { httpStatusCode: 400 },
    });
    gate.resolve();
    await settled('ord_1');
    await expect(start('ord_1', { a: 1 })).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  });

  test('forty callers at once with one name run it once', async () => {
    const { start, settled, calls } = await open(chain('step'), {
      step: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => start('ord_1', { a: 1 })));
    await settled('ord_1');
    expect(calls).toEqual(['step']);
    expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const answer of answers) {
      if (answer.status === 'fulfilled') expect(answer.value.executionArn).toBe(arn('ord_1'));
      else expect(answer.reason.name).toBe('ExecutionAlreadyExists');
    }
  });

  test.each(['a b', 'a/b', 'a:b', 'ä\u0007', 'x'.repeat(81), 'a*', 'a{', ''])(
    'the name %j is InvalidName',
    async (name) => {
      const { start } = await open(chain('step'), { step: () => 1 });
      await expect(start(name, {})).rejects.toMatchObject({ name: 'InvalidName' });
    },
  );

  test('input that is not JSON or larger than 256 KiB is InvalidExecutionInput', async () => {
    const { client } = await open(chain('step'), { step: () => 1 });
    const send = (input: string) => client.send(new StartExecutionCommand({ stateMachineArn, name: 'n', input }));
    await expect(send('{nope')).rejects.toMatchObject({ name: 'InvalidExecutionInput' });
    await expect(send(JSON.stringify('é'.repeat(131_072)))).rejects.toMatchObject({ name: 'InvalidExecutionInput' });
    await expect(send(JSON.stringify('e'.repeat(262_142)))).resolves.toMatchObject({ executionArn: arn('n') });
  });

  test('closed executions keep their name for 90 days and no longer', async () => {
    let now = Date.UTC(2030, 0, 1);
    const {
      start,
      settled,
      describe: look,
    } = await open(chain('step'), { step: () => 1 }, { clock: { now: () => now } });
    await start('ord_1', {});
    await settled('ord_1');
    now += 89 * day;
    await expect(start('ord_1', {})).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
    now += 2 * day;
    await expect(look('ord_1')).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
    await start('ord_1', {});
    expect((await settled('ord_1')).startDate).toEqual(new Date(now));
  });
});

describe('the API', () => {
  test('answers unknown things in the shape of AWS', async () => {
    const { client, states } = await open(chain('step'), { step: () => 1 });
    const machineOf = (name: string) => ({ stateMachineArn: stateMachineArn.replace('orders', name) });
    const failing = [
      [new DescribeExecutionCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
      [new GetExecutionHistoryCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
      [new StopExecutionCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
      [new RedriveExecutionCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
      [new DescribeExecutionCommand({ executionArn: 'nonsense' }), 'InvalidArn'],
      [new StartExecutionCommand(machineOf('others')), 'StateMachineDoesNotExist'],
      [new DescribeStateMachineCommand(machineOf('others')), 'StateMachineDoesNotExist'],
      [new ListExecutionsCommand({ stateMachineArn, nextToken: 'altered' }), 'InvalidToken'],
      [new ListTagsForResourceCommand({ resourceArn: stateMachineArn }), 'UnknownOperationException'],
    ] as const;
    for (const [command, name] of failing)
      await expect(client.send(command as StartExecutionCommand)).rejects.toMatchObject({
        name,
        $metadata: { httpStatusCode: 400 },
      });
    const raw = await fetch(states.endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': 'AWSStepFunctions.StartExecution' },
      body: '{',
    });
    expect([raw.status, await raw.json()]).toMatchObject([400, { __type: 'SerializationException' }]);
  });

  test('describes its machine', async () => {
    const definition = chain('step');
    const { client } = await open(definition, { step: () => 1 });
    const found = await client.send(new DescribeStateMachineCommand({ stateMachineArn }));
    expect(found).toMatchObject({ stateMachineArn, name: 'orders', status: 'ACTIVE', type: 'STANDARD' });
    expect(JSON.parse(found.definition!)).toEqual(definition);
    expect((await client.send(new ListStateMachinesCommand({}))).stateMachines).toHaveLength(1);
  });

  test('lists newest first, by status, page after page', async () => {
    let now = 1_000_000;
    const step = ({ fail }: { fail: boolean }) => {
      if (fail) throw new Error('no');
    };
    const { client, run, start, settled } = await open(chain('step'), { step }, { clock: { now: () => now } });
    for (let i = 0; i < 5; i++, now += i % 2 ? 1000 : 0) await run(`ok${i}`, {});
    await start('bad', { fail: true });
    await settled('bad');
    const list = (more: object) => client.send(new ListExecutionsCommand({ stateMachineArn, ...more }));
    expect((await list({ statusFilter: 'FAILED' })).executions!.map(({ name }) => name)).toEqual(['bad']);
    const names: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await list({ maxResults: 2, statusFilter: 'SUCCEEDED', nextToken });
      names.push(...page.executions!.map(({ name }) => name!));
      nextToken = page.nextToken;
    } while (nextToken);
    expect(names).toEqual(['ok4', 'ok3', 'ok2', 'ok1', 'ok0']);
    expect((await list({})).executions).toHaveLength(6);
  });

  test('stops a running execution, whose late answer then changes nothing', async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const slow = () => (entered.resolve(), gate.promise);
    const {
      client,
      start,
      describe: look,
      history,
      calls,
    } = await open(chain('slow', 'after'), { slow, after: () => 1 });
    await start('a', {});
    await entered.promise;
    const { stopDate } = await client.send(
      new StopExecutionCommand({ executionArn: arn('a'), error: 'Operator', cause: 'by hand' }),
    );
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await look('a')).toMatchObject({ status: 'ABORTED', error: 'Operator', cause: 'by hand', stopDate });
    expect((await history('a')).at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      executionAbortedEventDetails: { error: 'Operator' },
    });
    expect(calls).toEqual(['slow']);
    expect((await client.send(new StopExecutionCommand({ executionArn: arn('a') }))).stopDate).toEqual(stopDate);
  });
});

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

  test('comes in pages, forwards and backwards, with or without data', async () => {
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

describe('a task that fails', () => {
  class OutOfStock extends Error {
    override name = 'OutOfStock';
  }
  const refuse = () => {
    throw new OutOfStock('3 wanted, 1 there');
  };

  test('ends the execution with the error and cause that Lambda gives', async () => {
    const { start, settled, history } = await open(chain('reserve'), { reserve: refuse });
    await start('a', {});
    const failed = await settled('a');
    expect(failed).toMatchObject({ status: 'FAILED', error: 'OutOfStock' });
    expect(JSON.parse(failed.cause!)).toEqual({
      errorType: 'OutOfStock',
      errorMessage: '3 wanted, 1 there',
      trace: expect.any(Array),
    });
    const events = await history('a');
    expect(events.map(({ type }) => type).slice(-2)).toEqual(['LambdaFunctionFailed', 'ExecutionFailed']);
    expect(events.at(-1)!.executionFailedEventDetails).toEqual({ error: failed.error, cause: failed.cause });
  });

  test('goes to the first catcher that names its error, with the error under ResultPath', async () => {
    const Catch = [
      { ErrorEquals: ['PaymentDeclined'], Next: 'Wrong' },
      { ErrorEquals: ['OutOfStock'], ResultPath: '$.failure', Next: 'Right' },
      { ErrorEquals: ['States.ALL'], Next: 'Wrong' },
    ];
    const definition = machine({
      Reserve: { Type: 'Task', Resource: 'reserve', Catch, End: true },
      Wrong: { Type: 'Succeed' },
      Right: {
        Type: 'Pass',
        Parameters: { 'id.$': '$.id', 'why.$': 'States.StringToJson($.failure.Cause)', 'code.$': '$.failure.Error' },
        End: true,
      },
    });
    const { run } = await open(definition, { reserve: refuse });
    expect(await run('a', { id: 7 })).toMatchObject({
      id: 7,
      code: 'OutOfStock',
      why: { errorMessage: '3 wanted, 1 there' },
    });
  });

  test.each([
    { names: ['States.ALL'], error: 'Anything', caught: true },
    { names: ['States.TaskFailed'], error: 'Anything', caught: true },
    { names: ['States.TaskFailed'], error: 'States.Timeout', caught: false },
    { names: ['States.Timeout'], error: 'States.Timeout', caught: true },
    { names: ['States.ALL'], error: 'States.Timeout', caught: true },
    { names: ['States.ALL'], error: 'States.DataLimitExceeded', caught: false },
    { names: ['Other'], error: 'Anything', caught: false },
  ])('with $error is caught by $names: $caught', async ({ names, error, caught }) => {
    const task = () => {
      if (error === 'States.Timeout') return new Promise(() => {});
      if (error === 'States.DataLimitExceeded') return 'x'.repeat(262_144);
      throw Object.assign(new Error('no'), { name: error });
    };
    const definition = machine({
      Task: {
        Type: 'Task',
        Resource: 'task',
        TimeoutSeconds: 1,
        Catch: [{ ErrorEquals: names, Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Succeed' },
    });
    const { start, settled } = await open(definition, { task });
    await start('a', {});
    const ended = await settled('a');
    expect(ended).toMatchObject(
      caught ? { status: 'SUCCEEDED', output: expect.stringContaining(error) } : { status: 'FAILED', error },
    );
  });

  test('States.Runtime is neither retried nor caught', async () => {
    const definition = machine({
      Task: {
        Type: 'Task',
        Resource: 'task',
        Parameters: { 'id.$': '$.missing' },
        Retry: [{ ErrorEquals: ['States.ALL'] }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Succeed' },
    });
    const { start, settled, calls } = await open(definition, { task: () => 1 });
    await start('a', {});
    expect(await settled('a')).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining("'$.missing'"),
    });
    expect(calls).toEqual([]);
  });

  test('by throwing no Error, or by an answer that is no JSON, still has a name', async () => {
    const text = await open(chain('task'), { task: () => Promise.reject('just text') });
    await text.start('a', {});
    expect(await text.settled('a')).toMatchObject({ status: 'FAILED', error: 'string' });
    const big = await open(chain('task'), { task: () => 1n });
    await big.start('a', {});
    expect(await big.settled('a')).toMatchObject({ status: 'FAILED', error: 'Runtime.MarshalError' });
  });

  test('ends in a Fail state with the error and cause found by path', async () => {
    const definition = machine({
      No: { Type: 'Fail', ErrorPath: '$.code', CausePath: "States.Format('order {}: {}', $.id, $.why)" },
    });
    const { start, settled, history } = await open(definition, {});
    await start('a', { code: 'Declined', id: 'o1', why: 'a "b" \\ c' });
    expect(await settled('a')).toMatchObject({ status: 'FAILED', error: 'Declined', cause: 'order o1: a "b" \\ c' });
    expect((await history('a')).map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'FailStateEntered',
      'ExecutionFailed',
    ]);
  });
});

describe('retrying', () => {
  const named = (name: string) => Object.assign(new Error(name), { name });

  test('each retrier counts its own attempts, then the catcher takes over', async () => {
    const errors = ['Busy', 'Lost', 'Busy', 'Lost', 'Busy'];
    const Retry = [
      { ErrorEquals: ['Busy'], MaxAttempts: 2, IntervalSeconds: 5 },
      { ErrorEquals: ['Lost'], MaxAttempts: 3, IntervalSeconds: 5 },
    ];
    const definition = machine({
      Task: { Type: 'Task', Resource: 'task', Retry, Catch: [{ ErrorEquals: ['Busy'], Next: 'Caught' }], End: true },
      Caught: { Type: 'Succeed' },
    });
    const { run, calls, history } = await open(definition, {
      task: () => Promise.reject(named(errors.shift() ?? 'Unexpected')),
    });
    expect(await run('a', {})).toMatchObject({ Error: 'Busy' });
    expect(calls).toHaveLength(5);
    expect((await history('a')).filter(({ type }) => type === 'LambdaFunctionFailed')).toHaveLength(5);
  });

  test('stops at three attempts when nothing else is said, and never retries with MaxAttempts 0', async () => {
    for (const [retrier, attempts] of [
      [{}, 4],
      [{ MaxAttempts: 0 }, 1],
    ] as const) {
      const definition = machine({
        Task: { Type: 'Task', Resource: 'task', Retry: [{ ErrorEquals: ['States.ALL'], ...retrier }], End: true },
      });
      const { start, settled, calls } = await open(definition, { task: () => Promise.reject(named('Busy')) });
      await start('a', {});
      expect(await settled('a')).toMatchObject({ status: 'FAILED', error: 'Busy' });
      expect(calls).toHaveLength(attempts);
    }
  });

  test.each([
    { retrier: { IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3 }, pauses: [2000, 6000, 18_000] },
    { retrier: { IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, MaxDelaySeconds: 5 }, pauses: [2000, 5000, 5000] },
    { retrier: { MaxAttempts: 3 }, pauses: [1000, 2000, 4000] },
    { retrier: { IntervalSeconds: 10, BackoffRate: 1, MaxAttempts: 2, JitterStrategy: 'FULL' }, pauses: [2500, 2500] },
  ])('waits as $retrier says', async ({ retrier, pauses }) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.25);
    cleanups.push(() => vi.restoreAllMocks());
    const at: number[] = [];
    const task = () => {
      at.push(performance.now());
      throw named('Busy');
    };
    const definition = machine({
      Task: { Type: 'Task', Resource: 'task', Retry: [{ ErrorEquals: ['Busy'], ...retrier }], End: true },
    });
    const { start, settled } = await open(definition, { task }, { waitScale: 0.01 });
    await start('a', {});
    await settled('a');
    const measured = at.slice(1).map((time, index) => time - at[index]!);
    expect(measured).toHaveLength(pauses.length);
    measured.forEach((pause, index) => {
      expect(pause).toBeGreaterThanOrEqual(pauses[index]! / 100 - 2);
      expect(pause).toBeLessThan(pauses[index]! / 100 + 60);
    });
  });

  test('after a time-out calls again, and ignores the late answer of the first call', async () => {
    const first = Promise.withResolvers<string>();
    const answers = [first.promise, Promise.resolve('second')];
    const definition = machine({
      Task: {
        Type: 'Task',
        Resource: 'task',
        TimeoutSeconds: 1,
        Retry: [{ ErrorEquals: ['States.Timeout'] }],
        End: true,
      },
    });
    const { run, history } = await open(definition, { task: () => answers.shift() });
    expect(await run('a', {})).toBe('second');
    first.resolve('late');
    await new Promise((resolve) => setImmediate(resolve));
    const types = (await history('a')).map(({ type }) => type);
    expect(types).toContain('LambdaFunctionTimedOut');
    expect(types.filter((type) => type === 'LambdaFunctionSucceeded')).toHaveLength(1);
  });
});

describe('time', () => {
  test('a Wait pauses, scaled', async () => {
    const definition = machine({ Rest: { Type: 'Wait', Seconds: 10, End: true } });
    const { run } = await open(definition, {}, { waitScale: 0.01 });
    const began = performance.now();
    expect(await run('a', { kept: true })).toEqual({ kept: true });
    expect(performance.now() - began).toBeGreaterThanOrEqual(95);
  });

  test('over the TimeoutSeconds of the machine the execution is TIMED_OUT', async () => {
    const definition = { ...chain('never'), TimeoutSeconds: 1 };
    const { start, settled, history } = await open(definition, { never: () => new Promise(() => {}) });
    await start('a', {});
    expect(await settled('a')).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect((await history('a')).at(-1)!.type).toBe('ExecutionTimedOut');
  });

  test('stopping ends every pause and open task within a second and leaves the execution RUNNING', async () => {
    const file = tempFile();
    const definition = machine({
      Task: {
        Type: 'Task',
        Resource: 'task',
        Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 3600 }],
        End: true,
      },
    });
    let fail = true;
    const failed = Promise.withResolvers<void>();
    const task = async (input: { hang?: boolean }) => {
      if (!fail) return 'done';
      if (input.hang) return await new Promise(() => {});
      queueMicrotask(() => failed.resolve());
      throw named('Busy');
    };
    const first = await open(definition, { task }, { file, waitScale: 1 });
    await first.start('retrying', {});
    await first.start('hanging', { hang: true });
    await failed.promise;
    const began = performance.now();
    await first.states.stop();
    expect(performance.now() - began).toBeLessThan(1000);
    fail = false;
    const second = await open(definition, { task }, { file });
    expect(await second.settled('retrying')).toMatchObject({ status: 'SUCCEEDED', output: '"done"' });
    expect(await second.settled('hanging')).toMatchObject({ status: 'SUCCEEDED' });
  });

  const named = (name: string) => Object.assign(new Error(name), { name });
});

describe('after a crash', () => {
  test('a running execution goes on at the state it had entered, with that input and its context', async () => {
    const file = tempFile();
    const Parameters = { 'in.$': '$', 'first.$': '$$.Execution.Input', 'start.$': '$$.Execution.StartTime' };
    const definition = machine({
      One: { Type: 'Task', Resource: 'one', Next: 'Two' },
      Two: { Type: 'Task', Resource: 'two', Parameters, Next: 'Three' },
      Three: { Type: 'Task', Resource: 'three', End: true },
    });
    const reached = Promise.withResolvers<unknown>();
    const before = await open(
      definition,
      { one: () => ({ from: 'one' }), two: (input) => (reached.resolve(input), new Promise(() => {})), three: () => 3 },
      { file },
    );
    const { startDate } = await before.start('ord_1', { id: 1 });
    const wasCalledWith = await reached.promise;
    await before.states.stop();

    const seen: unknown[] = [];
    const two = (input: unknown) => (seen.push(input), 'two');
    const after = await open(definition, { one: () => 1, two, three: (input) => [input, 3] }, { file });
    expect(await after.settled('ord_1')).toMatchObject({
      status: 'SUCCEEDED',
      output: '["two",3]',
      input: '{"id":1}',
      startDate,
    });
    expect(after.calls).toEqual(['two', 'three']);
    expect(seen).toEqual([{ in: { from: 'one' }, first: { id: 1 }, start: startDate!.toISOString() }]);
    expect(seen[0]).toEqual(wasCalledWith);
    const events = await after.history('ord_1');
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === 'TaskStateEntered')).toHaveLength(3);
  });

  test('of kill -9 in the second state, nothing is skipped and retries already used stay used', {
    timeout: 30_000,
  }, async () => {
    const file = tempFile();
    const Retry = [{ ErrorEquals: ['Busy'], MaxAttempts: 2, IntervalSeconds: 1 }];
    const definition = machine({
      One: { Type: 'Task', Resource: 'one', Next: 'Two' },
      Two: { Type: 'Task', Resource: 'two', Retry, End: true },
    });
    const start = new URL('../../infra/local/states/start.ts', import.meta.url).href;
    const script = join(file, '..', 'child.ts');
    writeFileSync(
      script,
      `import { startStates } from ${JSON.stringify(start)};
       let tries = 0;
       const invoke = async (resource: string) => {
         if (resource === 'one') return { from: 'one' };
         if (++tries === 1) throw Object.assign(new Error('busy'), { name: 'Busy' });
         setTimeout(() => console.log('hanging'), 50);
         await new Promise(() => {});
       };
       const states = await startStates({ definition: ${JSON.stringify(definition)}, invoke, file: ${JSON.stringify(file)},
         stateMachineArn: ${JSON.stringify(stateMachineArn)}, waitScale: 0 });
       console.log(states.endpoint);`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanups.push(() => child.kill('SIGKILL'));
    const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
    const endpoint = String((await lines.next()).value).trim();
    await clientOf(endpoint).send(new StartExecutionCommand({ stateMachineArn, name: 'ord_1', input: '{"id":1}' }));
    expect(String((await lines.next()).value).trim()).toBe('hanging');
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;

    const busy = () => Promise.reject(Object.assign(new Error('busy'), { name: 'Busy' }));
    const { settled, calls, history } = await open(definition, { one: () => 1, two: busy }, { file });
    expect(await settled('ord_1')).toMatchObject({ status: 'FAILED', error: 'Busy' });
    expect(calls).toEqual(['two', 'two']);
    const entered = (await history('ord_1')).filter(({ type }) => type === 'TaskStateEntered');
    expect(entered.map((event) => event.stateEnteredEventDetails)).toMatchObject([
      { name: 'One' },
      { name: 'Two', input: '{"from":"one"}' },
    ]);
  });

  test('an execution whose state the definition has lost fails and says so', async () => {
    const file = tempFile();
    const reached = Promise.withResolvers<void>();
    const before = await open(chain('old'), { old: () => (reached.resolve(), new Promise(() => {})) }, { file });
    await before.start('a', {});
    await reached.promise;
    await before.states.stop();
    const after = await open(chain('new'), { new: () => 1 }, { file });
    expect(await after.settled('a')).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining("'old'"),
    });
  });

  test('a second service on the same file is refused, and so is a file that is no database', async () => {
    const file = tempFile();
    await open(chain('step'), { step: () => 1 }, { file });
    await expect(open(chain('step'), { step: () => 1 }, { file })).rejects.toThrow(
      `${file} cannot be opened: another process is using it.`,
    );
    const broken = tempFile();
    writeFileSync(broken, 'not a database at all '.repeat(100));
    await expect(open(chain('step'), { step: () => 1 }, { file: broken })).rejects.toThrow(
      /cannot be opened: file is not a database/,
    );
  });
});

describe('redrive', () => {
  test('runs a failed execution again from the state that failed, with fresh retries', async () => {
    let broken = true;
    const flaky = (input: unknown) => {
      if (broken) throw Object.assign(new Error('down'), { name: 'Down' });
      return { got: input };
    };
    const definition = machine({
      One: { Type: 'Task', Resource: 'one', Next: 'Two' },
      Two: { Type: 'Task', Resource: 'flaky', Retry: [{ ErrorEquals: ['Down'], MaxAttempts: 1 }], End: true },
    });
    const { client, start, settled, calls, history } = await open(definition, { one: () => 'one', flaky });
    const redrive = () => client.send(new RedriveExecutionCommand({ executionArn: arn('a') }));
    await start('a', {});
    expect(await settled('a')).toMatchObject({ status: 'FAILED', redriveStatus: 'REDRIVABLE', redriveCount: 0 });
    await redrive();
    expect(await settled('a')).toMatchObject({ status: 'FAILED', redriveCount: 1 });
    broken = false;
    expect((await redrive()).redriveDate).toBeInstanceOf(Date);
    const done = await settled('a');
    expect(done).toMatchObject({ status: 'SUCCEEDED', output: '{"got":"one"}', redriveCount: 2 });
    expect(done.error).toBeUndefined();
    expect(calls).toEqual(['one', 'flaky', 'flaky', 'flaky', 'flaky', 'flaky']);
    const redriven = (await history('a')).filter(({ type }) => type === 'ExecutionRedriven');
    expect(redriven.map((event) => event.executionRedrivenEventDetails!.redriveCount)).toEqual([1, 2]);
    await expect(redrive()).rejects.toMatchObject({ name: 'ExecutionNotRedrivable' });
  });

  test('is refused while it runs and after 14 days', async () => {
    let now = Date.UTC(2030, 0, 1);
    const step = ({ hang }: { hang?: boolean }) => {
      if (hang) return new Promise(() => {});
      throw new Error('no');
    };
    const { client, start, settled } = await open(chain('step'), { step }, { clock: { now: () => now } });
    const redrive = (name: string) => client.send(new RedriveExecutionCommand({ executionArn: arn(name) }));
    await start('runs', { hang: true });
    await expect(redrive('runs')).rejects.toMatchObject({ name: 'ExecutionNotRedrivable' });
    await start('old', {});
    await settled('old');
    now += 15 * day;
    await expect(redrive('old')).rejects.toMatchObject({ name: 'ExecutionNotRedrivable' });
  });
});

describe('a definition', () => {
  const task = (more: object) => machine({ T: { Type: 'Task', Resource: 'x', End: true, ...more } });

  test.each([
    ['JSONata', { ...chain('a'), QueryLanguage: 'JSONata' }, 'JSONata'],
    ['JSONata in a state', task({ QueryLanguage: 'JSONata' }), 'JSONata'],
    ['Assign', task({ Assign: { a: 1 } }), 'Assign'],
    ['Assign in a catcher', task({ Catch: [{ ErrorEquals: ['A'], Next: 'T', Assign: {} }] }), 'Assign'],
    [
      'a Distributed Map',
      machine({ M: { Type: 'Map', ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' } }, End: true } }),
      'Distributed Map',
    ],
    ['a task token', task({ Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' }), 'waitForTaskToken'],
    ['a task token in the payload', task({ Parameters: { 't.$': '$$.Task.Token' } }), 'waitForTaskToken'],
    ['a service integration', task({ Resource: 'arn:aws:states:::sns:publish' }), 'only Lambda functions'],
    ['a placeholder', task({ Resource: '${ReserveStock}' }), 'placeholder ${ReserveStock}'],
    ['HeartbeatSeconds', task({ HeartbeatSeconds: 5 }), 'HeartbeatSeconds'],
    ['a filter in a path', task({ InputPath: '$.a[?(@.b)]' }), 'cannot be read'],
    ['an unknown intrinsic function', task({ Parameters: { 'a.$': 'States.Nope($.a)' } }), 'States.Nope'],
    ['a Next to nowhere', machine({ A: { Type: 'Pass', Next: 'B' } }), '"B", which does not exist'],
    ['a state never reached', machine({ A: { Type: 'Succeed' }, B: { Type: 'Succeed' } }), '"B" is never reached'],
    ['neither Next nor End', machine({ A: { Type: 'Pass' } }), 'either Next or End'],
    [
      'States.ALL before another',
      task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] }),
      'alone and last',
    ],
    ['a broken TimeoutSeconds', task({ TimeoutSeconds: 0 }), 'TimeoutSeconds must be a number between 1'],
    [
      'an unknown comparison',
      machine({ A: { Type: 'Choice', Choices: [{ Variable: '$.a', Equals: 1, Next: 'A' }] } }),
      'one known comparison',
    ],
    ['no such StartAt', { StartAt: 'Z', States: { A: { Type: 'Succeed' } } }, 'StartAt names no state (Z)'],
  ])('with %s is refused with a clear sentence', async (_, definition, words) => {
    const opening = open(definition, {});
    await expect(opening).rejects.toMatchObject({ name: 'DefinitionRefused' });
    await expect(opening).rejects.toThrow(words);
  });
});

describe('data', () => {
  const input = {
    a: { b: [1, { c: 'x' }] },
    n: 5,
    s: 'it\'s "so" \\ {}',
    t: '2030-01-01T00:00:00Z',
    nil: null,
    no: false,
  };
  const pass = (Parameters: object) => machine({ P: { Type: 'Pass', Parameters, End: true } });
  const rule = (...Choices: object[]) =>
    machine({
      C: { Type: 'Choice', Choices: Choices.map((choice) => ({ ...choice, Next: 'Yes' })), Default: 'No' },
      Yes: { Type: 'Pass', Result: 'yes', End: true },
      No: { Type: 'Pass', Result: 'no', End: true },
    });

  // What the independent interpreter also gets right: both must agree.
  test.each<[string, object]>([
    ['Parameters', pass({ 'x.$': '$.a.b[1].c', 'all.$': '$', deep: [{ 'n.$': '$.n' }], fixed: 1 })],
    ['ResultPath', machine({ P: { Type: 'Pass', Result: { r: 1 }, ResultPath: '$.a.d', End: true } })],
    ['ResultPath null', machine({ P: { Type: 'Pass', Result: { r: 1 }, ResultPath: null, End: true } })],
    ['InputPath and OutputPath', machine({ P: { Type: 'Pass', InputPath: '$.a', OutputPath: '$.b[0]', End: true } })],
    ['InputPath null', machine({ P: { Type: 'Pass', InputPath: null, End: true } })],
    [
      'ResultSelector',
      machine({
        P: { Type: 'Task', Resource: 'echo', ResultSelector: { 'n.$': '$.n' }, ResultPath: '$.out', End: true },
      }),
    ],
    ['States.Format', pass({ 'x.$': "States.Format('{}-{}-{}', $.n, $.nil, $.no)" })],
    ['nested intrinsics', pass({ 'x.$': 'States.ArrayLength(States.Array($.n, 1, States.MathAdd($.n, 2)))' })],
    ['States.ArrayGetItem', pass({ 'x.$': 'States.ArrayGetItem($.a.b, 1)', 'y.$': 'States.ArrayContains($.a.b, 1)' })],
    ['StringEquals', rule({ Variable: '$.t', StringEquals: '2030-01-01T00:00:00Z' })],
    ['StringMatches', rule({ Variable: '$.t', StringMatches: '2030-*Z' })],
    ['NumericGreaterThanEquals', rule({ Variable: '$.n', NumericGreaterThanEquals: 5 })],
    ['NumericLessThanPath', rule({ Variable: '$.n', NumericLessThanPath: '$.n' })],
    ['TimestampLessThan', rule({ Variable: '$.t', TimestampLessThan: '2031-01-01T00:00:00+02:00' })],
    ['BooleanEquals false', rule({ Variable: '$.no', BooleanEquals: false })],
    [
      'And, Or, Not',
      rule({
        And: [
          { Not: { Variable: '$.n', NumericEquals: 6 } },
          {
            Or: [
              { Variable: '$.n', NumericEquals: 1 },
              { Variable: '$.nil', IsNull: true },
            ],
          },
        ],
      }),
    ],
    ['IsPresent true', rule({ Variable: '$.gone', IsPresent: true })],
    [
      'no match without Default',
      machine({
        C: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericEquals: 6, Next: 'S' }] },
        S: { Type: 'Succeed' },
      }),
    ],
    ['a Fail state', machine({ F: { Type: 'Fail', Error: 'E', Cause: 'because' } })],
    ['a missing path', machine({ P: { Type: 'Pass', InputPath: '$.gone', End: true } })],
  ])('%s gives what aws-local-stepfunctions gives', async (_, definition) => {
    expect(validateAsl(definition as never, { checkArn: false, checkPaths: true })).toMatchObject({ isValid: true });
    const handlers = Object.fromEntries(
      Object.keys((definition as { States: object }).States).map((name) => [name, async () => input]),
    );
    const library = new StateMachine(definition as never, { validationOptions: { noValidate: true } });
    const expected = await library.run(input, { overrides: { taskResourceLocalHandlers: handlers } }).result.then(
      (output) => ({ status: 'SUCCEEDED', output }),
      (error) => ({ status: 'FAILED', error: error.cause.name }),
    );
    const { start, settled } = await open(definition, { echo: () => input });
    await start('a', input);
    const { status, output, error } = await settled('a');
    expect(status === 'SUCCEEDED' ? { status, output: JSON.parse(output!) } : { status, error }).toEqual(expected);
  });

  test.each<[string, object, unknown]>([
    [
      'quotes and backslashes pass through States.Format',
      pass({ 'x.$': "States.Format('<{}> \\{\\} \\'', $.s)" }),
      { x: `<${input.s}> {} '` },
    ],
    [
      'States.JsonToString keeps its escapes',
      pass({ 'x.$': 'States.JsonToString($.s)' }),
      { x: JSON.stringify(input.s) },
    ],
    ['ResultPath $ replaces the input', machine({ P: { Type: 'Pass', Result: 1, ResultPath: '$', End: true } }), 1],
    [
      'a Result of false or null counts',
      machine({ P: { Type: 'Pass', Result: false, ResultPath: '$.x', OutputPath: '$.x', End: true } }),
      false,
    ],
    ['IsPresent false holds where nothing is', rule({ Variable: '$.gone', IsPresent: false }), 'yes'],
    ['IsNull false holds for a value', rule({ Variable: '$.n', IsNull: false }), 'yes'],
    ['a comparison of another type does not hold', rule({ Variable: '$.n', StringLessThan: 'z' }), 'no'],
  ])('%s', async (_, definition, expected) => {
    const { run } = await open(definition, {});
    expect(await run('a', input)).toEqual(expected);
  });

  test('an intrinsic function that fails is States.IntrinsicFailure, which can be caught', async () => {
    const definition = machine({
      T: {
        Type: 'Task',
        Resource: 'x',
        Parameters: { 'a.$': 'States.StringToJson($.s)' },
        Catch: [{ ErrorEquals: ['States.IntrinsicFailure'], Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Succeed' },
    });
    const { run } = await open(definition, { x: () => 1 });
    expect(await run('a', { s: '{broken' })).toMatchObject({ Error: 'States.IntrinsicFailure' });
  });
});

test('four states run at more than 150 executions a second', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const { client, states } = await open(
    chain(...names),
    Object.fromEntries(names.map((name) => [name, (x: unknown) => x])),
    { file: tempFile() },
  );
  const total = 400;
  const began = performance.now();
  const input = JSON.stringify({ orderId: 'ord_1' });
  for (let i = 0; i < total; i += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, j) =>
        client.send(new StartExecutionCommand({ stateMachineArn, name: `n${i + j}`, input })),
      ),
    );
  await states.idle();
  const perSecond = total / ((performance.now() - began) / 1000);
  console.log(`${Math.round(perSecond)} executions a second, client included`);
  expect(perSecond).toBeGreaterThan(150);
});

/** A running service with handlers by resource name, its client, and short cuts. */
async function open(definition: object, handlers: Record<string, Handler>, options: Options = {}) {
  const calls: string[] = [];
  const invoke = async (resource: string, payload: unknown) => {
    calls.push(resource);
    return await (handlers[resource] as (payload: unknown) => unknown)(payload);
  };
  const states = await startStates({ definition, invoke, file: ':memory:', stateMachineArn, waitScale: 0, ...options });
  const client = clientOf(states.endpoint);
  cleanups.push(
    () => states.stop(),
    () => client.destroy(),
  );
  const look = (name: string) => client.send(new DescribeExecutionCommand({ executionArn: arn(name) }));
  const start = (name: string, input: unknown) =>
    client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  const settled = async (name: string) => {
    for (;;) {
      const execution = await look(name);
      if (execution.status !== 'RUNNING') return execution;
    }
  };
  return {
    states,
    client,
    calls,
    start,
    settled,
    describe: look,
    async run(name: string, input: unknown) {
      await start(name, input);
      const done = await settled(name);
      expect(done).toMatchObject({ status: 'SUCCEEDED' });
      return JSON.parse(done.output!) as unknown;
    },
    async history(name: string): Promise<HistoryEvent[]> {
      const { events } = await client.send(
        new GetExecutionHistoryCommand({ executionArn: arn(name), maxResults: 1000 }),
      );
      return events!;
    },
  };
}

function clientOf(endpoint: string) {
  return new SFNClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

const machine = (States: Record<string, object>) => ({ StartAt: Object.keys(States)[0]!, States });

function chain(...resources: string[]) {
  const last = resources.length - 1;
  return machine(
    Object.fromEntries(
      resources.map((Resource, index) => [
        Resource,
        { Type: 'Task', Resource, ...(index < last ? { Next: resources[index + 1] } : { End: true }) },
      ]),
    ),
  );
}

const tempFile = () => join(mkdtempSync(join(tmpdir(), 'states-')), 'states.sqlite');
