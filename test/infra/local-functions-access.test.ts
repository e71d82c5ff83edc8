import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Functions, startFunctions } from '../../infra/local/functions/start.ts';

let folder: string;
let functions: Functions;
let baseUrl: string;
const lines: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-functions-'));
  functions = startFunctions({
    // Nothing is there but the functions, which refuse a request without credentials by themselves.
    env: { AWS_REGION: 'eu-west-1', POWERTOOLS_METRICS_DISABLED: 'true', POWERTOOLS_LOG_LEVEL: 'SILENT' },
    logFile: join(folder, 'functions.log'),
    onAdvance: () => Promise.reject(new Error('not expected')),
    onAccess: (line) => lines.push(line),
    onCrash: (error) => {
      throw error;
    },
  });
  baseUrl = `http://localhost:${await functions.listen({ port: 0, host: undefined, demoFile: '' })}`;
});
afterAll(async () => {
  await functions?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('the access record of every answer survives when the thread is killed', async () => {
  const answered: string[] = [];
  let killed = false;
  const ask = async () => {
    while (!killed) {
      const response = await fetch(`${baseUrl}/docs`).catch(() => undefined);
      if (response?.status === 200) answered.push(response.headers.get('x-request-id')!);
    }
  };
  const asking = Promise.all(Array.from({ length: 8 }, ask));
  await expect.poll(() => answered.length).toBeGreaterThan(50);
  await functions.kill();
  killed = true;
  await asking;
  const recorded = new Set(lines.map((line) => JSON.parse(line).requestId));
  expect(answered.filter((requestId) => !recorded.has(requestId))).toEqual([]);
});

test('the lines are in the log too, at every log level', async () => {
  await expect
    .poll(async () => (await readFile(join(folder, 'functions.log'), 'utf8')).split('\n').filter(Boolean))
    .toEqual(lines);
  expect(JSON.parse(lines[0]!)).toMatchObject({ message: 'request', operation: 'get-docs', status: 200 });
});
