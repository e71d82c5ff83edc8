import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';
import {
  chain,
  cleanups,
  clientOf,
  hanging,
  machine,
  open,
  stateMachineArn,
  tempFile,
} from '../support/local-states.ts';

describe('after a crash', () => {
  test('a running execution continues at the state it had entered, with the same input and context', async () => {
    const file = tempFile();
    const Parameters = { 'in.$': '$', 'first.$': '$$.Execution.Input', 'start.$': '$$.Execution.StartTime' };
    const definition = machine({
      One: { Type: 'Task', Resource: 'one', Next: 'Two' },
      Two: { Type: 'Task', Resource: 'two', Parameters, Next: 'Three' },
      Three: { Type: 'Task', Resource: 'three', End: true },
    });
    const { handler, reached } = hanging();
    const before = await open(definition, { one: () => ({ from: 'one' }), two: handler, three: () => 3 }, { file });
    const { startDate } = await before.start('ord_1', { id: 1 });
    const wasCalledWith = await reached;
    await before.states.stop();

    const seen: unknown[] = [];
    const two = (input: unknown) => {
      seen.push(input);
      return 'two';
    };
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
    expect(events.filter(({ type }) => type === 'ExecutionStarted')).toHaveLength(1);
  });

  test('by kill -9 in the second state, nothing is skipped and used retries stay used', async () => {
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
       const machines = ${JSON.stringify([{ stateMachineArn, definition, file }])};
       const states = await startStates({ machines, invoke, waitScale: 0 });
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

  test('a Wait continues for the rest of its time', async () => {
    const file = tempFile();
    const definition = machine({ Rest: { Type: 'Wait', Seconds: 3600, End: true } });
    const source = { now: () => 0 };
    const before = await open(definition, {}, { file, waitScale: 1, clock: createClock({ source }) });
    await before.start('a', {});
    while ((await before.history('a')).length < 2);
    await before.states.stop();
    const clock = createClock({ source, ahead: 3_599_999 });
    const after = await open(definition, {}, { file, waitScale: 1, clock });
    expect(await after.describe('a')).toMatchObject({ status: 'RUNNING' });
    clock.advance(1);
    expect(await after.settled('a')).toMatchObject({ status: 'SUCCEEDED', startDate: new Date(0) });
  });

  test('an execution whose state the definition no longer has fails with an error that says so', async () => {
    const file = tempFile();
    const { handler, reached } = hanging();
    const before = await open(chain('old'), { old: handler }, { file });
    await before.start('a', {});
    await reached;
    await before.states.stop();
    const after = await open(chain('new'), { new: () => 1 }, { file });
    expect(await after.settled('a')).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining("'old'"),
    });
  });

  test('a second service on the same file is refused, and so is a file that is not a database', async () => {
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
