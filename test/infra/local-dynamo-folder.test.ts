import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument, GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../../infra/local/dynamo/open-store.ts';
import {
  DynamoFolderCorruptError,
  DynamoFolderError,
  DynamoFolderLockedError,
  startDynamo,
} from '../../infra/local/dynamo/start.ts';
import { createTables, type TableSpec } from '../../infra/local/dynamo/tables.ts';
import { testDynamoClient } from '../support/dynamo.ts';

const things: TableSpec = { name: 'things', partitionKey: 'id' };
const lists: TableSpec = { name: 'lists', partitionKey: 'list', sortKey: 'position' };
const sessions: TableSpec = { name: 'sessions', partitionKey: 'token', ttlAttribute: 'expiresAt' };

test.runIf(process.platform === 'linux')('a store of many files has few of them in memory', async () => {
  const folder = temporaryFolder();
  const store = await openStore(folder);
  onTestFinished(() => store.db.close());
  const level = store.db as typeof store.db & { compactRange(from: string, to: string): Promise<void> };
  const keys = Array.from({ length: 150 }, (_, n) => `key ${1000 + n}`);
  for (const key of keys) {
    await level.put(key, key);
    // Writes a file of its own.
    await level.compactRange(key, key);
  }
  for (const key of keys) expect(await level.get(key)).toBe(key);
  expect(readdirSync(folder).filter((file) => file.endsWith('.ldb')).length).toBeGreaterThan(140);
  const mapped = readFileSync('/proc/self/maps', 'utf8').split('\n');
  expect(mapped.filter((line) => line.includes(folder) && line.endsWith('.ldb')).length).toBeLessThanOrEqual(100);
});

test('after repeated kill -9, every answered write is there, and no half transaction', async () => {
  const path = temporaryFolder();
  const parts = Array.from({ length: 60 }, (_, part) => part);
  const writers = [0, 1, 2, 3];
  const answered = writers.map(() => 0);
  for (let round = 0; round < 3; round++) {
    await writeUntilKilled();
    await withDynamo(path, async (documents) => {
      for (const writer of writers) {
        const counts = await Promise.all(parts.map((part) => countOf(documents, `${writer}-${part}`)));
        expect(counts).toEqual(parts.map(() => counts[0]));
        expect(counts[0]).toBeGreaterThanOrEqual(answered[writer]!);
      }
    });
  }

  async function writeUntilKilled(): Promise<void> {
    const child = await startInProcess(path);
    const client = clientFor(child.endpoint);
    await createTables(client, [things]);
    const before = Math.min(...answered);
    const writing = Promise.allSettled(
      writers.map(async (writer) => {
        // One body for all, so that the other process writes instead of waiting for this one.
        const body = JSON.stringify({ TransactItems: parts.map((part) => addOneOnTheWire(`${writer}-${part}`)) });
        const headers = { 'x-amz-target': 'DynamoDB_20120810.TransactWriteItems', authorization: 'AWS4-HMAC-SHA256' };
        while ((await fetch(child.endpoint, { method: 'POST', headers, body })).ok) answered[writer]!++;
      }),
    );
    await vi.waitFor(() => expect(Math.min(...answered)).toBeGreaterThan(before + 2), {
      interval: 1,
      timeout: 2 * 60_000,
    });
    // At any moment, not only after an answer.
    await setTimeout(Math.random() * 20);
    child.process.kill('SIGKILL');
    await once(child.process, 'exit');
    for (const ended of await writing) expect(ended).toMatchObject({ reason: expect.any(TypeError) });
  }
});

test('after kill -9 request tokens and time to live still work', async () => {
  const path = temporaryFolder();
  const child = await startInProcess(path);
  const client = clientFor(child.endpoint);
  await createTables(client, [things, sessions]);
  const transaction = { TransactItems: [addOne('once')], ClientRequestToken: 'only-once' };
  await DynamoDBDocument.from(client).send(new TransactWriteCommand(transaction));
  child.process.kill('SIGKILL');
  await once(child.process, 'exit');
  await withDynamo(path, async (documents) => {
    await documents.send(new TransactWriteCommand(transaction));
    expect(await countOf(documents, 'once')).toBe(1);
    const { TimeToLiveDescription } = await documents.send(new DescribeTimeToLiveCommand({ TableName: 'sessions' }));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' });
  });
});

test('a table whose creation was interrupted by kill -9 can be used after the restart', async () => {
  const path = temporaryFolder();
  const { createStore } = await import('../../infra/local/dynamo/dynalite.ts');
  const first = await startDynamo({ path });
  await createTables(clientFor(first.endpoint), [things, lists]);
  await first.stop();
  const { db } = createStore(path);
  await db.put('table~things', { ...((await db.get('table~things')) as object), TableStatus: 'CREATING' });
  await db.put('table~lists', { ...((await db.get('table~lists')) as object), TableStatus: 'DELETING' });
  await db.close();

  const again = await startDynamo({ path });
  onTestFinished(again.stop);
  const client = clientFor(again.endpoint);
  await client.send(new GetItemCommand({ TableName: 'things', Key: { id: { S: 'a' } } }));
  expect((await client.send(new ListTablesCommand())).TableNames).toEqual(['things']);
});

test('stopping answers the requests that have arrived, and a second stop does nothing', async () => {
  const path = temporaryFolder();
  const first = await startDynamo({ path });
  const client = clientFor(first.endpoint);
  await createTables(client, [things]);
  const writer = DynamoDBDocument.from(client);
  const before = first.calls().PutItem ?? 0;
  const writes = Array.from({ length: 10 }, (_, n) =>
    writer.send(new PutCommand({ TableName: 'things', Item: { id: `s${n}` } })),
  );
  await vi.waitFor(() => expect(first.calls().PutItem! - before).toBe(10), { interval: 1, timeout: 2 * 60_000 });
  await Promise.all([first.stop(), first.stop(), ...writes]);
});

test('a folder in use by another process is reported', async () => {
  const path = temporaryFolder();
  await startInProcess(path);
  const error = await failure(startDynamo({ path }));
  expect(error).toBeInstanceOf(DynamoFolderLockedError);
  expect(error).toMatchObject({ folder: path, message: expect.stringContaining('npm start -- --reset') });
});

test.each([
  ['a garbled manifest', (name: string) => name.startsWith('MANIFEST-'), 'not a manifest'],
  ['a pointer to nowhere', (name: string) => name === 'CURRENT', 'MANIFEST-999999\n'],
])('with %s, it says that it is damaged', async (_, isVictim, content) => {
  const path = await filledFolder();
  for (const name of readdirSync(path).filter(isVictim)) writeFileSync(join(path, name), content);
  const error = await failure(startDynamo({ path }));
  expect(error).toBeInstanceOf(DynamoFolderError);
  expect(error).toMatchObject({ message: expect.stringContaining('npm start -- --reset') });
});

test('a folder without its CURRENT file is reported and not silently emptied', async () => {
  const path = await filledFolder();
  rmSync(join(path, 'CURRENT'));
  expect(await failure(startDynamo({ path }))).toBeInstanceOf(DynamoFolderCorruptError);
  expect(readdirSync(path).some((name) => name.startsWith('MANIFEST-'))).toBe(true);
});

test('a folder that is a file is reported', async () => {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, '');
  expect(await failure(startDynamo({ path }))).toBeInstanceOf(DynamoFolderError);
});

test('a folder can be opened again when its port was taken', async () => {
  const path = temporaryFolder();
  const other = await startDynamo();
  onTestFinished(other.stop);
  const port = Number(new URL(other.endpoint).port);
  expect(await failure(startDynamo({ path, port }))).toMatchObject({ code: 'EADDRINUSE' });
  await (await startDynamo({ path })).stop();
});

async function filledFolder(): Promise<string> {
  const path = temporaryFolder();
  const first = await startDynamo({ path });
  await createTables(clientFor(first.endpoint), [things]);
  await first.stop();
  return path;
}

const addOne = (id: string) => ({
  Update: {
    TableName: 'things',
    Key: { id },
    UpdateExpression: 'ADD n :one',
    ExpressionAttributeValues: { ':one': 1 },
  },
});

const addOneOnTheWire = (id: string) => ({
  Update: { ...addOne(id).Update, Key: { id: { S: id } }, ExpressionAttributeValues: { ':one': { N: '1' } } },
});

const countOf = async (documents: DynamoDBDocument, id: string): Promise<number | undefined> =>
  (await documents.send(new GetCommand({ TableName: 'things', Key: { id } }))).Item?.n;

async function withDynamo(path: string, work: (documents: DynamoDBDocument) => Promise<void>): Promise<void> {
  const dynamo = await startDynamo({ path });
  try {
    await work(DynamoDBDocument.from(clientFor(dynamo.endpoint)));
  } finally {
    await dynamo.stop();
  }
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error,
  );

function clientFor(endpoint: string): DynamoDBClient {
  const client = testDynamoClient(endpoint);
  onTestFinished(() => client.destroy());
  return client;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'local-dynamo-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function startInProcess(path: string) {
  const start = new URL('../../infra/local/dynamo/start.ts', import.meta.url).href;
  const script = `import { startDynamo } from ${JSON.stringify(start)};
    console.log((await startDynamo({ path: ${JSON.stringify(path)} })).endpoint);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return { process: child, endpoint: String(line).trim() };
}
