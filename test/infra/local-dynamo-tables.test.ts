import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTimeToLiveCommand,
  ListTablesCommand,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocument, GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createClock } from '../../infra/local/clock.ts';
import { createTables, TableKeysDifferError, type TableSpec } from '../../infra/local/dynamo/tables.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const things: TableSpec = { name: 'things', partitionKey: 'id' };
const lists: TableSpec = { name: 'lists', partitionKey: 'list', sortKey: 'position' };
const sessions: TableSpec = { name: 'sessions', partitionKey: 'token', ttlAttribute: 'expiresAt' };
/** Of what comes soon: longer is a hang. */
const patience = { timeout: 2 * 60_000 };

let dynamo: TestDynamo;
let documents: DynamoDBDocument;
let id: string;
let tests = 0;
let clockMs = Date.UTC(2030, 0, 1);

beforeAll(async () => {
  dynamo = await startTestDynamo([things, lists, sessions], { clock: { now: () => clockMs }, sweepEveryMs: 5 });
  documents = dynamo.documents;
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  id = `thing-${++tests}`;
});

describe('time to live', () => {
  const seconds = () => Math.floor(clockMs / 1000);

  test('expired items are deleted, but none that is renewed, older than five years, or without a number', async () => {
    const save = (token: string, expiresAt: unknown) =>
      documents.send(new PutCommand({ TableName: 'sessions', Item: { token, expiresAt } }));
    await save('short', seconds() + 60);
    await save('long', seconds() + 3600);
    await save('renewed', seconds() + 60);
    await save('text', String(seconds() + 60));
    await save('ancient', seconds() - 6 * 365 * 24 * 3600);
    await documents.send(
      new UpdateCommand({
        TableName: 'sessions',
        Key: { token: 'renewed' },
        UpdateExpression: 'SET expiresAt = :later',
        ExpressionAttributeValues: { ':later': seconds() + 3600 },
      }),
    );
    clockMs += 61_000;
    await vi.waitFor(async () => expect(await session('short')).toBeUndefined(), patience);
    for (const token of ['long', 'renewed', 'text', 'ancient']) expect(await session(token)).toMatchObject({ token });
    clockMs += 3600_000;
    await vi.waitFor(async () => expect(await session('long')).toBeUndefined(), patience);
  });

  test('items that expire by a jump of the clock are deleted on request, also years later', async () => {
    const clock = createClock();
    const local = await startTestDynamo([sessions], { clock });
    try {
      const inSeconds = (s: number) => Math.floor(clock.now() / 1000) + s;
      for (const [token, expiresAt] of [['short', inSeconds(60)] as const, ['long', inSeconds(7200)] as const]) {
        await local.documents.send(new PutCommand({ TableName: 'sessions', Item: { token, expiresAt } }));
      }
      const tokens = async () => {
        const { Items = [] } = await local.documents.send(new ScanCommand({ TableName: 'sessions' }));
        return Items.map((item) => item.token);
      };
      await local.deleteExpired();
      expect((await tokens()).toSorted()).toEqual(['long', 'short']);
      clock.advance(3600_000);
      await local.deleteExpired();
      expect(await tokens()).toEqual(['long']);
      clock.advance(3 * 365 * 24 * 3600_000);
      await local.deleteExpired();
      expect(await tokens()).toEqual([]);
    } finally {
      await local.stop();
    }
  });

  test('without an interval, a test’s own DynamoDB keeps expired items until it is asked to delete them', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const local = await startTestDynamo([sessions]);
    try {
      const Key = { token: 'old' };
      const read = async () => (await local.documents.send(new GetCommand({ TableName: 'sessions', Key }))).Item;
      const expiresAt = Math.floor(Date.now() / 1000) - 60;
      await local.documents.send(new PutCommand({ TableName: 'sessions', Item: { ...Key, expiresAt } }));
      await vi.advanceTimersByTimeAsync(10 * 60_000);
      expect(await read()).toEqual({ ...Key, expiresAt });
      await local.deleteExpired();
      expect(await read()).toBeUndefined();
    } finally {
      vi.useRealTimers();
      await local.stop();
    }
  });

  test('it is described, and turning it on twice or for another attribute is refused', async () => {
    const set = (AttributeName: string, Enabled: boolean) =>
      dynamo.client.send(
        new UpdateTimeToLiveCommand({ TableName: 'sessions', TimeToLiveSpecification: { AttributeName, Enabled } }),
      );
    const described = () => dynamo.client.send(new DescribeTimeToLiveCommand({ TableName: 'sessions' }));
    expect((await described()).TimeToLiveDescription).toEqual({
      TimeToLiveStatus: 'ENABLED',
      AttributeName: 'expiresAt',
    });
    await expect(set('expiresAt', true)).rejects.toThrow('already enabled');
    await expect(set('other', true)).rejects.toThrow('current AttributeName is expiresAt');
    await set('expiresAt', false);
    expect((await described()).TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'DISABLED' });
    await expect(set('expiresAt', false)).rejects.toThrow('already disabled');
    await set('expiresAt', true);
  });

  const session = async (token: string) =>
    (await documents.send(new GetCommand({ TableName: 'sessions', Key: { token } }))).Item;
});

describe('tables', () => {
  test('creating them again, also concurrently, changes nothing', async () => {
    await put({ id });
    await Promise.all([createTables(dynamo.client, [things, lists, sessions]), createTables(dynamo.client, [things])]);
    const twice = { name: 'twice', partitionKey: 'id', sortKey: 'at', ttlAttribute: 'until' };
    await Promise.all([createTables(dynamo.client, [twice]), createTables(dynamo.client, [twice])]);
    expect(await get()).toEqual({ id });
  });

  test('a table with other keys is reported, and the error says what to do', async () => {
    const error = await failure(createTables(dynamo.client, [{ name: 'things', partitionKey: 'id', sortKey: 'at' }]));
    expect(error).toBeInstanceOf(TableKeysDifferError);
    expect(error).toMatchObject({ expected: ['id', 'at'], actual: ['id'] });
    expect(String(error)).toContain('npm start -- --reset');
  });

  test('deleting a table deletes its items and its time to live', async () => {
    const brief: TableSpec = { name: 'brief', partitionKey: 'id', ttlAttribute: 'until' };
    await createTables(dynamo.client, [brief]);
    await documents.send(new PutCommand({ TableName: 'brief', Item: { id } }));
    await dynamo.client.send(new DeleteTableCommand({ TableName: 'brief' }));
    await vi.waitFor(
      async () => expect((await dynamo.client.send(new ListTablesCommand())).TableNames).not.toContain('brief'),
      patience,
    );
    expect(await failure(documents.send(new GetCommand({ TableName: 'brief', Key: { id } })))).toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await dynamo.client.send(
      new CreateTableCommand({
        TableName: 'brief',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    await vi.waitFor(() => documents.send(new PutCommand({ TableName: 'brief', Item: { id: 'other' } })), patience);
    expect((await documents.send(new GetCommand({ TableName: 'brief', Key: { id } }))).Item).toBeUndefined();
    const { TimeToLiveDescription } = await dynamo.client.send(new DescribeTimeToLiveCommand({ TableName: 'brief' }));
    expect(TimeToLiveDescription?.TimeToLiveStatus).toBe('DISABLED');
  });

  test('point-in-time recovery can be set and is stored', async () => {
    const described = async () =>
      (await dynamo.client.send(new DescribeContinuousBackupsCommand({ TableName: 'things' })))
        .ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
    expect(await described()).toBe('DISABLED');
    await dynamo.client.send(
      new UpdateContinuousBackupsCommand({
        TableName: 'things',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    );
    expect(await described()).toBe('ENABLED');
  });
});

const put = (item: Record<string, unknown>) => documents.send(new PutCommand({ TableName: 'things', Item: item }));

const get = async (name = id) =>
  (await documents.send(new GetCommand({ TableName: 'things', Key: { id: name } }))).Item;

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error,
  );
