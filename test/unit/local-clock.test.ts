import { expect, test } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';

test("the clock is the machine's until it is moved, and then ahead by as much", () => {
  const clock = createClock({ source: { now: () => 1000 } });
  expect(clock.now()).toBe(1000);
  clock.advance(500);
  clock.advance(0);
  expect([clock.now(), clock.ahead]).toEqual([1500, 500]);
});

test('a timer rings when the clock is moved past it, and a cancelled one does not', async () => {
  const clock = createClock();
  const rung: string[] = [];
  const done = new Promise<void>((resolve) => clock.at(clock.now() + 60_000, () => resolve(void rung.push('kept'))));
  const takeBack = clock.at(clock.now() + 30_000, () => rung.push('taken back'));
  takeBack();
  clock.at(clock.now() + 3600_000, () => rung.push('too early'));
  clock.advance(61_000);
  await done;
  expect(rung).toEqual(['kept']);
});

test('a timer for a time that has passed rings soon, but never before the call returns', async () => {
  const clock = createClock();
  let rung = false;
  const done = new Promise<void>((resolve) =>
    clock.at(0, () => {
      rung = true;
      resolve();
    }),
  );
  expect(rung).toBe(false);
  await done;
});

test('a timer beyond the longest time-out of node does not ring early', async () => {
  const clock = createClock();
  let rung = false;
  const takeBack = clock.at(clock.now() + 2 ** 33, () => {
    rung = true;
  });
  await new Promise<void>((resolve) => clock.at(clock.now() + 5, resolve));
  expect(rung).toBe(false);
  takeBack();
});

test('a clock cannot be moved back', () => {
  expect(() => createClock().advance(-1)).toThrow('forward only');
  expect(() => createClock().advance(Number.NaN)).toThrow('forward only');
});
