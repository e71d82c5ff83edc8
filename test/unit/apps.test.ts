import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tables } from '../../infra/tables.ts';
import { runApps } from '../../infra/tools/apps.ts';
import {
  type AppKeyStore,
  createAppKey,
  findAppKey,
  listAppKeys,
  revokeAppKey,
} from '../../lib/apps/app-keys.dynamo.ts';
import { PartUnavailable } from '../../lib/kernel/errors.ts';
import { startTestDynamo, type TestDynamo } from '../support/dynamo.ts';

const start = Date.UTC(2026, 0, 1);
let dynamo: TestDynamo;
let store: AppKeyStore;
let now = start;

beforeAll(async () => {
  dynamo = await startTestDynamo([
    { name: 'app-keys', ...tables.appKeys },
    { name: 'no-keys', ...tables.appKeys },
  ]);
  store = { client: dynamo.documents, table: 'app-keys', clock: { now: () => now } };
});
afterAll(() => dynamo.stop());
beforeEach(() => {
  now = start;
});

const stored = async (keyId: string) =>
  (await dynamo.documents.send(new GetCommand({ TableName: 'app-keys', Key: { keyId } }))).Item;

describe('an app key', () => {
  test('stands for its name and scopes', async () => {
    const { keyId, key } = await createAppKey(store, { name: 'back office', scopes: ['stock:write', 'catalog:write'] });
    expect(key).toMatch(/^cfk_[A-Za-z0-9_-]{64}$/);
    const found = await findAppKey(store, key);
    expect(found).toEqual({ keyId, name: 'back office', scopes: ['catalog:write', 'stock:write'] });
  });

  test('is not kept, nor is its secret', async () => {
    const { keyId, key } = await createAppKey(store, { name: 'x', scopes: [] });
    const secret = Buffer.from(key.slice(4), 'base64url').subarray(16);
    const text = JSON.stringify(await stored(keyId));
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(text).not.toContain(secret.toString(encoding));
  });

  test('with any one character changed stands for nobody', async () => {
    const { key } = await createAppKey(store, { name: 'x', scopes: ['stock:write'] });
    for (let at = 0; at < key.length; at++) {
      const altered = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1);
      expect(await findAppKey(store, altered), `character ${at}`).toBeUndefined();
    }
  });

  test('that has not the form of one, or is a session token, is not looked for', async () => {
    const { key } = await createAppKey(store, { name: 'x', scopes: [] });
    const reads = dynamo.calls().GetItem;
    for (const wrong of ['', 'cfk_', key.slice(0, -1), `${key}A`, key.replace('cfk_', 'cfs_')]) {
      expect(await findAppKey(store, wrong)).toBeUndefined();
    }
    expect(dynamo.calls().GetItem).toBe(reads);
  });

  test('is good until it expires', async () => {
    const { key } = await createAppKey(store, { name: 'x', scopes: [], expiresAt: start + 60_000 });
    now = start + 59_999;
    expect(await findAppKey(store, key)).toBeDefined();
    now = start + 60_000;
    expect(await findAppKey(store, key)).toBeUndefined();
  });

  test('is of no use from the moment it is revoked', async () => {
    const { keyId, key } = await createAppKey(store, { name: 'x', scopes: [] });
    expect(await findAppKey(store, key)).toBeDefined();
    expect(await revokeAppKey(store, keyId)).toBe(true);
    expect(await findAppKey(store, key)).toBeUndefined();
    now += 5000;
    expect(await revokeAppKey(store, keyId)).toBe(true);
    expect((await listAppKeys(store)).find((each) => each.keyId === keyId)).toMatchObject({ revokedAt: start });
  });

  test('that there never was cannot be revoked', async () => {
    expect(await revokeAppKey(store, `key_${'0'.repeat(32)}`)).toBe(false);
    expect(await stored(`key_${'0'.repeat(32)}`)).toBeUndefined();
  });

  test('has its use noted once an hour', async () => {
    const { keyId, key } = await createAppKey(store, { name: 'x', scopes: [] });
    const updates = dynamo.calls().UpdateItem ?? 0;
    await findAppKey(store, key);
    await findAppKey(store, key);
    now = start + 3_599_000;
    await findAppKey(store, key);
    expect(dynamo.calls().UpdateItem).toBe(updates + 1);
    expect((await stored(keyId))?.lastUsedAt).toBe(start / 1000);
    now = start + 3_600_000;
    await findAppKey(store, key);
    expect((await stored(keyId))?.lastUsedAt).toBe(start / 1000 + 3600);
    expect(dynamo.calls().UpdateItem).toBe(updates + 2);
  });

  test('is good even when its use cannot be noted', async () => {
    const { keyId, key } = await createAppKey(store, { name: 'x', scopes: [] });
    const send = dynamo.documents.send.bind(dynamo.documents);
    const client = {
      send: (command: object) =>
        command.constructor.name === 'UpdateCommand' ? Promise.reject(new Error('throttled')) : send(command as never),
    };
    expect(await findAppKey({ ...store, client: client as never }, key)).toMatchObject({ keyId });
  });

  test('with a scope that this release does not know is not allowed it', async () => {
    const { keyId, key } = await createAppKey(store, { name: 'x', scopes: ['stock:write'] });
    const item = await stored(keyId);
    const Item = { ...item, scopes: ['stock:write', 'everything:write'] };
    await dynamo.documents.send(new PutCommand({ TableName: 'app-keys', Item }));
    expect((await findAppKey(store, key))?.scopes).toEqual(['stock:write']);
  });

  test('cannot be checked while DynamoDB is away', async () => {
    const { key } = await createAppKey(store, { name: 'x', scopes: [] });
    dynamo.refuse();
    try {
      await expect(findAppKey(store, key)).rejects.toThrow(PartUnavailable);
    } finally {
      await dynamo.resume();
    }
  });
});

describe('npm run apps', () => {
  const run = async (line: string, table = 'app-keys') => {
    const out: string[] = [];
    const err: string[] = [];
    const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
    const print = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
    return { code: await runApps(args, (named) => ({ ...store, table: named ?? table }), print), out, err };
  };

  test('creates a key that works, lists it without its secret, and revokes it', async () => {
    const created = await run('create --name "back office" --scopes catalog:write,stock:write --days 2');
    expect(created).toMatchObject({ code: 0, err: [] });
    const key = /cfk_\S+/.exec(created.out.join('\n'))![0];
    const keyId = /key_[0-9a-f]{32}/.exec(created.out.join('\n'))![0];
    expect(await findAppKey(store, key)).toMatchObject({ keyId, name: 'back office' });

    const listed = await run('list');
    const line = listed.out.find((each) => each.startsWith(keyId));
    expect(line).toContain('back office  catalog:write,stock:write');
    expect(line).toContain('expires 2026-01-03T00:00:00.000Z');
    expect(listed.out.join()).not.toContain('cfk_');

    expect(await run(`revoke ${keyId}`)).toMatchObject({ code: 0, out: [`${keyId} is revoked.`] });
    expect(await findAppKey(store, key)).toBeUndefined();
    expect((await run('list')).out.find((each) => each.startsWith(keyId))).toContain('revoked 2026');
  });

  test.for([
    ['', 'Say what to do.'],
    ['delete x', 'There is no command "delete x".'],
    ['create', 'Give the key a --name'],
    ['create --name x', 'Say with --scopes'],
    ['create --name x --scopes stock:read', 'There is no scope "stock:read".'],
    ['create --name x --scopes stock:write --days soon', '--days is a whole number'],
    ['create --name x --scopes stock:write --force', "Unknown option '--force'"],
    ['revoke', 'There is no command "revoke".'],
    ['revoke cfk_abc', 'Revoke a key by its id'],
    ['revoke 123', '"123" is not a key'],
  ] as const)('"%s" is explained and changes nothing', async ([line, says]) => {
    const writes = dynamo.calls().PutItem;
    const { code, out, err } = await run(line);
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err.join('\n')).toContain(says);
    expect(err.join('\n')).toContain('npm run apps -- create');
    expect(dynamo.calls().PutItem).toBe(writes);
  });

  test('an unknown key, table or DynamoDB is one sentence', async () => {
    const unknown = `key_${'0'.repeat(32)}`;
    expect(await run(`revoke ${unknown}`)).toMatchObject({ code: 1, err: [`There is no app key ${unknown}.`] });
    expect((await run('list --table nowhere')).err.join()).toMatch(/^DynamoDB has no such table here; .*\.$/);
    expect((await run('list', 'no-keys')).out).toEqual(['There are no app keys.']);
    dynamo.refuse();
    try {
      const { code, err } = await run('list');
      expect(code).toBe(1);
      expect(err.join()).toMatch(/^DynamoDB cannot be asked: /);
    } finally {
      await dynamo.resume();
    }
  });
});
