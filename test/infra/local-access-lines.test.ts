import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { type AccessLines, lastAccessLines, startAccessLines } from '../../infra/local/functions/access-lines.ts';

let lines: AccessLines | undefined;
afterEach(() => lines?.stop());

type Batch = { messageType: string; logEvents: { id: string; timestamp: number; message: string }[] };
const read = (payload: { awslogs: { data: string } }): Batch =>
  JSON.parse(gunzipSync(Buffer.from(payload.awslogs.data, 'base64')).toString());

function start({ refuse = () => false, every = 1 }: { refuse?: (call: number) => boolean; every?: number } = {}) {
  const batches: Batch[] = [];
  let calls = 0;
  lines = startAccessLines({
    every,
    deliver: async (payload) => {
      if (refuse(++calls)) throw new Error('the database is away');
      batches.push(read(payload));
    },
  });
  const messages = () => batches.flatMap(({ logEvents }) => logEvents.map(({ message }) => message));
  return { lines, batches, messages };
}

test('lines arrive in order, many in one batch, in the format of CloudWatch Logs', async () => {
  const { lines, batches, messages } = start({ every: 20 });
  const sent = Array.from({ length: 1200 }, (_, n) => `line ${n}`);
  for (const line of sent) lines.add(line);
  await lines.settle(60_000);
  expect(messages()).toEqual(sent);
  expect(batches.map(({ logEvents }) => logEvents.length)).toEqual([500, 500, 200]);
  expect(batches[0]).toMatchObject({ messageType: 'DATA_MESSAGE', subscriptionFilters: ['record-access'] });
  const ids = batches.flatMap(({ logEvents }) => logEvents.map(({ id }) => id));
  expect(new Set(ids).size).toBe(1200);
});

test('a batch that is not stored is sent again until it is, followed by the lines that came meanwhile', async () => {
  const { lines, messages } = start({ refuse: (call) => call <= 3 });
  lines.add('first');
  lines.add('second');
  await expect.poll(messages).toEqual(['first', 'second']);
  lines.add('third');
  await lines.settle(60_000);
  expect(messages()).toEqual(['first', 'second', 'third']);
});

test('settling does not wait forever for lines that cannot be delivered', async () => {
  const { lines, messages } = start({ refuse: () => true });
  lines.add('lost');
  await lines.settle(50);
  expect(messages()).toEqual([]);
});

test('the lines of a killed run are found at the end of its log, without incomplete and other lines', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-lines-'));
  try {
    const file = join(folder, 'functions.log');
    expect(await lastAccessLines(file)).toEqual([]);
    const access = (n: number) => JSON.stringify({ accessId: `acc_${n}`, padding: 'x'.repeat(1000) });
    await writeFile(file, `${Array.from({ length: 1000 }, (_, n) => access(n)).join('\n')}\n`);
    await appendFile(
      file,
      `not JSON "accessId"\n${JSON.stringify({ message: 'step done' })}\n${access(1000)}\n{"accessId":"acc_`,
    );
    const found = await lastAccessLines(file);
    expect(found.length).toBeGreaterThan(400);
    expect(found.length).toBeLessThan(600);
    expect(found.slice(-2)).toEqual([access(999), access(1000)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
