import { expect, test } from 'vitest';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';
import type { Logger } from '../../lib/kernel/log.ts';
import { type Invocation, logged } from '../../lib/platform/handlers/lambda.ts';

const said: unknown[][] = [];
const says = (level: string) => (message: string, fields?: object) => void said.push([level, message, fields]);
const log = { info: says('info'), warn: says('warn'), error: says('error') } as Logger;
let flushed = 0;
const meter = {
  count() {},
  flush() {
    flushed += 1;
  },
};
const process = { runtime: { log, meter, stopwatch, clock: systemClock }, deps: { answer: 42 } };

function invoke<R>(run: (invocation: Invocation<{ answer: number }>) => Promise<R>, timeoutSeconds = 5): Promise<R> {
  [said.length, flushed] = [0, 0];
  const row = { databaseRole: null, timeoutSeconds, line: { job: 'count' }, done: 'done', failed: 'failed' };
  const expected = (error: unknown) =>
    error instanceof RangeError ? { message: 'refused', fields: { detail: error.message } } : undefined;
  return logged(process, undefined, { ...row, expected }, run);
}

test('an invocation that succeeds says in one line what it did, and how long it took', async () => {
  const result = await invoke(async ({ deps, line, within }) => {
    line.counted = 3;
    return within(Promise.resolve(deps.answer));
  });
  expect(result).toBe(42);
  expect(said).toEqual([['info', 'done', { job: 'count', counted: 3, milliseconds: expect.any(Number) }]]);
  expect(flushed).toBe(1);
});

test('one that fails says what it knew by then, and passes its error on', async () => {
  const failing = invoke(async ({ line }) => {
    line.orderId = 'ord_1';
    throw new TypeError('broken');
  });
  await expect(failing).rejects.toThrow(TypeError);
  expect(said).toMatchObject([['error', 'failed', { job: 'count', orderId: 'ord_1', error: { message: 'broken' } }]]);
  expect(flushed).toBe(1);
});

test('an error that is part of the work is no failure, and is passed on too', async () => {
  await expect(invoke(() => Promise.reject(new RangeError('sold out')))).rejects.toThrow('sold out');
  expect(said).toEqual([['info', 'refused', { job: 'count', detail: 'sold out' }]]);
});

test('one that takes too long is given up before Lambda would end it', async () => {
  const endless = invoke(({ within }) => within(new Promise(() => {})), 0.3);
  await expect(endless).rejects.toThrow('no answer within');
  expect(said).toMatchObject([['error', 'failed', {}]]);
});
