import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  DescribeStateMachineForExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  ListTagsForResourceCommand,
  RedriveExecutionCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';
import { arn, chain, machine, open, stateMachineArn, tempFile } from '../support/local-states.ts';

const day = 86_400_000;

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

  test('whose handler returns nothing yields null', async () => {
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
      { clock: createClock({ source: { now: () => 0 } }) },
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
    } = await open(chain('step'), { step: () => 1 }, { clock: createClock({ source: { now: () => now } }) });
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
  test('answers unknown resources with the errors of AWS', async () => {
    const { client, states } = await open(chain('step'), { step: () => 1 });
    const machineOf = (name: string) => ({ stateMachineArn: stateMachineArn.replace('orders', name) });
    const failing = [
      [new DescribeExecutionCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
      [new GetExecutionHistoryCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
      [new StopExecutionCommand({ executionArn: arn('none') }), 'ExecutionDoesNotExist'],
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

  test('names an operation that it does not support, and those that it does', async () => {
    const { client } = await open(chain('step'), { step: () => 1 });
    const unsupported = [
      ['RedriveExecution', new RedriveExecutionCommand({ executionArn: arn('a') })],
      ['SendTaskFailure', new SendTaskFailureCommand({ taskToken: 'x' })],
      ['SendTaskHeartbeat', new SendTaskHeartbeatCommand({ taskToken: 'x' })],
      ['DescribeStateMachineForExecution', new DescribeStateMachineForExecutionCommand({ executionArn: arn('a') })],
    ] as const;
    for (const [name, command] of unsupported)
      await expect(client.send(command as SendTaskHeartbeatCommand)).rejects.toMatchObject({
        name: 'UnknownOperationException',
        message: expect.stringMatching(`^The local Step Functions supports StartExecution, .*, not ${name}\\.$`),
      });
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
    const { client, run, start, settled } = await open(
      chain('step'),
      { step },
      { clock: createClock({ source: { now: () => now } }) },
    );
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

  test('stops a running execution, and its late answer changes nothing', async () => {
    let now = 0;
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const slow = () => {
      entered.resolve();
      return gate.promise;
    };
    const {
      client,
      start,
      describe: look,
      history,
      calls,
    } = await open(
      chain('slow', 'after'),
      { slow, after: () => 1 },
      { clock: createClock({ source: { now: () => now++ } }) },
    );
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

test('four hundred executions that are started twenty at a time all succeed', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const { client, states } = await open(
    chain(...names),
    Object.fromEntries(names.map((name) => [name, (x: unknown) => x])),
    { file: tempFile() },
  );
  const total = 400;
  const input = JSON.stringify({ orderId: 'ord_1' });
  for (let i = 0; i < total; i += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, j) =>
        client.send(new StartExecutionCommand({ stateMachineArn, name: `n${i + j}`, input })),
      ),
    );
  await states.idle();
  const command = new ListExecutionsCommand({ stateMachineArn, statusFilter: 'SUCCEEDED', maxResults: 1000 });
  expect((await client.send(command)).executions).toHaveLength(total);
});
