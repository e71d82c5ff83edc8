import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { startFunctions } from '../../infra/local/functions/start.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';

let directory: string;
let stack: Stack;
let demo: Demo;
const lines: string[] = [];
const crashes: unknown[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-restarts-'));
  stack = await startStack({
    directory,
    port: 0,
    log: (line) => lines.push(line),
    onCrash: (error) => crashes.push(error),
  });
  demo = await prepareDemo(stack, directory);
});

afterAll(async () => {
  await stack?.stop();
  await resetStack(directory);
});

const health = async (): Promise<number> => {
  const answer = await fetch(`${stack.baseUrl}/health`).catch(() => undefined);
  return answer?.status ?? 0;
};
const untilHealthy = async () => {
  while ((await health()) !== 200) await sleep(20);
};

test('functions that are killed restart at the same address, and their invocations fail as on Lambda', async () => {
  const under = stack.inside.runJob('check-invariants');
  const [, outcome] = await Promise.all([stack.inside.killFunctions(), under.catch((error: Error) => error)]);
  expect(outcome).toMatchObject({ name: 'Runtime.ExitError' });
  await untilHealthy();
  expect(lines.filter((line) => line.startsWith('the functions have stopped'))).toHaveLength(1);
  expect(await stack.inside.runJob('check-invariants')).toBeDefined();
});

test('a PostgreSQL that is killed restarts at the same address with its data', async () => {
  const before = stack.inside.postgresPid();
  process.kill(before, 'SIGKILL');
  while (stack.inside.postgresPid() === before) await sleep(20);
  await untilHealthy();
  const { data } = (await (
    await fetch(`${stack.baseUrl}/products`, { headers: { 'client-id': demo.clientId } })
  ).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id).sort()).toEqual(demo.products.map(({ id }) => id).sort());
  expect(crashes).toEqual([]);
});

test('functions that end six times within a minute are not restarted', async () => {
  const gone = Promise.withResolvers<unknown>();
  const functions = startFunctions({
    env: {},
    logFile: join(directory, 'dying.log'),
    onAdvance: () => Promise.reject(new Error('there is no clock')),
    onCrash: gone.resolve,
  });
  let over = false;
  void gone.promise.then(() => {
    over = true;
  });
  let kills = 0;
  for (; !over; kills++) await functions.kill();
  expect(kills).toBe(6);
  await expect(functions.invoke('jobs/migrate', {})).rejects.toThrow('Runtime exited');
  await functions.stop();
});
