import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKey, findKey, listKeys, removeKey } from '../../lib/auth/applications/app-keys.dynamo.ts';
import {
  type ApplicationStore,
  readApplication,
  removeApplication,
} from '../../lib/auth/applications/applications.dynamo.ts';
import { registerByHand } from '../../lib/auth/applications/manage.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import { DependencyUnavailable } from '../../lib/kernel/errors.ts';
import { fieldsOf } from '../support/applications.ts';
import { documentsThat, startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const start = Date.UTC(2026, 0, 1);
let dynamo: TestDynamo;
let store: ApplicationStore;
let now = start;
let applicationId: string;

beforeAll(async () => {
  dynamo = await startTestDynamo([
    { name: 'applications', ...tables.applications },
    { name: 'app-keys', ...tables.appKeys },
  ]);
  store = { client: dynamo.documents, table: 'applications', keysTable: 'app-keys', clock: { now: () => now } };
});
afterAll(() => dynamo.stop());
beforeEach(async () => {
  now = start;
  ({ id: applicationId } = await registerByHand(store, fieldsOf('server')));
});

const make = (expiresAt?: number) => createKey(store, applicationId, { expiresAt });
const stored = async (keyId: string) =>
  (await dynamo.documents.send(new GetCommand({ TableName: 'app-keys', Key: { keyId } }))).Item;
const keysOf = async (id = applicationId) => listKeys(store, (await readApplication(store, id)) ?? {});

test('a key authenticates its application', async () => {
  const { id, key } = await make();
  expect(key).toMatch(/^cfk_[A-Za-z0-9_-]{64}$/);
  expect(await findKey(store, key)).toEqual({ keyId: id, applicationId });
});

test('neither a key nor its secret is stored', async () => {
  const { id, key } = await make();
  const secret = Buffer.from(key.slice(4), 'base64url').subarray(16);
  const text = JSON.stringify([await stored(id), await readApplication(store, applicationId)]);
  for (const encoding of ['hex', 'base64', 'base64url'] as const) expect(text).not.toContain(secret.toString(encoding));
});

test('a key with any one character changed is not accepted', async () => {
  const { key } = await make();
  for (let at = 0; at < key.length; at++) {
    const altered = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1);
    expect(await findKey(store, altered), `character ${at}`).toBeUndefined();
  }
});

test('what does not have the form of a key, or is a session token, is not looked up', async () => {
  const { key } = await make();
  const reads = dynamo.calls().GetItem;
  for (const wrong of ['', 'cfk_', key.slice(0, -1), `${key}A`, key.replace('cfk_', 'cfs_')]) {
    expect(await findKey(store, wrong)).toBeUndefined();
  }
  expect(dynamo.calls().GetItem).toBe(reads);
});

test('a key is valid until it expires', async () => {
  const { key } = await make(start + 60_000);
  now = start + 59_999;
  expect(await findKey(store, key)).toBeDefined();
  now = start + 60_000;
  expect(await findKey(store, key)).toBeUndefined();
});

test('a removed key stops working at once, and the other one stays valid', async () => {
  const [one, two] = [await make(), await make()];
  expect(await removeKey(store, applicationId, one.id)).toBe(true);
  expect(await findKey(store, one.key)).toBeUndefined();
  expect(await findKey(store, two.key)).toBeDefined();
  expect((await keysOf()).map(({ id }) => id)).not.toContain(one.id);
  expect(await removeKey(store, applicationId, one.id)).toBe(false);
});

test('a key cannot be removed through another application', async () => {
  const other = await registerByHand(store, fieldsOf('server'));
  expect(await removeKey(store, applicationId, other.keyId!)).toBe(false);
  expect(await findKey(store, other.key!)).toBeDefined();
});

test('an application has at most five keys, also when they are created concurrently', async () => {
  const made = await Promise.allSettled(Array.from({ length: 12 }, () => make()));
  const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  expect(new Set(refused.filter((code) => code !== undefined))).toEqual(new Set(['too-many-keys']));
  expect(await keysOf()).toHaveLength(5);
});

test('an application that is removed takes its keys with it', async () => {
  const { id, key } = await make();
  await removeApplication(store, (await readApplication(store, applicationId))!);
  expect(await findKey(store, key)).toBeUndefined();
  expect(await stored(id)).toBeUndefined();
  await expect(make()).rejects.toMatchObject({ code: 'too-many-keys' });
});

test('the use of a key is stored once an hour', async () => {
  const { id, key } = await make();
  const updates = dynamo.calls().UpdateItem ?? 0;
  await findKey(store, key);
  await findKey(store, key);
  now = start + 3_599_000;
  await findKey(store, key);
  expect(dynamo.calls().UpdateItem).toBe(updates + 1);
  expect((await keysOf()).find((one) => one.id === id)?.lastUsedAt).toBe('2026-01-01T00:00:00.000Z');
  now = start + 3_600_000;
  await findKey(store, key);
  expect((await keysOf()).find((one) => one.id === id)?.lastUsedAt).toBe('2026-01-01T01:00:00.000Z');
  expect(dynamo.calls().UpdateItem).toBe(updates + 2);
});

test('a key is accepted even when its use cannot be stored', async () => {
  const { id, key } = await make();
  const send = dynamo.documents.send.bind(dynamo.documents);
  const client = documentsThat((command) =>
    command.constructor.name === 'UpdateCommand' ? Promise.reject(new Error('throttled')) : send(command as never),
  );
  expect(await findKey({ ...store, client: client as never }, key)).toMatchObject({ keyId: id });
});

test('a key cannot be checked while DynamoDB does not answer', async () => {
  const { key } = await make();
  dynamo.refuse();
  try {
    await expect(findKey(store, key)).rejects.toThrow(DependencyUnavailable);
  } finally {
    await dynamo.resume();
  }
});

describe('the keys of an application', () => {
  test('are not listed when DynamoDB leaves some out', async () => {
    await make();
    const keys = { 'app-keys': { Keys: [{ keyId: 'key_1' }] } };
    const client = documentsThat(async () => ({ Responses: { 'app-keys': [] }, UnprocessedKeys: keys }));
    const application = (await readApplication(store, applicationId))!;
    await expect(listKeys({ ...store, client }, application)).rejects.toThrow(DependencyUnavailable);
  });

  test('are listed newest first, without their secrets', async () => {
    now += 1000;
    const { id, key, ...rest } = await make(start + 3_600_000);
    expect(rest).toEqual({
      createdAt: '2026-01-01T00:00:01.000Z',
      expiresAt: '2026-01-01T01:00:00.000Z',
      lastUsedAt: null,
      createdBy: null,
    });
    const [first, ...others] = await keysOf();
    expect(first).toEqual({ id, ...rest });
    expect(others).toHaveLength(1);
    expect(JSON.stringify([first, others])).not.toContain(key.slice(4, 20));
  });
});
