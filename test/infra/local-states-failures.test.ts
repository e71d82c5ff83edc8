import { describe, expect, test, vi } from 'vitest';
import { createClock, type TimerClock } from '../../infra/local/clock.ts';
import { chain, cleanups, hanging, machine, open, tempFile } from '../support/local-states.ts';

const named = (name: string) => Object.assign(new Error(name), { name });

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

  test('by throwing something other than an Error, or by an answer that is not JSON, has an error name', async () => {
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

  test('stops at three attempts by default, and never retries with MaxAttempts 0', async () => {
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
    let now = 0;
    const waited: number[] = [];
    const clock: TimerClock = {
      now: () => now,
      at(time, callback) {
        waited.push(time - now);
        now = time;
        const handle = setImmediate(callback);
        return () => clearImmediate(handle);
      },
    };
    const definition = machine({
      Task: { Type: 'Task', Resource: 'task', Retry: [{ ErrorEquals: ['Busy'], ...retrier }], End: true },
    });
    const task = () => Promise.reject(named('Busy'));
    const { start, settled } = await open(definition, { task }, { clock, waitScale: 0.5 });
    await start('a', {});
    await settled('a');
    expect(waited).toEqual(pauses.map((pause) => pause / 2));
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
  test("goes by the stack's clock: a Wait and the pause before a retry end when it is moved to their end", async () => {
    const clock = createClock({ source: { now: () => 0 } });
    const Retry = [{ ErrorEquals: ['Busy'], IntervalSeconds: 600 }];
    const definition = machine({
      Rest: { Type: 'Wait', Seconds: 900, Next: 'Task' },
      Task: { Type: 'Task', Resource: 'task', Retry, End: true },
    });
    const called = Promise.withResolvers<void>();
    const answers = [() => Promise.reject(named('Busy')), () => 'done'];
    const task = () => {
      called.resolve();
      return answers.shift()!();
    };
    const {
      start,
      settled,
      describe: look,
      history,
      calls,
    } = await open(definition, { task }, { clock, waitScale: 1 });
    await start('a', {});
    while ((await history('a')).length < 2);
    clock.advance(899_000);
    expect((await look('a')).status).toBe('RUNNING');
    expect(calls).toEqual([]);
    clock.advance(1000);
    await called.promise;
    while ((await history('a')).at(-1)!.type !== 'LambdaFunctionFailed');
    clock.advance(599_000);
    expect((await look('a')).status).toBe('RUNNING');
    expect(calls).toEqual(['task']);
    clock.advance(1000);
    expect(await settled('a')).toMatchObject({ status: 'SUCCEEDED', output: '"done"' });
  });

  test('moved past the time-out of a running task, or of the execution, ends it', async () => {
    for (const [definition, status] of [
      [machine({ Task: { Type: 'Task', Resource: 'task', TimeoutSeconds: 3600, End: true } }), 'FAILED'],
      [{ ...chain('task'), TimeoutSeconds: 3600 }, 'TIMED_OUT'],
    ] as const) {
      const clock = createClock({ source: { now: () => 0 } });
      const { handler, reached } = hanging();
      const { start, settled, describe: look } = await open(definition, { task: handler }, { clock });
      await start('a', {});
      await reached;
      clock.advance(3_599_000);
      expect((await look('a')).status).toBe('RUNNING');
      clock.advance(1000);
      expect(await settled('a')).toMatchObject({ status, error: 'States.Timeout' });
    }
  });

  test('a Wait is scaled by waitScale', async () => {
    const definition = machine({ Rest: { Type: 'Wait', Seconds: 10, End: true } });
    const { run } = await open(definition, {}, { waitScale: 0.01 });
    const began = performance.now();
    expect(await run('a', { kept: true })).toEqual({ kept: true });
    expect(performance.now() - began).toBeGreaterThanOrEqual(95);
  });

  test('after the TimeoutSeconds of the machine the execution is TIMED_OUT', async () => {
    const definition = { ...chain('never'), TimeoutSeconds: 1 };
    const { start, settled, history } = await open(definition, { never: () => new Promise(() => {}) });
    await start('a', {});
    expect(await settled('a')).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect((await history('a')).at(-1)!.type).toBe('ExecutionTimedOut');
  });

  test('leaves no timer when a task has answered', async () => {
    const definition = machine({ Task: { Type: 'Task', Resource: 'task', TimeoutSeconds: 3600, End: true } });
    const { run } = await open({ ...definition, TimeoutSeconds: 7200 }, { task: () => 1 });
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    await run('warm', {});
    const before = timers();
    for (let i = 0; i < 20; i++) await run(`a${i}`, {});
    expect(timers()).toBeLessThan(before + 10);
  });

  test('stopping ends every pause and open task at once and leaves the execution RUNNING', async () => {
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
    // No time passes, so nothing may wait for it.
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
    try {
      await first.states.stop();
    } finally {
      vi.useRealTimers();
    }
    fail = false;
    const second = await open(definition, { task }, { file });
    expect(await second.settled('retrying')).toMatchObject({ status: 'SUCCEEDED', output: '"done"' });
    expect(await second.settled('hanging')).toMatchObject({ status: 'SUCCEEDED' });
  });
});
