import { afterEach, expect, test } from 'vitest';
import { DeadlineExceeded } from '../../lib/kernel/deadline.ts';
import { untilDeadline } from '../../lib/platform/handlers/lambda.ts';
import { dropPool, poolOf } from '../../lib/platform/pools.ts';

const ended: number[] = [];
let opened = 0;
const open = () => {
  const number = ++opened;
  return { number, end: async () => void ended.push(number) };
};
const current = () => poolOf('saga', open).number;
const lost = () => Object.assign(new Error('lost'), { code: 'CONNECTION_CLOSED' });

/** Pending work that the test settles. */
function begin(milliseconds = 60_000) {
  const { promise, reject } = Promise.withResolvers<never>();
  current();
  const done = untilDeadline(promise, milliseconds, 'saga').catch((error: unknown) => error);
  return {
    done,
    fail(error: Error) {
      reject(error);
      return done;
    },
  };
}

afterEach(() => dropPool('saga'));

test('a pool that lost a connection is replaced', async () => {
  const before = current();
  await begin().fail(lost());
  expect(ended).toContain(before);
  expect(current()).toBe(before + 1);
});

test('work on a pool that was replaced meanwhile does not replace the next one', async () => {
  const [first, second, third] = [begin(), begin(), begin(20)];
  const before = current();
  await first.fail(lost());
  const after = current();
  expect(after).toBe(before + 1);
  await second.fail(Object.assign(new Error('ended'), { code: 'CONNECTION_ENDED' }));
  expect(await third.done).toBeInstanceOf(DeadlineExceeded);
  expect(current()).toBe(after);
  expect(ended).not.toContain(after);
});

test('work that got stuck replaces its pool', async () => {
  const hung = begin(20);
  const before = current();
  expect(await hung.done).toBeInstanceOf(DeadlineExceeded);
  expect(current()).toBe(before + 1);
});
