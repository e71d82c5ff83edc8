import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { startStates } from '../../infra/local/states/start.ts';
import { awaiting, cleanups, clientOf, machine, tempFile } from '../support/local-states.ts';

const arnOf = (name: string) => `arn:aws:states:eu-central-1:123456789012:stateMachine:${name}`;
const executionArn = (machineName: string, name: string) =>
  `arn:aws:states:eu-central-1:123456789012:execution:${machineName}:${name}`;

/** Two machines that wait for a callback: each hands its token to a function of its own. */
async function openTwo(files: { one: string; two: string } = { one: ':memory:', two: ':memory:' }) {
  const tokens: Record<string, string> = {};
  const states = await startStates({
    machines: (['one', 'two'] as const).map((name) => ({
      stateMachineArn: arnOf(name),
      definition: machine({ Await: awaiting(name) }),
      file: files[name],
    })),
    invoke: async (resource, payload) => {
      tokens[resource] = (payload as { taskToken: string }).taskToken;
    },
    waitScale: 0,
  });
  const client = clientOf(states.endpoint);
  cleanups.push(
    () => states.stop(),
    () => client.destroy(),
  );
  const start = (machineName: string, input: string) =>
    client.send(new StartExecutionCommand({ stateMachineArn: arnOf(machineName), name: 'same', input }));
  const describe = (machineName: string) =>
    client.send(new DescribeExecutionCommand({ executionArn: executionArn(machineName, 'same') }));
  return { states, client, tokens, start, describe };
}

test('each machine has executions of its own, though their names are the same', async () => {
  const { client, start, describe } = await openTwo();
  await start('one', '{"from":"one"}');
  await start('two', '{"from":"two"}');
  expect(await describe('one')).toMatchObject({ stateMachineArn: arnOf('one'), input: '{"from":"one"}' });
  expect(await describe('two')).toMatchObject({ stateMachineArn: arnOf('two'), input: '{"from":"two"}' });
  const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn: arnOf('two') }));
  expect(executions).toMatchObject([{ executionArn: executionArn('two', 'same') }]);
});

test('a token resumes the execution of its own machine, and idle waits for both', async () => {
  const { states, client, tokens, start, describe } = await openTwo();
  await start('one', '{}');
  await start('two', '{}');
  await states.idle();
  await client.send(new SendTaskSuccessCommand({ taskToken: tokens.two!, output: '{"paid":true}' }));
  await states.idle();
  expect(await describe('one')).toMatchObject({ status: 'RUNNING' });
  expect(await describe('two')).toMatchObject({ status: 'SUCCEEDED', output: '{"paid":true}' });
});

test('both are listed and described, and no other', async () => {
  const { client } = await openTwo();
  const { stateMachines } = await client.send(new ListStateMachinesCommand({}));
  expect(stateMachines?.map(({ name }) => name)).toEqual(['one', 'two']);
  const describe = (name: string) => client.send(new DescribeStateMachineCommand({ stateMachineArn: arnOf(name) }));
  expect(JSON.parse((await describe('two')).definition!)).toMatchObject({ StartAt: 'Await' });
  await expect(describe('three')).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
});

test('what runs in either goes on after a restart', async () => {
  const files = { one: tempFile(), two: tempFile() };
  const before = await openTwo(files);
  await before.start('two', '{}');
  await before.states.idle();
  await before.states.stop();
  const { client, describe, states } = await openTwo(files);
  expect(await describe('two')).toMatchObject({ status: 'RUNNING' });
  await client.send(new SendTaskSuccessCommand({ taskToken: before.tokens.two!, output: '{}' }));
  await states.idle();
  expect(await describe('two')).toMatchObject({ status: 'SUCCEEDED' });
});
