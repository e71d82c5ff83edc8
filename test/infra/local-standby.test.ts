import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, prepareDemo } from '../../infra/local/demo.ts';
import { resetStack, type Stack, startStack } from '../../infra/local/stack.ts';

let directory: string;
let stack: Stack;
let demo: Demo;
const lines: string[] = [];
const crashes: unknown[] = [];

const start = async (standby: boolean) => {
  stack = await startStack({
    directory,
    port: 0,
    standby,
    log: (line) => lines.push(line),
    onCrash: (error) => crashes.push(error),
  });
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'counterfoil-standby-'));
  await start(true);
  demo = await prepareDemo(stack, directory);
});

afterAll(async () => {
  await stack?.stop();
  await resetStack(directory);
});

const untilHealthy = async () => {
  while ((await fetch(`${stack.baseUrl}/health`)).status !== 200) await sleep(20);
};
const productsNow = async () => {
  const answer = await fetch(`${stack.baseUrl}/products`, { headers: { 'client-id': demo.clientId } });
  return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id).sort();
};
const ask = async (statement: string) => {
  const sql = postgres({ path: stack.inside.socketPath, user: 'rdsadmin', database: 'counterfoil', max: 1 });
  return sql.unsafe(statement).finally(() => sql.end());
};
const killPrimary = async () => {
  const before = stack.inside.postgresPid();
  process.kill(before, 'SIGKILL');
  while (stack.inside.postgresPid() === before) await sleep(10);
  await untilHealthy();
};

test('a standby takes over from a primary that is killed, and the old primary becomes the next standby', async () => {
  const products = demo.products.map(({ id }) => id).sort();
  for (const round of [1, 2]) {
    await stack.inside.standbyReady();
    expect(await ask("select sync_state from pg_stat_replication where application_name = 'standby'")).toEqual([
      { sync_state: 'sync' },
    ]);
    const socket = stack.inside.socketPath;
    await killPrimary();
    expect(stack.inside.socketPath).not.toBe(socket);
    expect(await productsNow()).toEqual(products);
    expect(await ask('select timeline_id from pg_control_checkpoint(), pg_switch_wal()')).toHaveLength(1);
    expect(lines.filter((line) => line.includes('the standby takes over'))).toHaveLength(round);
  }
  expect(crashes).toEqual([]);
});

test('a standby that is killed holds up no commit, and is replaced', async () => {
  await stack.inside.standbyReady();
  const before = stack.inside.standbyPid()!;
  process.kill(before, 'SIGKILL');
  await ask('create table kept (n integer)');
  while ([before, undefined].includes(stack.inside.standbyPid())) await sleep(10);
  expect(lines).toContain('the standby has stopped; making another one');
  expect(crashes).toEqual([]);
});

test('after a failover the stack starts from the new primary, with or without a standby', async () => {
  await stack.inside.standbyReady();
  await killPrimary();
  await ask('create table written_after (n integer)');
  await stack.stop();
  await start(false);
  expect(await ask('select * from written_after')).toEqual([]);
  await stack.stop();
  await start(true);
  await stack.inside.standbyReady();
  expect(await ask('select * from written_after')).toEqual([]);
});
