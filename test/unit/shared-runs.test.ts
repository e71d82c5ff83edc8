import { expect, test } from 'vitest';
import { sharedRuns } from '../../lib/kernel/shared-runs.ts';

function controlled() {
  const runs: PromiseWithResolvers<void>[] = [];
  const shared = sharedRuns<void>();
  const call = () =>
    shared('one key', () => {
      const run = Promise.withResolvers<void>();
      runs.push(run);
      return run.promise;
    });
  return { runs, call };
}

const turn = () => new Promise(setImmediate);

test('who calls during a run shares the next one, which begins after the call', async () => {
  const { runs, call } = controlled();
  const ended: number[] = [];
  const calls = [0, 1, 2].map((n) => call().then(() => void ended.push(n)));
  expect(runs).toHaveLength(1);
  runs[0]!.resolve();
  await turn();
  expect([runs.length, ended]).toEqual([2, [0]]);
  calls.push(call().then(() => void ended.push(3)));
  runs[1]!.resolve();
  await turn();
  expect([runs.length, ended]).toEqual([3, [0, 1, 2]]);
  runs[2]!.resolve();
  await Promise.all(calls);
  expect([runs.length, ended]).toEqual([3, [0, 1, 2, 3]]);
  void call();
  expect(runs).toHaveLength(4);
});

test('a run that fails fails those who share it, and no others', async () => {
  const { runs, call } = controlled();
  const [first, second] = [call(), call()];
  runs[0]!.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await turn();
  runs[1]!.resolve();
  await expect(second).resolves.toBeUndefined();
});
