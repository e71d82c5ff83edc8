import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestClock, JobsStillRunning, openClock, type Parts } from '../../infra/local/test-clock.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-clock-'));
  file = join(folder, 'clock.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A clock whose parts record their calls, and how far ahead the clock was then. */
function open(changed: Partial<Parts> = {}) {
  const clock = openClock(file);
  const told: string[] = [];
  const note = (what: string) => told.push(`${what} at ${clock.ahead / 1000}`);
  const parts: Parts = {
    functions: { setClock: async (ahead) => void note(`functions ${ahead / 1000}`) },
    dynamo: { deleteExpired: async () => void note('dynamo') },
    scheduler: {
      catchUp: async () => {
        note('jobs');
        return [];
      },
    },
    ...changed,
  };
  return { clock, told, ...createTestClock(clock, file, parts) };
}

describe('moving the clock', () => {
  test('the functions get the new time before another part can call them, and jobs run when every part has it', async () => {
    const { advance, told } = open();
    const asked = Date.now();
    const { now, ahead } = await advance(90);
    const answered = Date.now();
    expect(told).toEqual(['functions 90 at 0', 'dynamo at 90', 'jobs at 90']);
    expect(ahead).toBe(90);
    expect(Date.parse(now)).toBeGreaterThanOrEqual(asked + 90_000);
    expect(Date.parse(now)).toBeLessThanOrEqual(answered + 90_000);
  });

  test('two concurrent moves run one after the other', async () => {
    const { advance, told } = open();
    const readings = await Promise.all([advance(60), advance(40)]);
    expect(readings.map(({ ahead }) => ahead)).toEqual([60, 100]);
    expect(told).toEqual([
      ...['functions 60 at 0', 'dynamo at 60', 'jobs at 60'],
      ...['functions 100 at 60', 'dynamo at 100', 'jobs at 100'],
    ]);
  });

  test('a job that does not end is reported, the clock is moved anyway, and can be moved again', async () => {
    const late = [['purge-expired'], []];
    const { advance, clock } = open({ scheduler: { catchUp: async () => late.shift()! } });
    await expect(advance(60)).rejects.toThrow(JobsStillRunning);
    expect(clock.ahead).toBe(60_000);
    expect(await advance(60)).toMatchObject({ ahead: 120 });
  });
});

describe('a stack that starts again', () => {
  test('starts with the machine’s time at first, and later with the time that it had', async () => {
    const first = open();
    expect(first.clock.ahead).toBe(0);
    await first.advance(3600);
    expect(open().clock.ahead).toBe(3_600_000);
  });

  test('has the new time when it was killed during a move', async () => {
    const { advance } = open({ functions: { setClock: () => new Promise(() => {}) } });
    void advance(3600);
    while (!(await readFile(file, 'utf8').catch(() => ''))) await new Promise(setImmediate);
    expect(open().clock.ahead).toBe(3_600_000);
  });

  test.each(['', '{}', '{"ahead":-5}', '{"ahead":1e3}', '{"ahead":"1"}'])(
    'with %j in its file says what to do',
    async (text) => {
      await writeFile(file, text);
      expect(() => openClock(file)).toThrow(/clock\.json does not say .* --reset/);
    },
  );
});
