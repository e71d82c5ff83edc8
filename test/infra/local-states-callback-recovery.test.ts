import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  GetExecutionHistoryCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';
import {
  arn,
  awaiting,
  chain,
  cleanups,
  clientOf,
  hanging,
  machine,
  open,
  stateMachineArn,
  tempFile,
} from '../support/local-states.ts';

const minute = 60_000;
const twoStates = machine({
  Await: awaiting('ask', { TimeoutSeconds: 900, Next: 'After' }),
  After: { Type: 'Task', Resource: 'after', End: true },
});

/** The token in an execution's history. */
async function tokenOf(client: SFNClient, name: string): Promise<string> {
  const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn: arn(name) }));
  const scheduled = events!.findLast(({ type }) => type === 'TaskScheduled')!;
  return JSON.parse(scheduled.taskScheduledEventDetails!.parameters!).Payload.taskToken;
}

const succeed = (client: SFNClient, taskToken: string, output: string) =>
  client.send(new SendTaskSuccessCommand({ taskToken, output }));

describe('an execution that waits for a callback', () => {
  test('after kill -9, keeps waiting with its token; its function is called again only if it had not answered', async () => {
    const file = tempFile();
    const start = new URL('../../infra/local/states/start.ts', import.meta.url).href;
    const script = join(file, '..', 'child.ts');
    writeFileSync(
      script,
      `import { startStates } from ${JSON.stringify(start)};
       const invoke = async (resource: string, payload: any) => {
         if (resource === 'ask' && payload.state.answers) return { from: 'ask' };
         console.log('hanging');
         await new Promise(() => {});
       };
       const machines = ${JSON.stringify([{ stateMachineArn, definition: twoStates, file }])};
       const states = await startStates({ machines, invoke, waitScale: 0 });
       console.log(states.endpoint);`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanups.push(() => child.kill('SIGKILL'));
    const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
    const client = clientOf(String((await lines.next()).value).trim());
    const run = (name: string, input: object) =>
      client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
    const submitted = async (name: string) => {
      for (;;) {
        const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn: arn(name) }));
        if (events!.some(({ type }) => type === 'TaskSubmitted')) return tokenOf(client, name);
      }
    };
    await run('waits', { answers: true });
    await run('answered', { answers: true });
    const waiting = await submitted('waits');
    const answered = await submitted('answered');
    await run('asks', { answers: false });
    await lines.next();
    const asking = await tokenOf(client, 'asks');
    await succeed(client, answered, '"before"');
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;

    const asked: string[] = [];
    const after = await open(
      twoStates,
      { ask: ({ taskToken }: { taskToken: string }) => void asked.push(taskToken), after: (input) => input },
      { file },
    );
    expect(await after.settled('answered')).toMatchObject({ status: 'SUCCEEDED', output: '"before"' });
    await after.states.idle();
    expect(asked).toEqual([asking]);
    await expect(succeed(after.client, answered, '1')).rejects.toMatchObject({ name: 'TaskTimedOut' });
    await succeed(after.client, waiting, '"waited"');
    await succeed(after.client, asking, '"asked"');
    expect(await after.settled('waits')).toMatchObject({ status: 'SUCCEEDED', output: '"waited"' });
    expect(await after.settled('asks')).toMatchObject({ status: 'SUCCEEDED', output: '"asked"' });
    expect(after.calls.filter((name) => name === 'ask')).toHaveLength(1);
    const count = async (name: string, wanted: string) =>
      (await after.history(name)).filter(({ type }) => type === wanted).length;
    for (const name of ['waits', 'asks', 'answered'])
      for (const type of ['TaskScheduled', 'TaskSucceeded', 'ExecutionSucceeded'])
        expect([name, type, await count(name, type)]).toEqual([name, type, 1]);
  });

  test('times out by the time at which it was scheduled, also after a restart', async () => {
    const file = tempFile();
    const source = { now: () => Date.UTC(2030, 0, 1) };
    const before = await open(twoStates, { ask: () => 1 }, { file, clock: createClock({ source }) });
    await before.start('a', {});
    await before.states.idle();
    await before.states.stop();

    const clock = createClock({ source, ahead: 14 * minute });
    const again = await open(twoStates, {}, { file, clock });
    await again.states.idle();
    expect(await again.describe('a')).toMatchObject({ status: 'RUNNING' });
    clock.advance(minute);
    expect(await again.settled('a')).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(again.calls).toEqual([]);
  });

  test('whose time ended before the start times out at once and calls nothing', async () => {
    const file = tempFile();
    const source = { now: () => Date.UTC(2030, 0, 1) };
    const { handler, reached } = hanging();
    const before = await open(twoStates, { ask: handler }, { file, clock: createClock({ source }) });
    await before.start('a', {});
    await reached;
    await before.states.stop();
    const after = await open(twoStates, {}, { file, clock: createClock({ source, ahead: 15 * minute }) });
    expect(await after.settled('a')).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(after.calls).toEqual([]);
  });

  test('in a state that no longer waits, since the definition has changed, runs the new state', async () => {
    const file = tempFile();
    const before = await open(machine({ Task: awaiting('ask') }), { ask: () => 1 }, { file });
    await before.start('a', {});
    await before.states.idle();
    const token = await tokenOf(before.client, 'a');
    await before.states.stop();
    const { handler, reached } = hanging();
    const changed = machine({ Task: { Type: 'Task', Resource: 'plain', End: true } });
    const after = await open(changed, { plain: handler }, { file });
    await reached;
    await expect(succeed(after.client, token, '1')).rejects.toMatchObject({ name: 'TaskTimedOut' });
  });
});

test('a file from before tasks could wait for a callback can be used', async () => {
  const file = tempFile();
  const { handler, reached } = hanging();
  const before = await open(chain('step'), { step: handler }, { file });
  await before.start('a', {});
  await reached;
  await before.states.stop();
  const db = new DatabaseSync(file);
  db.exec('alter table executions drop column task');
  db.close();
  const after = await open(chain('step'), { step: () => 'done' }, { file });
  expect(await after.settled('a')).toMatchObject({ status: 'SUCCEEDED', output: '"done"' });
});
