import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Functions, startFunctions } from '../../infra/local/functions/start.ts';
import { JobsStillRunning, type Reading } from '../../infra/local/test-clock.ts';

const day = 24 * 3600;
let folder: string;
let functions: Functions;
let baseUrl: string;
let onAdvance: (seconds: number) => Promise<Reading>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-functions-'));
  functions = startFunctions({
    // Only the functions run: the health check reports everything else as down, with the time.
    env: { AWS_REGION: 'eu-west-1', POWERTOOLS_METRICS_DISABLED: 'true' },
    logFile: join(folder, 'functions.log'),
    ahead: day * 1000,
    onAdvance: (seconds) => onAdvance(seconds),
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
beforeEach(() => {
  onAdvance = async () => Promise.reject(new Error('not expected'));
});

async function ask(method: string, path: string, body?: string) {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  return {
    status: response.status,
    allow: response.headers.get('allow'),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const daysAhead = (time: string): number => Math.round((Date.parse(time) - Date.now()) / 1000 / day);

test('handlers start with the given time, and continue with the time that is set later', async () => {
  expect(daysAhead((await ask('GET', '/health')).body.checkedAt)).toBe(1);
  await functions.setClock(3 * day * 1000);
  expect(daysAhead((await ask('GET', '/health')).body.checkedAt)).toBe(3);
  const { status, body } = await ask('GET', '/test-clock');
  expect({ status, ahead: body.ahead, days: daysAhead(body.now) }).toEqual({ status: 200, ahead: 3 * day, days: 3 });
});

test('functions that end during a move of the clock restart with the new time, and nobody else gets their answer', async () => {
  const path = '/test-clock/advance';
  const asks: ((reading: Reading) => void)[] = [];
  let asked = Promise.withResolvers<void>();
  onAdvance = () =>
    new Promise((resolve) => {
      asks.push(resolve);
      asked.resolve();
    });
  const first = ask('POST', path, '{"seconds":60}').catch(() => 'cut off');
  await asked.promise;
  void functions.setClock(5 * day * 1000);
  await functions.kill();
  expect(await first).toBe('cut off');
  const ahead = async () => (await ask('GET', '/test-clock').catch(() => undefined))?.body.ahead;
  await expect.poll(ahead).toBe(5 * day);

  asked = Promise.withResolvers<void>();
  const second = ask('POST', path, '{"seconds":30}');
  await asked.promise;
  const reading = (ahead: number): Reading => ({ now: '2030-01-01T00:00:00.000Z', ahead });
  asks[0]!(reading(60));
  await new Promise(setImmediate);
  asks[1]!(reading(90));
  expect((await second).body.ahead).toBe(90);
});

test('a request to move the clock is answered when the whole stack has the new time', async () => {
  const moved = Promise.withResolvers<Reading>();
  const asked = Promise.withResolvers<number>();
  onAdvance = (seconds) => {
    asked.resolve(seconds);
    return moved.promise;
  };
  let answered = false;
  const asking = ask('POST', '/test-clock/advance', '{"seconds":60}').finally(() => {
    answered = true;
  });
  expect(await asked.promise).toBe(60);
  expect((await ask('GET', '/test-clock')).status).toBe(200);
  expect(answered).toBe(false);
  const reading = { now: '2030-01-01T00:00:00.000Z', ahead: 60 };
  moved.resolve(reading);
  expect(await asking).toMatchObject({ status: 200, body: reading });
});

test('a job that does not end is 503, with the clock moved; any other error is 500 without details', async () => {
  const path = '/test-clock/advance';
  onAdvance = () => Promise.reject(new JobsStillRunning(['purge-expired']));
  const late = await ask('POST', path, '{"seconds":60}');
  expect(late).toMatchObject({ status: 503, body: { code: 'unavailable', instance: path } });
  expect(late.body.detail).toContain('purge-expired');
  onAdvance = () => Promise.reject(new Error('no space left on device'));
  const failed = await ask('POST', path, '{"seconds":60}');
  expect(failed).toMatchObject({ status: 500, body: { code: 'internal', instance: path } });
  expect(JSON.stringify(failed.body)).not.toContain('space');
});

test('the clock cannot be moved more than fifty years, nor by another method', async () => {
  await functions.setClock(49 * 365 * day * 1000);
  const { status, body } = await ask('POST', '/test-clock/advance', `{"seconds":${2 * 365 * day}}`);
  expect({ status, errors: body.errors }).toEqual({
    status: 400,
    errors: [{ pointer: '/seconds', detail: 'would move the clock more than 50 years ahead' }],
  });
  expect(await ask('GET', '/test-clock/advance')).toMatchObject({ status: 405, allow: 'POST' });
  expect(await ask('POST', '/test-clock', '{}')).toMatchObject({ status: 405, allow: 'GET' });
});
